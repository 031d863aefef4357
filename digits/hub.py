"""Downloads from the Hub with a hard timeout, in a child process.

The Hub's client waits up to 23 seconds for a Hub that refuses connections and more than six minutes
for one that hangs, and one of its timeouts is a private constant. A process can be killed at any
moment, so the timeout of this module holds whatever the Hub does, and a stuck download leaves
nothing behind in the app.

The child resolves the revision to a commit once and then downloads every file at that commit: a
push in between cannot mix two sets, and the client's own record of a branch never moves ahead of
files that then fail to arrive.

    python -m digits.hub     reads one request as JSON from stdin; for `download` only
"""

import errno
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import httpx2
from huggingface_hub import (
    errors,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)

from digits import weights

# Xet has no advantage for files this small; plain HTTP keeps the child's traffic simple.
_CHILD_ENVIRONMENT = {
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_SYMLINKS_WARNING": "1",
    "HF_HUB_VERBOSITY": "error",
}
_METADATA_SECONDS = 10.0
FETCH_SECONDS = 60.0

_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EFBIG: "the file is too large for the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "the cache folder may not be written to",
    errno.EPERM: "the cache folder may not be written to",
    errno.EROFS: "the cache folder is read-only",
}
_STATUS = {
    401: "the Hub does not accept the token",
    402: "the Hub requires a paid plan",
    403: "the Hub does not allow this with the token in use",
    408: "the Hub timed out",
    412: "the repository has changed in the meantime",
    429: "there are too many requests to the Hub from this address",
}

# The first match decides, so subclasses come before their base classes.
_CLIENT_ERRORS: list[tuple[type[BaseException], str]] = [
    (errors.HFValidationError, "{repo} is not a repository name: it looks like owner/name"),
    (errors.GatedRepoError, "the repository {repo} is gated: this token has no access to it"),
    (
        errors.RepositoryNotFoundError,
        "the Hub has no repository {repo}, or it is private: check the name",
    ),
    (
        errors.RevisionNotFoundError,
        "the repository {repo} has no revision {revision}: check the branch, tag or commit",
    ),
    (
        errors.RemoteEntryNotFoundError,
        "the repository {repo} at {revision} lacks files of a set of weights",
    ),
    (errors.OIDCError, "no identity token: the job needs `id-token: write`"),
    (errors.OfflineModeIsEnabled, "HF_HUB_OFFLINE forbids requests to the Hub"),
    (errors.FileMetadataError, "the Hub's response lacks the commit or the file's metadata"),
    (httpx2.TimeoutException, "the Hub does not answer in time"),
    (httpx2.TransportError, "the Hub cannot be reached"),
    (ConnectionError, "the Hub cannot be reached"),
    (httpx2.InvalidURL, "the Hub's address in HF_ENDPOINT is not a URL"),
    (httpx2.StreamError, "the Hub's response was cut off"),
]

_UNREACHABLE = "unreachable"
_MISSING = (
    errors.HFValidationError,
    errors.RepositoryNotFoundError,
    errors.RevisionNotFoundError,
    errors.RemoteEntryNotFoundError,
)

# What the client raises when the Hub, the network or the machine is at fault.
CLIENT_ERRORS: tuple[type[BaseException], ...] = (
    *(kind for kind, _ in _CLIENT_ERRORS),
    OSError,
    httpx2.HTTPError,
    errors.EntryNotFoundError,
    RuntimeError,
)


class HubError(Exception):
    """A download from the Hub failed; the text explains why to a person.

    Attributes:
        code: See `code_of`.
    """

    def __init__(self, text: str, code: str = _UNREACHABLE) -> None:
        """Store the text for the log and the code for the page."""
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Request:
    """What to download.

    Attributes:
        repo: `owner/name`.
        revision: Branch, tag or commit.
        files: Paths in the repository.
        cache: The client's cache folder.
        have: Commits to skip.
        force: Download every file again, even if it is in the cache.
        timeout_seconds: Timeout of the whole download.
    """

    repo: str
    revision: str
    files: tuple[str, ...]
    cache: Path
    have: frozenset[str] = frozenset()
    force: bool = False
    timeout_seconds: float = FETCH_SECONDS


@dataclass(frozen=True)
class Snapshot:
    """One commit in the cache.

    Attributes:
        commit: 40-hex commit of the revision.
        folder: Contains the requested files; None if the commit was skipped.
    """

    commit: str
    folder: Path | None


def download(request: Request) -> Snapshot:
    """Resolve the revision once and download its files into the cache.

    Raises:
        HubError: If the Hub cannot be reached in time, or has no such repository, revision or
            file, or the files cannot be written to disk.
    """
    answer = _run_child(request)
    if "problem" in answer:
        raise HubError(answer["problem"], answer["code"])
    folder = Path(answer["folder"]) if answer["folder"] else None
    return Snapshot(answer["commit"], folder)


def fetch(repo: str, revision: str, *, cache: Path) -> weights.Weights:
    """Download and check the set of weights of a revision.

    Raises:
        HubError: If the download fails.
        weights.WeightsError: If the set fails a check.
    """
    request = Request(repo, revision, weights.FILES, cache)
    return load_commit(download(request), request)


def load_commit(snapshot: Snapshot, request: Request) -> weights.Weights:
    """Check a downloaded set; download its files again if the cached ones are damaged.

    A killed process or a bad disk can leave wrong bytes in the cache under the right name, where
    the Hub's client would find them forever.

    Args:
        snapshot: A snapshot with a folder.
        request: The request for which it was downloaded.

    Raises:
        HubError: If the second download fails.
        weights.WeightsError: If the set fails a check both times.
    """
    origin = weights.Origin(request.repo, request.revision, snapshot.commit)
    try:
        return weights.load_folder(cast("Path", snapshot.folder), origin)
    except weights.WeightsError:
        again = replace(request, revision=snapshot.commit, have=frozenset(), force=True)
        return weights.load_folder(cast("Path", download(again).folder), origin)


def cached(request: Request) -> Path | None:
    """Return the cache folder of a full commit if all its files are cached; sends no request."""
    found = [
        try_to_load_from_cache(request.repo, name, request.cache, request.revision)
        for name in request.files
    ]
    paths = [Path(path) for path in found if isinstance(path, str)]
    return paths[0].parent if len(paths) == len(request.files) else None


def explain(error: BaseException, repo: str, revision: str | None = None) -> str | None:
    """Explain an error of the Hub's client to a person, in one line.

    Returns:
        A clause in lower case without a full stop; None if neither the Hub nor the machine is at
        fault, so that the error is a bug.
    """
    error = _cause(error)
    for kind, text in _CLIENT_ERRORS:
        if isinstance(error, kind):
            return text.format(repo=repo, revision=revision)
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        return _STATUS.get(status, f"the Hub answers with an error ({status})")
    if not isinstance(error, OSError):
        return None
    if error.errno is None and "Consistency check" in str(error):
        return "a file arrived incomplete"
    return _DISK.get(error.errno or 0)


def code_of(error: BaseException) -> str:
    """Classify an error, so that the page can explain it in the visitor's language.

    Returns:
        `missing`, `denied`, `disk` or `unreachable`.
    """
    error = _cause(error)
    if isinstance(error, HubError):
        return error.code
    if isinstance(error, errors.GatedRepoError):  # also a RepositoryNotFoundError
        return "denied"
    if isinstance(error, _MISSING):
        return "missing"
    if isinstance(error, errors.HfHubHTTPError):
        return "denied" if error.response.status_code in {401, 402, 403} else _UNREACHABLE
    return "disk" if isinstance(error, OSError) and error.errno in _DISK else _UNREACHABLE


def _cause(error: BaseException) -> BaseException:
    """Return the cause of an error that the client raised while it looked for or sent a file."""
    while isinstance(error, errors.LocalEntryNotFoundError | RuntimeError) and error.__cause__:
        error = error.__cause__
    return error


def _run_child(request: Request) -> dict[str, Any]:
    options = vars(request) | {"cache": str(request.cache), "have": sorted(request.have)}
    try:
        child = subprocess.run(
            [sys.executable, "-m", "digits.hub"],
            input=json.dumps(options),
            capture_output=True,
            text=True,
            timeout=request.timeout_seconds,
            cwd=Path(__file__).parents[1],
            env=os.environ | _CHILD_ENVIRONMENT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise HubError(
            f"the download did not finish within {request.timeout_seconds:.0f} seconds"
        ) from error
    except OSError as error:
        raise HubError(f"the download could not be started: {error.strerror}") from error
    try:
        return json.loads(child.stdout.splitlines()[-1])
    except (ValueError, IndexError) as error:
        last = (child.stderr.strip().splitlines() or ["no output"])[-1]
        raise HubError(
            f"the download of {request.repo} ended unexpectedly ({child.returncode}): {last}"
        ) from error


def _child() -> None:
    """Process one request from stdin and write the result to stdout as one line of JSON."""
    options = json.load(sys.stdin)
    # Exit in time even if the parent is no longer there to kill this process.
    timer = threading.Timer(options["timeout_seconds"] + 1, os._exit, (1,))
    timer.daemon = True
    timer.start()
    try:
        answer = _download(options)
    except CLIENT_ERRORS as error:
        problem = explain(error, options["repo"], options["revision"])
        if problem is None:
            raise
        answer = {"problem": problem, "code": code_of(error)}
    sys.stdout.write(json.dumps(answer) + "\n")


def _download(options: dict[str, Any]) -> dict[str, str | None]:
    repo, files = options["repo"], options["files"]
    url = hf_hub_url(repo, files[0], revision=options["revision"])
    commit = get_hf_file_metadata(url, timeout=_METADATA_SECONDS).commit_hash
    if commit is None:
        raise errors.FileMetadataError("no X-Repo-Commit")
    if commit in options["have"]:
        return {"commit": commit, "folder": None}
    where = {"cache_dir": options["cache"], "force_download": options["force"]}
    paths = [hf_hub_download(repo, name, revision=commit, **where) for name in files]
    return {"commit": commit, "folder": str(Path(paths[0]).parent)}


if __name__ == "__main__":
    _child()

"""Downloading from the Hub in a bounded time: a child process that can be ended.

The Hub's client waits up to 23 seconds for a Hub that refuses connections and more than six minutes
for one that hangs, and one of its time limits is a private constant. A process can be stopped at
any moment, so the limit of this module holds whatever the Hub does, and nothing of a stuck
download stays behind in the app.

The child asks once which commit the revision stands for and then takes every file at exactly that
commit: a push in between cannot mix two sets, and the client's own note of where a branch points
is never moved ahead of files that then fail to arrive.

    python -m digits.hub     reads one request as JSON from standard input; for `download` only
"""

import errno
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import (
    errors,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)

from digits import weights

# Plain HTTP serves these small files as well as Xet does, and keeps the child's traffic simple.
_CHILD_ENVIRONMENT = {
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_SYMLINKS_WARNING": "1",
    "HF_HUB_VERBOSITY": "error",
}
_ASK_SECONDS = 10.0
FETCH_SECONDS = 60.0

_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EFBIG: "the disk takes no file of this size",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "the cache folder may not be written to",
    errno.EPERM: "the cache folder may not be written to",
    errno.EROFS: "the cache folder is read-only",
}
_STATUS = {
    401: "the Hub does not accept the token",
    402: "the Hub asks for a paid plan",
    403: "the Hub does not allow this with the token in use",
    408: "the Hub ran out of time",
    412: "the repository has moved on in the meantime",
    429: "the Hub is asked too often from this address",
}

# The first kind that fits decides, so the special ones come first.
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
    (errors.OfflineModeIsEnabled, "HF_HUB_OFFLINE forbids to ask the Hub"),
    (errors.FileMetadataError, "the Hub's answer does not name commit and file"),
    (httpx2.TimeoutException, "the Hub does not answer in time"),
    (httpx2.TransportError, "the Hub cannot be reached"),
    (ConnectionError, "the Hub cannot be reached"),
    (httpx2.InvalidURL, "the Hub's address in HF_ENDPOINT is not a URL"),
    (httpx2.StreamError, "the Hub's answer broke off"),
]

_UNREACHABLE = "unreachable"
_MISSING = (
    errors.HFValidationError,
    errors.RepositoryNotFoundError,
    errors.RevisionNotFoundError,
    errors.RemoteEntryNotFoundError,
)

# Everything that the client raises when the Hub, the network or the machine is at fault.
CLIENT_ERRORS: tuple[type[BaseException], ...] = (
    *(kind for kind, _ in _CLIENT_ERRORS),
    OSError,
    httpx2.HTTPError,
    errors.EntryNotFoundError,
    RuntimeError,
)


class HubError(Exception):
    """The Hub did not deliver; the text says why, in words for a person.

    Attributes:
        code: See `code_of`.
    """

    def __init__(self, text: str, code: str = _UNREACHABLE) -> None:
        """Keep the text for the log and the code for the page."""
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
        have: Commits that are not worth downloading.
        force: Take every file anew, whatever the cache holds.
    """

    repo: str
    revision: str
    files: tuple[str, ...]
    cache: Path
    have: frozenset[str] = frozenset()
    force: bool = False


@dataclass(frozen=True)
class Snapshot:
    """One commit in the cache.

    Attributes:
        commit: 40-hex id that the revision stands for.
        folder: Holds the requested files; None if the commit was not worth downloading.
    """

    commit: str
    folder: Path | None


def download(request: Request, *, timeout_seconds: float) -> Snapshot:
    """Resolve the revision once and download its files into the cache.

    Raises:
        HubError: If the Hub cannot be reached in time, or has no such repository, revision or
            file, or the disk does not take it.
    """
    asked = vars(request) | {
        "cache": str(request.cache),
        "have": sorted(request.have),
        "timeout_seconds": timeout_seconds,
    }
    answer = _run_child(json.dumps(asked), request.repo, timeout_seconds)
    if "problem" in answer:
        raise HubError(answer["problem"], answer["code"])
    folder = Path(answer["folder"]) if answer["folder"] else None
    return Snapshot(answer["commit"], folder)


def fetch(repo: str, revision: str, *, cache: Path) -> weights.Weights:
    """Download and check the set of a revision.

    Raises:
        HubError: If the Hub does not deliver.
        weights.WeightsError: If what it delivers fails a check.
    """
    request = Request(repo, revision, weights.FILES, cache)
    snapshot = download(request, timeout_seconds=FETCH_SECONDS)
    return load_commit(snapshot, request, FETCH_SECONDS)


def load_commit(snapshot: Snapshot, request: Request, timeout_seconds: float) -> weights.Weights:
    """Check a downloaded set; take its files once more if what lies in the cache is damaged.

    A killed process or a bad disk can leave wrong bytes in the cache under the right name, where
    the Hub's client would find them for ever.

    Raises:
        HubError: If the second download fails.
        weights.WeightsError: If the set fails a check both times.
    """
    origin = weights.Origin(request.repo, request.revision, snapshot.commit)
    try:
        return weights.load_folder(_folder(snapshot), origin)
    except weights.WeightsError:
        again = replace(request, revision=snapshot.commit, have=frozenset(), force=True)
        return weights.load_folder(
            _folder(download(again, timeout_seconds=timeout_seconds)), origin
        )


def _folder(snapshot: Snapshot) -> Path:
    if snapshot.folder is None:
        raise ValueError(f"Expected a downloaded snapshot. Received: {snapshot}")
    return snapshot.folder


def cached(request: Request) -> Path | None:
    """Return the folder of a full commit whose files all lie in the cache; no traffic."""
    found = [
        try_to_load_from_cache(request.repo, name, request.cache, request.revision)
        for name in request.files
    ]
    paths = [Path(path) for path in found if isinstance(path, str)]
    return paths[0].parent if len(paths) == len(request.files) else None


def explain(error: BaseException, repo: str, revision: str | None = None) -> str | None:
    """Put an error of the Hub's client into one line for a person.

    Returns:
        A clause that begins in lower case and has no full stop; None if the error is neither the
        Hub's nor the machine's state, and so a defect.
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
    """Sort what `explain` explains, for the page to word in the visitor's language.

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
    """Unwrap what happened while the client looked for a file or sent one."""
    while isinstance(error, errors.LocalEntryNotFoundError | RuntimeError) and error.__cause__:
        error = error.__cause__
    return error


def _run_child(asked: str, repo: str, timeout_seconds: float) -> dict[str, Any]:
    try:
        child = subprocess.run(
            [sys.executable, "-m", "digits.hub"],
            input=asked,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            cwd=Path(__file__).parents[1],
            env=os.environ | _CHILD_ENVIRONMENT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise HubError(f"the Hub did not deliver within {timeout_seconds:.0f} seconds") from error
    except OSError as error:
        raise HubError(f"no process for the download: {error.strerror}") from error
    try:
        return json.loads(child.stdout.splitlines()[-1])
    except (ValueError, IndexError) as error:
        last = (child.stderr.strip().splitlines() or ["no output"])[-1]
        raise HubError(
            f"the download of {repo} ended unexpectedly ({child.returncode}): {last}"
        ) from error


def _child() -> None:
    """Answer one request from standard input with one line of JSON."""
    asked = json.loads(sys.stdin.read())
    # It stops in time even if the parent is no longer there to stop it.
    timer = threading.Timer(asked["timeout_seconds"] + 1, os._exit, (1,))
    timer.daemon = True
    timer.start()
    try:
        answer = _download(asked)
    except CLIENT_ERRORS as error:
        problem = explain(error, asked["repo"], asked["revision"])
        if problem is None:
            raise
        answer = {"problem": problem, "code": code_of(error)}
    sys.stdout.write(json.dumps(answer) + "\n")


def _download(asked: dict[str, Any]) -> dict[str, str | None]:
    url = hf_hub_url(asked["repo"], asked["files"][0], revision=asked["revision"])
    commit = get_hf_file_metadata(url, timeout=_ASK_SECONDS).commit_hash
    if commit is None:
        raise errors.FileMetadataError("no X-Repo-Commit")
    if commit in asked["have"]:
        return {"commit": commit, "folder": None}
    paths = [
        hf_hub_download(
            asked["repo"],
            name,
            revision=commit,
            cache_dir=asked["cache"],
            force_download=asked["force"],
        )
        for name in asked["files"]
    ]
    return {"commit": commit, "folder": str(Path(paths[0]).parent)}


if __name__ == "__main__":
    _child()

"""What every command that writes to the Hub shares: signing in, names, and errors in one line."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import httpx2
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    ModelInfo,
    SpaceInfo,
    get_token,
    set_client_factory,
)
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.utils._http import default_client_factory
from huggingface_hub.utils.sha import git_hash

from digits import hub
from training.console import UserError

REQUEST_SECONDS = 120.0
"""Time the Hub may take for one answer: a commit may take it a minute."""

PUBLISHER, TOKEN, EITHER = "publisher", "token", "publisher-or-token"
"""What `SIGN_IN` may say: a trusted publisher, a stored token, or that where the former fails."""


def sign_in() -> str:
    """Find the token to write with and print where it is from, never what it is.

    `SIGN_IN` in the environment says which way to take; without it a trusted publisher is taken
    where one is configured (`HF_OIDC_RESOURCE`), else a stored token.

    Raises:
        UserError: If there is none; or if the Hub does not accept the trusted publisher: another
            token is then tried only where `SIGN_IN` asks for that.
    """
    publisher = os.environ.get("HF_OIDC_RESOURCE")
    way = os.environ.get("SIGN_IN") or (PUBLISHER if publisher else TOKEN)
    if way not in (PUBLISHER, TOKEN, EITHER):
        raise UserError(f"SIGN_IN is {way!r}: set it to {PUBLISHER}, {TOKEN} or {EITHER}")
    if way != TOKEN:
        try:
            return _publisher_token(publisher)
        except UserError as error:
            if way != EITHER:
                raise
            print(f"{error}; SIGN_IN={EITHER} allows another token", flush=True)
    # Else the client would ask for a trusted publisher's token again.
    os.environ.pop("HF_OIDC_RESOURCE", None)
    token = get_token()
    if token is None:
        raise UserError(
            "no token to publish with: set HF_TOKEN to one that may write, or run `hf auth login`"
        )
    where = "HF_TOKEN" if os.environ.get("HF_TOKEN") else "the token of `hf auth login`"
    print(f"signing in with {where}", flush=True)
    return token


def _publisher_token(publisher: str | None) -> str:
    if not publisher:
        raise UserError("signing in as a trusted publisher needs HF_OIDC_RESOURCE=OWNER/NAME")
    print(f"signing in as the trusted publisher of {publisher}", flush=True)
    with one_line("the Hub", before="signing in as a trusted publisher failed: "):
        token = get_token()
    if token is None:
        raise UserError(f"the Hub gave no token to the trusted publisher of {publisher}")
    return token


def check_repo(repo: str) -> None:
    """Refuse a name that the Hub would refuse, before anything is sent.

    Raises:
        UserError: If it is not `owner/name`.
    """
    part = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
    if not re.fullmatch(f"{part}/{part}", repo) or re.search(r"--|\.\.", repo) or len(repo) > 96:
        raise UserError(f"{repo!r} is not the name of a repository: give OWNER/NAME")


@contextmanager
def one_line(
    repo: str, revision: str | None = None, before: str = "", after: str = ""
) -> Iterator[None]:
    """Turn what the Hub's client raises about a repository into one line.

    Raises:
        UserError: Instead of the client's error: the reason between `before` and `after`.
    """
    try:
        yield
    except hub.CLIENT_ERRORS as error:
        reason = hub.explain(error, repo, revision)
        if reason is None:
            raise
        raise UserError(f"{before}{reason}{after}") from error
    except ValueError as error:
        # The client's check of the card; or an error page where it expects JSON.
        reason = " ".join(str(error).split())
        raise UserError(f"{before}the Hub refuses: {reason}{after}") from error


def limit_requests() -> None:
    """Let the Hub's client wait `REQUEST_SECONDS` for one answer; its own way is for ever.

    A session's own limit would not do: the client throws the session away when a connection fails.
    """

    def limited() -> httpx2.Client:
        client = default_client_factory()
        client.timeout = httpx2.Timeout(REQUEST_SECONDS)
        return client

    set_client_factory(limited)


Info = TypeVar("Info", ModelInfo, SpaceInfo)


def look(
    ask: Callable[..., Info], repo: str, make: Callable[[], object] | None
) -> tuple[Info, bool]:
    """Ask for a repository's newest commit and its files, in one answer so that they match.

    `ask` is `HfApi.model_info` or `HfApi.space_info`; `make` makes the repository if it is missing.

    Returns:
        The answer, and whether the repository was made for it.

    Raises:
        UserError: If it is missing, or the Hub does not answer.
    """
    with one_line(repo):
        try:
            return ask(repo, files_metadata=True, timeout=REQUEST_SECONDS), False
        except RepositoryNotFoundError as error:
            if make is None:
                raise UserError(
                    f"the Hub has no repository {repo} that this token can see: check the name, "
                    "or add --create to make it"
                ) from error
            make()
            return ask(repo, files_metadata=True, timeout=REQUEST_SECONDS), True


def changed(info: ModelInfo | SpaceInfo, files: Mapping[str, bytes]) -> list[str]:
    """Name the files that a repository does not hold as they are, by the hashes that `look` got."""
    stored = {
        file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id
        for file in info.siblings or []
    }
    return [
        name
        for name, data in files.items()
        if stored.get(name) not in (sha256(data), git_hash(data))
    ]


def newest(repo: str, info: ModelInfo | SpaceInfo) -> str:
    """Return the newest commit as the Hub names it.

    Raises:
        UserError: If it names none.
    """
    if info.sha is None:
        raise UserError(f"the Hub does not name the newest commit of {repo}: try again later")
    return info.sha


def commit_once(  # noqa: PLR0913 - what a commit consists of
    api: HfApi,
    repo: str,
    operations: Sequence[CommitOperationAdd | CommitOperationDelete],
    *,
    message: str,
    parent: str,
    kind: str = "model",
) -> str:
    """Make one commit of everything in a `model` or `space`, over exactly this parent; return it.

    Raises:
        UserError: If somebody else was faster, or the Hub does not take it; nothing has changed.
    """
    with one_line(repo, parent):
        try:
            return api.create_commit(
                repo, operations, commit_message=message, repo_type=kind, parent_commit=parent
            ).oid
        except HfHubHTTPError as error:
            if error.response.status_code != 412:
                raise
            raise UserError(moved(repo)) from error


def moved(repo: str) -> str:
    """Say that somebody else was faster."""
    return (
        f"{repo} has got a newer commit from somebody else in the meantime: nothing was published; "
        "compare with what is there now and run the same command again"
    )


def sha256(data: bytes) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()

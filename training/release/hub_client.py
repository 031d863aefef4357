"""Shared by commands that write to the Hub: sign-in, repository names and one-line errors."""

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
"""Timeout for one response of the Hub; a commit can take a minute."""

PUBLISHER, TOKEN, EITHER = "publisher", "token", "publisher-or-token"
"""Values of `SIGN_IN`: a trusted publisher, a stored token, or the latter if the former fails."""


def sign_in() -> str:
    """Return a token with write access; print its source, never the token itself.

    `SIGN_IN` in the environment selects the method. By default a trusted publisher is used if one
    is configured (`HF_OIDC_RESOURCE`), else a stored token.

    Raises:
        UserError: If there is no token, or the Hub rejects the trusted publisher and `SIGN_IN` does
            not allow a stored token instead.
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
            print(f"{error}; using a stored token, as SIGN_IN={EITHER} allows", flush=True)
    # Otherwise the client would request a trusted publisher's token again.
    os.environ.pop("HF_OIDC_RESOURCE", None)
    token = get_token()
    if token is None:
        raise UserError(
            "no token to publish with: set HF_TOKEN to a write token, or run `hf auth login`"
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
    """Reject a name that the Hub would reject, before anything is sent.

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
    """Convert the Hub client's errors about a repository to one line.

    Raises:
        UserError: In place of the client's error, the reason between `before` and `after`.
    """
    try:
        yield
    except hub.CLIENT_ERRORS as error:
        reason = hub.explain(error, repo, revision)
        if reason is None:
            raise
        raise UserError(f"{before}{reason}{after}") from error
    except ValueError as error:
        # The card is invalid, or the client got an error page instead of JSON.
        reason = " ".join(str(error).split())
        raise UserError(f"{before}the Hub rejects this: {reason}{after}") from error


def limit_requests() -> None:
    """Give the Hub's client a timeout of `REQUEST_SECONDS`; by default it waits forever.

    Setting it on a session is not enough: the client replaces the session when a connection fails.
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
    """Fetch a repository's newest commit and its file list in one response, so that they match.

    `ask` is `HfApi.model_info` or `HfApi.space_info`; `make` creates the repository if missing.

    Returns:
        The response, and whether the repository was created.

    Raises:
        UserError: If it is missing and `make` is None, or the Hub does not respond.
    """
    with one_line(repo):
        try:
            return ask(repo, files_metadata=True, timeout=REQUEST_SECONDS), False
        except RepositoryNotFoundError as error:
            if make is None:
                raise UserError(
                    f"the Hub has no repository {repo} that this token can see: check the name, "
                    "or add --create to create it"
                ) from error
            make()
            return ask(repo, files_metadata=True, timeout=REQUEST_SECONDS), True


def changed(info: ModelInfo | SpaceInfo, files: Mapping[str, bytes]) -> list[str]:
    """Return the files that a repository lacks or holds differently, by the hashes in `info`."""
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
    """Return the newest commit from the Hub's response.

    Raises:
        UserError: If the response names none.
    """
    if info.sha is None:
        raise UserError(f"the Hub does not name the newest commit of {repo}: try again later")
    return info.sha


def commit_once(  # noqa: PLR0913 - the parts of a commit
    api: HfApi,
    repo: str,
    operations: Sequence[CommitOperationAdd | CommitOperationDelete],
    *,
    message: str,
    parent: str,
    kind: str = "model",
) -> str:
    """Make one commit to a `model` or `space` on exactly this parent and return its id.

    Raises:
        UserError: If somebody else committed first, or the Hub rejects it; nothing has changed.
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
    """Return the message that somebody else committed first."""
    return (
        f"{repo} has a newer commit from somebody else: nothing was published; compare with it "
        "and run the same command again"
    )


def sha256(data: bytes) -> str:
    """Return the SHA-256 as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()

"""The recognizer in use, and hot-swapping of newer weights.

A service first loads the last good commit from the cache, or the bundled weights, and only then
polls the Hub. A Hub that is down, slow or faulty neither delays the start nor interrupts service:
the current recognizer stays in use, and `Status.problem` says why there is no newer one.
"""

import hashlib
import logging
import random
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import constants

from digits import hub, weights
from digits.weights import Origin, Weights, WeightsError

if TYPE_CHECKING:
    from digits.recognizer import Recognizer

DEFAULT_REVISION = "main"
# One cheap request per minute is far below the Hub's rate limit, even for many duplicates behind
# one IP address; the jitter spreads their requests.
POLL_SECONDS = 60.0
_JITTER = 0.2
# A commit that failed its checks is retried later: its download may have been at fault.
_REJECTED_SECONDS = 3600.0
_RECORD_FOLDER = "digits-last-good"

_log = logging.getLogger(__name__)


class NotReadyError(Exception):
    """No recognizer is ready; the text is a sentence for the visitor."""


@dataclass(frozen=True)
class Status:
    """State of the weights, as shown on the page.

    Attributes:
        ready: Whether a recognizer is loaded.
        problem: Why newer weights are not in use, as plain text; None if there is no problem.
        code: The kind of problem, for translation by the page: `checks`, or one of `hub.code_of`.
    """

    ready: bool
    problem: str | None
    code: str | None


class LastGood:
    """A small file with the last commit of a revision that passed all checks.

    The Hub's client also records which commit a branch points to, but before its files have
    arrived. This file changes only once a commit is loaded and has passed the self-test.
    """

    def __init__(self, cache: Path, repo: str, revision: str) -> None:
        name = hashlib.sha256(f"{repo}@{revision}".encode()).hexdigest()[:16]
        self._path = cache / _RECORD_FOLDER / name

    def read(self) -> str | None:
        """Return the recorded commit; None if there is none or it cannot be read."""
        try:
            commit = self._path.read_text("ascii")
        except (OSError, ValueError):
            return None
        return commit if re.fullmatch("[0-9a-f]{40}", commit) else None

    def write(self, commit: str) -> None:
        """Record a commit; a disk error is only logged."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self._path.parent, suffix=".tmp", delete=False
            ) as file:
                file.write(commit)
            Path(file.name).replace(self._path)
        except OSError as error:
            _log.warning("the last good weights cannot be recorded: %s", error.strerror)


class Service:
    """Provides the recognizer in use; loads, checks and swaps weights in the background.

    Thread-safe. The swap is one assignment: a request that has the old recognizer finishes with it.
    """

    def __init__(  # noqa: PLR0913 - switches of the owner, all optional
        self,
        repo: str | None = None,
        revision: str | None = None,
        *,
        bundled: Path = weights.BUNDLED,
        cache: Path | None = None,
        fetch_seconds: float = hub.FETCH_SECONDS,
        poll_seconds: float | None = POLL_SECONDS,
    ) -> None:
        """Create a service; `start` loads the weights and starts polling.

        Args:
            repo: `owner/name` on the Hub; None or "" serves the bundled weights without polling.
            revision: Branch, tag or commit; None or "" is `main`.
            bundled: Folder of the bundled weights.
            cache: The Hub client's cache folder; None is its default, or a temporary folder if the
                default is not writable.
            fetch_seconds: Timeout of one check of the Hub, including the download.
            poll_seconds: Seconds between checks for a new commit (±20 %); None checks once.
        """
        self._repo = repo or None
        self._revision = revision or DEFAULT_REVISION
        self._bundled = bundled
        self._given_cache = cache
        self._fetch_seconds = fetch_seconds
        self._poll_seconds = poll_seconds
        self._recognizer: Recognizer | None = None
        self._problem: tuple[str, str] | None = None  # text and code
        self._rejected: dict[str, float] = {}
        self._settled = threading.Event()
        self._stopping = threading.Event()
        # A daemon thread: a hanging Hub must not keep the app from exiting.
        self._thread = threading.Thread(target=self._run, name="weights", daemon=True)

    def start(self) -> None:
        """Start loading in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop polling the Hub; the current recognizer stays in use."""
        self._stopping.set()

    def recognizer(self, timeout_seconds: float = 60.0) -> "Recognizer":
        """Return the recognizer in use, waiting for the first one.

        Raises:
            NotReadyError: If there is none within the timeout, or no weights could be loaded.
        """
        self._settled.wait(timeout_seconds)
        if recognizer := self._recognizer:
            return recognizer
        if self._settled.is_set():
            raise NotReadyError("No digit can be read: this page's weights could not be loaded.")
        raise NotReadyError("The page is still warming up: try again in a few seconds.")

    def status(self) -> Status:
        """Return the current state, without waiting."""
        problem, code = self._problem or (None, None)
        return Status(self._recognizer is not None, problem, code)

    def _run(self) -> None:
        try:
            self._begin()
        finally:
            self._settled.set()
        if self._repo:
            self._follow(self._repo)

    def _begin(self) -> None:
        """Serve the first local set that passes all checks."""
        for folder, origin in self._local():
            try:
                self._take(weights.load_folder(folder, origin))
            except (WeightsError, OSError) as error:
                self._report(f"Local weights were rejected: {error}", error)
            else:
                return

    def _local(self) -> Iterator[tuple[Path, Origin]]:
        if self._repo:
            commit = LastGood(self._cache, self._repo, self._revision).read()
            request = hub.Request(self._repo, commit or "", weights.FILES, self._cache)
            folder = hub.cached(request) if commit else None
            if folder:
                yield folder, Origin(self._repo, self._revision, commit)
        yield self._bundled, Origin()

    def _follow(self, repo: str) -> None:
        """Check the Hub now, then poll it until `stop`; a pinned commit needs no polling."""
        while self._current() != self._revision:
            self._update(repo)
            if self._poll_seconds is None:
                return
            pause = self._poll_seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
            if self._stopping.wait(pause):
                return

    def _update(self, repo: str) -> None:
        """Swap in the commit of the revision if it is new and passes all checks."""
        try:
            self._take_newest(repo)
        except (hub.HubError, WeightsError, OSError) as error:
            text = f"New weights of {repo} at {self._revision} are not in use: {error}"
            self._report(text, error)

    def _take_newest(self, repo: str) -> None:
        have, seconds = self._not_worth_fetching(), self._fetch_seconds
        request = hub.Request(
            repo, self._revision, weights.FILES, self._cache, have, timeout_seconds=seconds
        )
        snapshot = hub.download(request)
        if snapshot.folder is None:
            if snapshot.commit == self._current():
                self._problem = None
            return
        try:
            self._take(hub.load_commit(snapshot, request))
        except WeightsError:
            self._rejected[snapshot.commit] = time.monotonic()
            raise
        self._problem = None
        LastGood(self._cache, repo, self._revision).write(snapshot.commit)

    def _take(self, found: Weights) -> None:
        """Build a recognizer, and swap it in once it has passed its self-test."""
        # Imported in the background thread: the page does not wait for the runtime.
        from digits.recognizer import Recognizer  # noqa: PLC0415

        recognizer = Recognizer(found)
        recognizer.self_test()
        self._recognizer = recognizer
        self._settled.set()
        _log.info("answering with %s", describe(found))

    def _current(self) -> str | None:
        return self._recognizer.weights.origin.commit if self._recognizer else None

    def _not_worth_fetching(self) -> frozenset[str]:
        recent = time.monotonic() - _REJECTED_SECONDS
        commits = [commit for commit, when in self._rejected.items() if when > recent]
        return frozenset(filter(None, [*commits, self._current()]))

    @cached_property
    def _cache(self) -> Path:
        return self._given_cache or _writable_cache()

    def _report(self, text: str, error: Exception) -> None:
        code = "checks" if isinstance(error, WeightsError) else hub.code_of(error)
        if self._problem != (text, code):
            _log.warning("%s", text)
        self._problem = text, code


def parse_poll_seconds(text: str | None) -> float:
    """Parse the poll interval from a setting.

    Args:
        text: Seconds from 1 to 86,400; None or "" is `POLL_SECONDS`. Anything else is too, with a
            warning: a typo in a Space's variable must not keep the app from starting.
    """
    try:
        seconds = float(text or POLL_SECONDS)
    except ValueError:
        seconds = 0.0
    if 1 <= seconds <= 86_400:
        return seconds
    _log.warning("MODEL_POLL_SECONDS is not a number from 1 to 86400: using %.0f", POLL_SECONDS)
    return POLL_SECONDS


def describe(found: Weights) -> str:
    """Describe weights in one line: their origin, and how many test digits they misread."""
    test = found.metrics["mnist_test"]
    origin = found.origin
    name = "the bundled weights"
    if origin.repo and origin.commit:
        name = f"{origin.repo} at {origin.revision}, commit {origin.commit[:7]}"
    return (
        f"{name}: {test['top1_accuracy']:.2%} of MNIST's test digits right "
        f"({test['errors']:,} of {test['count']:,} wrong)"
    )


def _writable_cache() -> Path:
    """Return the Hub client's cache folder, or a temporary one if it is not writable."""
    folder = Path(constants.HF_HUB_CACHE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        _log.warning("the Hub's cache folder cannot be written (%s): using a temporary one", error)
        return Path(tempfile.mkdtemp(prefix="digits-hub-"))

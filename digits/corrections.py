"""Visitors' corrections, kept in a dataset on the Hub.

Off unless the owner names a dataset in `CORRECTIONS_REPO` and provides a write token.

A Space's disk is not persistent, so a correction counts as kept only once the Hub has confirmed its
commit: killing the app loses nothing that a visitor was told is kept. Corrections that arrive
during a commit go into the next one together (group commit). The Hub limits the number of commits,
so there is a pause between two of them.

Kept are the image that the network saw, the answer and its score, the correction and which weights
answered. No time, no address, no upload, nothing about the visitor.
"""

import json
import logging
import os
import queue
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Self

import cv2
import numpy as np
import numpy.typing as npt
from huggingface_hub import CommitOperationAdd, HfApi, get_token

FOLDER: Final = "data"
LISTING: Final = "metadata.jsonl"
"""Metadata of each picture, under the name that the Hub's viewer and `datasets` read."""

MAX_BATCH: Final = 50
"""Corrections in one commit, at most."""

MAX_WAITING: Final = 100
"""Corrections that wait for a commit, at most; more are rejected at once."""

MAX_DAILY: Final = 2000
"""Corrections accepted in a day by one running app: no script can fill the dataset."""

COMMIT_SECONDS: Final = 20.0
"""Pause after a commit."""

_DAY_SECONDS: Final = 86_400

_log = logging.getLogger(__name__)


class NotKeptError(Exception):
    """The Hub has not confirmed a correction; the text says why, for the log."""


@dataclass(frozen=True, eq=False)
class Correction:
    """What a visitor has corrected.

    Attributes:
        image: `(28, 28)` float32 in `[0, 1]` that the network saw.
        answer: 0 to 9, or None where it saw no digit.
        correction: 0 to 9, or None where there is no digit.
        score: How sure the answer was, 0 to 1.
        weights: Which weights answered: `commit` (None for the bundled ones), `repo` and `sha256`.
    """

    image: npt.NDArray[np.float32]
    answer: int | None
    correction: int | None
    score: float
    weights: dict[str, str | None]

    def row(self, name: str) -> dict[str, Any]:
        """Say in the listing what is known of the picture of this name."""
        return {
            "file_name": name,
            "answer": self.answer,
            "correction": self.correction,
            "score": round(self.score, 4),
            **{f"weights_{key}": value for key, value in self.weights.items()},
        }

    def png(self) -> bytes:
        """Write the picture as 8-bit gray PNG, 255 full ink."""
        pixels = np.round(self.image * 255).astype(np.uint8)
        return cv2.imencode(".png", pixels)[1].tobytes()


class Corrections:
    """Takes corrections from any thread and commits them in the background, batch by batch."""

    def __init__(
        self, repo: str, token: str | None = None, *, commit_seconds: float = COMMIT_SECONDS
    ) -> None:
        """Name the dataset; no request is sent before the first correction.

        Args:
            repo: `owner/name` of a dataset that exists.
            token: A write token; None takes the one that the Hub's client finds.
            commit_seconds: Pause after a commit.
        """
        self.repo = repo
        self._api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
        self._commit_seconds = commit_seconds
        self._waiting: queue.SimpleQueue[tuple[Correction, Future[None]]] = queue.SimpleQueue()
        self._submitting = threading.Lock()
        self._day, self._taken = 0, 0
        threading.Thread(target=self._run, name="corrections", daemon=True).start()

    @classmethod
    def from_environment(cls) -> Self | None:
        """Return what the owner has configured; None if repository or token is missing."""
        repo = os.environ.get("CORRECTIONS_REPO")
        return cls(repo) if repo and get_token() else None

    def submit(self, correction: Correction) -> Future[None]:
        """Queue a correction.

        Returns:
            Done once the Hub has confirmed it, or failed with `NotKeptError`.
        """
        future: Future[None] = Future()
        with self._submitting:
            if self._admit():
                self._waiting.put((correction, future))
            else:
                future.set_exception(NotKeptError("too many corrections at once, or today"))
        return future

    def _admit(self) -> bool:
        today = int(time.monotonic() // _DAY_SECONDS)
        if today != self._day:
            self._day, self._taken = today, 0
        admitted = self._waiting.qsize() < MAX_WAITING and self._taken < MAX_DAILY
        self._taken += admitted
        return admitted

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < MAX_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get())
            # Whoever gave up in the meantime was told that it is not kept.
            self._keep([item for item in batch if item[1].set_running_or_notify_cancel()])
            time.sleep(self._commit_seconds)

    def _keep(self, batch: Sequence[tuple[Correction, Future[None]]]) -> None:
        if not batch:
            return
        try:
            self._commit([correction for correction, _ in batch])
        except Exception as error:  # noqa: BLE001 - the thread goes on, and nobody waits for ever
            _log.warning("%d corrections could not be kept in %s: %s", len(batch), self.repo, error)
            for _, future in batch:
                future.set_exception(NotKeptError(str(error)))
        else:
            for _, future in batch:
                future.set_result(None)

    def _commit(self, corrections: Sequence[Correction]) -> None:
        # A name of its own for each batch: no commit can overwrite what another one holds.
        folder = f"{FOLDER}/{uuid.uuid4().hex}"
        files = {f"{i}.png": correction for i, correction in enumerate(corrections)}
        listing = "".join(json.dumps(item.row(name)) + "\n" for name, item in files.items())
        contents = {name: item.png() for name, item in files.items()} | {LISTING: listing.encode()}
        self._api.create_commit(
            self.repo,
            [CommitOperationAdd(f"{folder}/{name}", data) for name, data in contents.items()],
            commit_message=f"Add {len(corrections)} corrections",
            repo_type="dataset",
        )

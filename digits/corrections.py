"""Visitors' corrections, stored in a dataset on the Hub.

Off unless the owner sets `CORRECTIONS_REPO` to a dataset and provides a write token.

A Space's disk is not persistent, so a correction is reported as stored only once the Hub has
confirmed its commit: killing the app loses no confirmed correction. Corrections that arrive during
a commit go into the next one together (group commit). The Hub limits the rate of commits, so there
is a pause after each.

A record is the network's input image, the answer and its score, the correction, and the weights in
use: no time, no IP address, no upload, nothing about the visitor.
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
"""Metadata of the images, under the file name that the Hub's viewer and `datasets` expect."""

MAX_BATCH: Final = 50
"""Maximum number of corrections in one commit."""

MAX_WAITING: Final = 100
"""Maximum number of corrections that wait for a commit; more are rejected at once."""

MAX_DAILY: Final = 2000
"""Maximum number of corrections that one app accepts per day: no script can fill the dataset."""

COMMIT_SECONDS: Final = 20.0
"""Pause after a commit."""

_DAY_SECONDS: Final = 86_400

_log = logging.getLogger(__name__)


class NotKeptError(Exception):
    """A correction was not stored; the text says why, for the log."""


@dataclass(frozen=True, eq=False)
class Correction:
    """A visitor's correction of an answer.

    Attributes:
        image: The network's input, `(28, 28)` float32 in `[0, 1]`.
        answer: 0 to 9, or None if no digit was recognized.
        correction: 0 to 9, or None if there is no digit.
        score: Confidence of the answer, 0 to 1.
        weights: The weights in use: `commit` (None for the bundled ones), `repo` and `sha256`.
    """

    image: npt.NDArray[np.float32]
    answer: int | None
    correction: int | None
    score: float
    weights: dict[str, str | None]

    def row(self, name: str) -> dict[str, Any]:
        """Return the row of the listing for the image file of this name."""
        return {
            "file_name": name,
            "answer": self.answer,
            "correction": self.correction,
            "score": round(self.score, 4),
            **{f"weights_{key}": value for key, value in self.weights.items()},
        }

    def png(self) -> bytes:
        """Encode the image as 8-bit gray PNG; 255 is full ink."""
        pixels = np.round(self.image * 255).astype(np.uint8)
        return cv2.imencode(".png", pixels)[1].tobytes()


class Corrections:
    """Accepts corrections from any thread and commits them in batches in the background."""

    def __init__(
        self, repo: str, token: str | None = None, *, commit_seconds: float = COMMIT_SECONDS
    ) -> None:
        """Start the background thread; no request is sent before the first correction.

        Args:
            repo: `owner/name` of an existing dataset.
            token: A write token; None uses the one that the Hub's client finds.
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
        """Create an instance as the owner has configured; None without repository or token."""
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
            # A request that has timed out was told that its correction is not stored.
            self._keep([item for item in batch if item[1].set_running_or_notify_cancel()])
            time.sleep(self._commit_seconds)

    def _keep(self, batch: Sequence[tuple[Correction, Future[None]]]) -> None:
        if not batch:
            return
        try:
            self._commit([correction for correction, _ in batch])
        except Exception as error:  # noqa: BLE001 - the thread must survive, and every future end
            _log.warning("%d corrections not stored in %s: %s", len(batch), self.repo, error)
            for _, future in batch:
                future.set_exception(NotKeptError(str(error)))
        else:
            for _, future in batch:
                future.set_result(None)

    def _commit(self, corrections: Sequence[Correction]) -> None:
        # A unique folder per batch: no commit can overwrite files of another.
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

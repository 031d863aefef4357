"""A limit to what uploads take on the disk: how old, how many and how large they may get.

Gradio deletes files by their age alone, and never the folder that it makes for each. A flood of
pictures would fill the disk within the hour, and a busy month its table of files.
"""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SWEEP_SECONDS: Final = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What is kept.

    Attributes:
        seconds: No file that is older.
        files: The newest so many.
        megabytes: The newest that are not larger together, in 10^6 bytes.
        grace_seconds: Every file that is younger, as it may not have been read yet.
    """

    seconds: float = 3600.0
    files: int = 500
    megabytes: float = 500.0
    grace_seconds: float = 10.0


def sweep(uploads: set[str], limits: Limits, now: float, folder: Path | None = None) -> int:
    """Delete what is beyond the limits.

    Args:
        uploads: Paths of the files that were uploaded here, as Gradio notes them; those that are
            gone are taken out of it.
        limits: What to keep.
        now: Seconds since the epoch.
        folder: What else lies in it is deleted alike: Gradio notes no upload that broke off, and
            nothing that an assistant sent or a client named by its address.

    Returns:
        How many files were deleted.
    """
    deleted = 0
    others = {str(path) for path in folder.rglob("*") if path.is_file()} if folder else set()
    for path in _beyond(uploads, others, limits, now):
        try:
            path.unlink(missing_ok=True)
            if path.parent != folder:
                path.parent.rmdir()  # of one file's hash; another upload's is not empty and stays
        except OSError as error:
            _log.info("an upload's folder stays: %s", error.strerror)
        uploads.discard(str(path))
        deleted += 1
    return deleted


def _beyond(uploads: set[str], others: set[str], limits: Limits, now: float) -> Iterator[Path]:
    found = []
    for name in {*uploads, *others}:
        try:
            status = Path(name).stat()
        except OSError:
            uploads.discard(name)
            continue
        found.append((status.st_mtime, status.st_size, name))
    count, size = 0, 0.0
    for modified, file_bytes, name in sorted(found, reverse=True):
        # A file of the future was written before the clock went back; it would stay for ever.
        age = abs(now - modified)
        count, size = count + 1, size + file_bytes / 1e6
        crowded = count > limits.files or size > limits.megabytes
        if age > limits.seconds or (crowded and age > limits.grace_seconds):
            yield Path(name)


def keep_within(uploads: set[str], limits: Limits, folder: Path) -> None:
    """Sweep in the background, as long as the app runs."""

    def run() -> None:
        while True:
            time.sleep(SWEEP_SECONDS)
            sweep(uploads, limits, time.time(), folder)

    threading.Thread(target=run, name="uploads", daemon=True).start()

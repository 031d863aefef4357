"""Clean-up of what Gradio keeps for ever: uploads on disk, and records of sessions in memory.

Gradio deletes files by their age alone, and never the folder that it makes for each. A flood of
pictures would fill the disk within the hour, and a busy month its table of files.

Its queue records the pending events of every session and keeps the record when all are answered.
Each API call is a session, and each answer is searched for in all records: after a million calls
that is hundreds of megabytes, and slow.
"""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import gradio as gr

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


def forget_answered(demo: gr.Blocks) -> int:
    """Drop the records of sessions whose answers Gradio has dropped itself.

    It keeps the answers of the last 2,000 sessions; an older one is not found with or without its
    record.

    Returns:
        How many records were dropped.
    """
    queue = demo._queue  # noqa: SLF001 - Gradio has no other name for it
    answers, notes = queue.pending_messages_per_session, queue.pending_event_ids_session
    # A session gets its place for answers before its note: without one it is an old session.
    old = [session for session in list(notes) if session not in answers]
    for session in old:
        notes.pop(session, None)
    return len(old)


def start_housekeeping(demo: gr.Blocks, limits: Limits, folder: Path) -> None:
    """Delete old uploads and session records in the background, as long as the app runs."""

    def run() -> None:
        while True:
            time.sleep(SWEEP_SECONDS)
            sweep(demo.upload_file_set, limits, time.time(), folder)
            forget_answered(demo)

    threading.Thread(target=run, name="housekeeping", daemon=True).start()

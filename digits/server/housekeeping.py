"""Clean-up of what Gradio never frees: uploads on disk and session records in memory.

Gradio deletes files only by age, and never the folder that it creates for each. A flood of pictures
would fill the disk within the hour, and a busy month would use up its inodes.

Its queue records the pending events of every session and keeps the record once all are answered.
Each API call is a session, and each response is looked up in all records: after a million calls
that takes hundreds of megabytes and is slow.
"""

import contextlib
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
    """Which uploads are kept.

    Attributes:
        seconds: Maximum age of a file.
        files: Maximum number of files; the newest are kept.
        megabytes: Maximum total size in 10^6 bytes; the newest are kept.
        grace_seconds: Age up to which neither number nor size deletes a file, as it may not have
            been read yet.
    """

    seconds: float = 3600.0
    files: int = 500
    megabytes: float = 500.0
    grace_seconds: float = 10.0


def sweep(folder: Path, uploads: set[str], limits: Limits, now: float) -> int:
    """Delete files beyond the limits and return their number.

    Args:
        folder: Upload folder. Gradio records neither aborted uploads nor pictures that came over
            MCP or from a URL, so all its files are swept.
        uploads: Paths that Gradio has recorded; missing files are removed from the set.
        limits: Which files to keep.
        now: Seconds since the epoch.
    """
    deleted = 0
    for path in _beyond(folder, limits, now):
        try:
            path.unlink(missing_ok=True)
            if path.parent != folder:
                path.parent.rmdir()  # named by the file's hash; kept if another upload is in it
        except OSError as error:
            _log.info("upload folder not deleted: %s", error.strerror)
        deleted += 1
    # A copy, as Gradio adds to the set in other threads.
    uploads.difference_update(name for name in uploads.copy() if not Path(name).exists())
    return deleted


def _beyond(folder: Path, limits: Limits, now: float) -> Iterator[Path]:
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # deleted in the meantime
            if path.is_file():
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
    count, size = 0, 0.0
    for modified, file_bytes, path in sorted(found, reverse=True):
        # abs(): a file from before the clock was set back would otherwise never expire.
        age = abs(now - modified)
        count, size = count + 1, size + file_bytes / 1e6
        crowded = count > limits.files or size > limits.megabytes
        if age > limits.seconds or (crowded and age > limits.grace_seconds):
            yield path


def forget_answered(demo: gr.Blocks) -> int:
    """Drop the event records of sessions whose messages Gradio has already evicted.

    Gradio keeps the messages of the last 2,000 sessions; an older session is not found with or
    without its record.

    Returns:
        Number of dropped records.
    """
    queue = demo._queue  # noqa: SLF001 - Gradio has no public access to it
    messages, records = queue.pending_messages_per_session, queue.pending_event_ids_session
    # Gradio adds a session's messages before its record: a record without messages is old.
    old = [session for session in list(records) if session not in messages]
    for session in old:
        records.pop(session, None)
    return len(old)


def start_housekeeping(demo: gr.Blocks, limits: Limits, folder: Path) -> None:
    """Delete old uploads and session records in a background thread while the app runs."""

    def run() -> None:
        while True:
            time.sleep(SWEEP_SECONDS)
            sweep(folder, demo.upload_file_set, limits, time.time())
            forget_answered(demo)

    threading.Thread(target=run, name="housekeeping", daemon=True).start()

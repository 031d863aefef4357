"""What Gradio remembers of each call for ever, forgotten.

Its queue notes for every session which events it waits for, and keeps that note when all is
answered. Each call of the API is a session, and each answer is looked for in all the notes: after
a million calls that is hundreds of megabytes, and slow.
"""

import threading
import time
from typing import Final

import gradio as gr

FORGET_SECONDS: Final = 30.0


def forget_answered(demo: gr.Blocks) -> int:
    """Drop the notes of sessions whose answers Gradio has dropped itself.

    It keeps the answers of the last 2,000 sessions; who comes later for one is told that it is not
    found, with the note or without.

    Returns:
        How many notes were dropped.
    """
    queue = demo._queue  # noqa: SLF001 - Gradio has no other name for it
    answers, notes = queue.pending_messages_per_session, queue.pending_event_ids_session
    dropped = 0
    # A session gets its place for answers before its note: without one it is an old session.
    for session in list(notes):
        if session not in answers:
            notes.pop(session, None)
            dropped += 1
    return dropped


def keep_forgetting(demo: gr.Blocks) -> None:
    """Forget in the background, as long as the app runs."""

    def run() -> None:
        while True:
            time.sleep(FORGET_SECONDS)
            forget_answered(demo)

    threading.Thread(target=run, name="sessions", daemon=True).start()

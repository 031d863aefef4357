"""The end of the app: what was begun is finished, nothing new is begun, and it takes seconds."""

import logging
import signal
import threading
import time
from typing import Final

import gradio as gr

from digits.server.request_limits import Traffic

FINISH_SECONDS: Final = 8.0
"""Longest wait for running answers. A container is killed ten seconds after it was told to end."""

GRACE_SECONDS: Final = 0.5
"""Between a question and the request for its answer a client is not inside."""

_log = logging.getLogger(__name__)


def end_when_told(demo: gr.Blocks, traffic: Traffic) -> None:
    """On SIGTERM finish what runs, then close; told again, end at once.

    Args:
        demo: Launched; its main thread is in `block_thread`, which returns once it is closed.
        traffic: Of its entrance.
    """

    def told(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        threading.Thread(target=_end, args=(demo, traffic), name="ending").start()

    signal.signal(signal.SIGTERM, told)


def _end(demo: gr.Blocks, traffic: Traffic) -> None:
    traffic.ending = True
    start = time.monotonic()
    quiet_since = start
    while time.monotonic() - start < FINISH_SECONDS:
        if traffic.answering():
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > GRACE_SECONDS:
            break
        time.sleep(0.05)
    _log.info("ending; %d requests are cut off", traffic.answering())
    demo.close()

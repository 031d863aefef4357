"""Graceful shutdown: active requests are finished and new ones rejected, within seconds."""

import logging
import signal
import threading
import time
from typing import Final

import gradio as gr

from digits.server.request_limits import Traffic

FINISH_SECONDS: Final = 8.0
"""Maximum wait for active requests. A container is killed ten seconds after SIGTERM."""

GRACE_SECONDS: Final = 0.5
"""Idle time before closing: Gradio's clients fetch the result in a second request."""

_log = logging.getLogger(__name__)


def shut_down_on_sigterm(demo: gr.Blocks, traffic: Traffic) -> None:
    """On SIGTERM, finish active requests, then close `demo`, so that its `block_thread` returns.

    A second SIGTERM ends the process at once.
    """

    def handle(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        threading.Thread(target=_shut_down, args=(demo, traffic), name="shutdown").start()

    signal.signal(signal.SIGTERM, handle)


def _shut_down(demo: gr.Blocks, traffic: Traffic) -> None:
    traffic.shutting_down = True
    start = time.monotonic()
    quiet_since = start
    while time.monotonic() - start < FINISH_SECONDS:
        if traffic.answering():
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > GRACE_SECONDS:
            break
        time.sleep(0.05)
    _log.info("shutting down; %d requests aborted", traffic.answering())
    demo.close()

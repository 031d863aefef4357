"""Graceful shutdown: running requests are finished, new ones refused, within seconds."""

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


def shut_down_on_sigterm(demo: gr.Blocks, traffic: Traffic) -> None:
    """On SIGTERM finish what runs, then close `demo`, so that its `block_thread` returns.

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
    _log.info("shutting down; %d requests are cut off", traffic.answering())
    demo.close()

"""Run the two apps in their own processes, on free loopback ports."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import urllib3

from training.console import UserError

ROOT: Final = Path(__file__).parents[1]
START_SECONDS: Final = 600


class BenchmarkError(UserError):
    """A measurement failed; the message says why."""


@dataclass(frozen=True)
class App:
    """An app to measure: `ours`, `baseline`, or one in a clean clone.

    Attributes:
        is_gradio_alone: Whether it lacks `/v1`, so that pictures are uploaded and sent to Gradio's
            `/predict` as drawings on a Sketchpad.
    """

    name: str
    command: Sequence[str]
    is_gradio_alone: bool = False
    folder: Path = ROOT

    def question(self, picture: object) -> object:
        """Return the input of `/predict` for a picture: an image, or a drawing on a Sketchpad."""
        if not self.is_gradio_alone:
            return picture
        return {"background": None, "layers": [], "composite": picture}


OURS: Final = App("ours", (sys.executable, "app.py"))


@contextmanager
def usual_demo() -> Iterator[App]:
    """Create the baseline app, whose model is stored on disk until the block ends."""
    with tempfile.TemporaryDirectory(prefix="digits-baseline-") as folder:
        model = str(Path(folder) / "model.keras")
        command = [sys.executable, "-m", "benchmarks.baseline_model", model]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        command = [sys.executable, "-m", "benchmarks.baseline", model]
        yield App("baseline", command, is_gradio_alone=True)


@dataclass(frozen=True)
class Server:
    """A running app.

    Attributes:
        began: Start of the process, in `time.perf_counter` seconds.
    """

    app: App
    url: str
    process: psutil.Process
    began: float = 0.0

    def cpu_seconds(self) -> float:
        """Return the processor time of the app since its start."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def resident_megabytes(self) -> float:
        """Return the resident memory of the app, in 10^6 bytes."""
        return float(self.process.memory_info().rss) / 1e6


@contextmanager
def started(app: App) -> Iterator[Server]:
    """Start an app, wait for its first page, and stop it when the block ends.

    Raises:
        BenchmarkError: If it exits before its first page or takes too long.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix=f"digits-{app.name}-") as folder:
        env = {key: value for key, value in os.environ.items() if not key.startswith("MODEL_")}
        env |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
        env |= {"GRADIO_TEMP_DIR": str(Path(folder) / "uploads")}
        began, log = time.perf_counter(), Path(folder) / "log.txt"
        with log.open("wb") as out:
            process = psutil.Popen(app.command, cwd=app.folder, env=env, stdout=out, stderr=out)
        server = Server(app, f"http://127.0.0.1:{port}", process, began)
        try:
            _wait_for_page(server, process, log)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(10)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_page(server: Server, process: psutil.Popen, log: Path) -> None:
    while time.perf_counter() - server.began < START_SECONDS:
        if process.poll() is not None:
            last = log.read_text("utf-8", "replace").strip()[-500:]
            raise BenchmarkError(f"{server.app.name} exited before its first page: {last}")
        try:
            if urllib3.request("GET", server.url, retries=False, timeout=30).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.01)
    raise BenchmarkError(f"{server.app.name} showed no page within {START_SECONDS} s")

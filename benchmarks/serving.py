"""The two apps as processes of their own, on free ports of the loopback."""

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
    """Something could not be measured; the text says what and why."""


@dataclass(frozen=True)
class App:
    """An app to measure: `ours`, `baseline`, or one in a clean clone.

    Attributes:
        is_gradio_alone: Whether a picture is uploaded and goes to Gradio's `/predict` as a drawing
            on a Sketchpad, not to `/v1`.
    """

    name: str
    command: Sequence[str]
    is_gradio_alone: bool = False
    folder: Path = ROOT

    def question(self, picture: object) -> object:
        """Say what `/predict` takes for a picture: as an image, or drawn on a Sketchpad."""
        if not self.is_gradio_alone:
            return picture
        return {"background": None, "layers": [], "composite": picture}


OURS: Final = App("ours", (sys.executable, "app.py"))


@contextmanager
def usual_demo() -> Iterator[App]:
    """Make the app to compare with: its model lies on the disk until the block ends."""
    with tempfile.TemporaryDirectory(prefix="digits-baseline-") as folder:
        model = str(Path(folder) / "model.keras")
        command = [sys.executable, "-m", "benchmarks.baseline_model", model]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        command = [sys.executable, "-m", "benchmarks.baseline", model]
        yield App("baseline", command, is_gradio_alone=True)


@dataclass(frozen=True)
class Server:
    """A started app.

    Attributes:
        began: When the process was started, in `time.perf_counter` seconds.
    """

    app: App
    url: str
    process: psutil.Process
    began: float = 0.0

    def cpu_seconds(self) -> float:
        """Processor time of the app since its start."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def resident_megabytes(self) -> float:
        """Memory that the app holds now, in 10^6 bytes."""
        return float(self.process.memory_info().rss) / 1e6


@contextmanager
def started(app: App) -> Iterator[Server]:
    """Start an app and wait for its first page; end it afterwards.

    Raises:
        BenchmarkError: If it ends or takes too long before its first page.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix=f"digits-{app.name}-") as folder:
        own = {key: value for key, value in os.environ.items() if not key.startswith("MODEL_")}
        own |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
        own |= {"GRADIO_TEMP_DIR": str(Path(folder) / "uploads")}
        began, log = time.perf_counter(), Path(folder) / "log.txt"
        with log.open("wb") as output:
            process = psutil.Popen(
                app.command, cwd=app.folder, env=own, stdout=output, stderr=output
            )
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
            raise BenchmarkError(f"{server.app.name} ended before its first page: {last}")
        try:
            if urllib3.request("GET", server.url, retries=False, timeout=30).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.01)
    raise BenchmarkError(f"{server.app.name} showed no page within {START_SECONDS} s")

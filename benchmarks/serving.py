"""The two apps as processes of their own, on free ports of the loopback."""

import functools
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from training.console import UserError

ROOT = Path(__file__).parents[1]
START_SECONDS = 600.0


class BenchmarkError(UserError):
    """Something could not be measured; the text says what and why."""


@dataclass(frozen=True)
class App:
    """One of the apps that are compared: `ours` or `baseline`.

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


OURS = App("ours", (sys.executable, "app.py"))


@dataclass(frozen=True)
class Server:
    """A started app.

    Attributes:
        uploads: The folder that Gradio keeps uploaded files in.
        started: When the process was started, in `time.perf_counter` seconds.
    """

    app: App
    url: str
    uploads: Path
    process: psutil.Process
    started: float

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
    with tempfile.TemporaryDirectory(prefix=f"digits-{app.name}-") as folder:
        uploads = Path(folder) / "uploads"
        [port] = free_ports(1)
        clock, log = time.perf_counter(), Path(folder) / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own two apps
                app.command,
                cwd=app.folder,
                env=_environment(port, uploads),
                stdout=output,
                stderr=output,
            )
        url = f"http://127.0.0.1:{port}"
        server = Server(app, url, uploads, psutil.Process(process.pid), clock)
        try:
            _wait_for_page(server, process, log)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_ports(count: int) -> list[int]:
    """Find ports of the loopback on which nothing listens."""
    with ExitStack() as stack:
        address = "127.0.0.1", 0
        probes = [stack.enter_context(socket.create_server(address)) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def _environment(port: int, uploads: Path) -> Mapping[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("MODEL_")}
    return own | {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(uploads),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }


def _wait_for_page(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    while time.perf_counter() - server.started < START_SECONDS:
        if process.poll() is not None:
            last = log.read_text("utf-8", "replace").strip()[-500:]
            raise BenchmarkError(f"{server.app.name} ended before its first page: {last}")
        try:
            with urllib.request.urlopen(server.url, timeout=30) as response:  # noqa: S310 - loopback
                response.read()
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.01)
    raise BenchmarkError(f"{server.app.name} showed no page within {START_SECONDS:.0f} s")


class Apps(AbstractContextManager["Apps"]):
    """The two apps, each started when it is first asked for, and shared by the sections.

    Attributes:
        ours: This app.
    """

    ours = OURS

    def __init__(self) -> None:
        """Start nothing yet."""
        self._running: dict[str, ExitStack] = {}
        self._servers: dict[str, Server] = {}
        self._folder = ExitStack()

    @functools.cached_property
    def baseline(self) -> App:
        """The plain one; its model is made now."""
        folder = self._folder.enter_context(tempfile.TemporaryDirectory(prefix="digits-baseline-"))
        model = str(Path(folder) / "model.keras")
        command = [sys.executable, "-m", "benchmarks.baseline_model", model]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        command = [sys.executable, "-m", "benchmarks.baseline", model]
        return App("baseline", command, is_gradio_alone=True)

    def __exit__(self, *error: object) -> None:
        """End all that were started."""
        for stack in self._running.values():
            stack.close()
        self._folder.close()

    def running(self, app: App) -> Server:
        """Return the app as it runs, started at the first call."""
        return self._servers.get(app.name) or self.anew(app)

    def anew(self, app: App) -> Server:
        """Start the app, again if it runs."""
        stack = self._running.setdefault(app.name, ExitStack())
        stack.close()
        self._servers[app.name] = stack.enter_context(started(app))
        return self._servers[app.name]

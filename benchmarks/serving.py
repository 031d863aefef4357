"""The two apps as processes of their own, on free ports of the loopback."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

ROOT = Path(__file__).parents[1]
START_SECONDS = 180.0


class BenchmarkError(Exception):
    """Something could not be measured; the text says what and why."""


@dataclass(frozen=True)
class App:
    """One of the apps that are compared.

    Attributes:
        name: `ours` or `baseline`.
        command: Starts it, with the repository's root as the working folder.
        wraps_picture: Whether a picture goes to `/predict` as a drawing on a Sketchpad.
    """

    name: str
    command: Sequence[str]
    wraps_picture: bool

    def question(self, picture: object) -> object:
        """Say what `/predict` takes for a picture: as an image, or drawn on a Sketchpad.

        Args:
            picture: Anything that stands for an uploaded file.
        """
        if not self.wraps_picture:
            return picture
        return {"background": None, "layers": [], "composite": picture}


OURS = App("ours", (sys.executable, "app.py"), wraps_picture=False)


def baseline(model: Path) -> App:
    """Name the plain app.

    Args:
        model: What `benchmarks.baseline_model` wrote.
    """
    command = (sys.executable, "-m", "benchmarks.baseline", str(model))
    return App("baseline", command, wraps_picture=True)


@dataclass(frozen=True)
class Server:
    """A started app.

    Attributes:
        app: Which.
        url: Where it is served.
        uploads: The folder that Gradio keeps uploaded files in.
        process: The process, to ask for its memory and time.
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

    def has_mapped(self, library: str) -> bool:
        """Tell whether a library is loaded whose path contains this word."""
        return any(library in mapping.path for mapping in self.process.memory_maps())


@contextmanager
def started(app: App, extra: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start an app and wait for its first page; end it afterwards.

    Args:
        app: Which.
        extra: Variables of the environment besides the usual ones.

    Raises:
        BenchmarkError: If it ends or takes too long before its first page.
    """
    with tempfile.TemporaryDirectory(prefix=f"digits-{app.name}-") as folder:
        uploads = Path(folder) / "uploads"
        port = _free_port()
        clock, log = time.perf_counter(), Path(folder) / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own two apps
                app.command,
                cwd=ROOT,
                env={**_environment(port, uploads), **(extra or {})},
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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


class Apps:
    """The two apps, each started when it is first asked for, and shared by the sections.

    Attributes:
        ours: This app.
        baseline: The plain one.
    """

    ours = OURS

    def __init__(self, baseline_model: Path) -> None:
        """Start nothing yet."""
        self.baseline = baseline(baseline_model)
        self._running: dict[str, tuple[Server, ExitStack]] = {}

    @property
    def both(self) -> tuple[App, App]:
        """The two, ours first."""
        return self.ours, self.baseline

    def __enter__(self) -> Self:
        """Nothing to do: apps start when they are asked for."""
        return self

    def __exit__(self, *error: object) -> None:
        """End all that were started."""
        for app in self.both:
            self._end(app)

    def running(self, app: App) -> Server:
        """Return the app as it runs, started at the first call."""
        return self._running[app.name][0] if app.name in self._running else self.anew(app)

    def anew(self, app: App) -> Server:
        """Start the app, again if it runs."""
        self._end(app)
        stack = ExitStack()
        server = stack.enter_context(started(app))
        self._running[app.name] = server, stack
        return server

    def _end(self, app: App) -> None:
        if app.name in self._running:
            self._running.pop(app.name)[1].close()

"""What one waits for: the first page and answer of a process, and `make run` in a clean clone."""

import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.calls import Caller, picture
from benchmarks.figures import Figures, Row
from benchmarks.serving import ROOT, App, Apps, started


def measure(apps: Apps, *, quick: bool) -> list[Row]:
    """Start both apps in turn, several times."""
    page, answer, memory = (defaultdict[str, list[float]](list) for _ in range(3))
    for _ in range(1 if quick else 3):
        for app in (apps.ours, apps.baseline):
            server = apps.anew(app)
            page[app.name].append(time.perf_counter() - server.started)
            with Caller(server) as caller:
                caller.read(picture(7))
            answer[app.name].append(time.perf_counter() - server.started)
            memory[app.name].append(server.resident_megabytes())
    return [
        _row("process start to first page", "s", page),
        _row("process start to first answer", "s", answer),
        _row("memory after the first answer", "MB", memory),
    ]


def _row(what: str, unit: str, values: dict[str, list[float]]) -> Row:
    return Row(what, unit, Figures.of(values["ours"]), Figures.of(values["baseline"]))


def measure_clone(_: Apps, *, quick: bool) -> list[Row]:  # noqa: ARG001 - nothing of it is quicker
    """Clone this commit, install and start; wheels come from pip's cache or the index."""
    with tempfile.TemporaryDirectory(prefix="digits-clone-") as name:
        folder = Path(name)
        begun = time.perf_counter()
        command = ["git", "clone", "--quiet", str(ROOT), str(folder)]
        subprocess.run(command, check=True)  # noqa: S603 - fixed words
        with started(App("clone", ("make", "run"), folder=folder)):
            seconds = time.perf_counter() - begun
        size = sum(path.lstat().st_size for path in (folder / ".venv").rglob("*"))
    return [
        Row("`make run` from a clean clone to the first page", "s", Figures(seconds)),
        Row("the app's environment", "MB", Figures(size / 1e6)),
    ]

"""Start-up time: first page and answer of a process, and `make run` in a clean clone."""

import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.calls import Caller, picture
from benchmarks.figures import Figures, Row
from benchmarks.serving import OURS, ROOT, App, started


def measure(baseline: App, *, quick: bool) -> list[Row]:
    """Start both apps alternately, several times."""
    page, answer, memory = (defaultdict[str, list[float]](list) for _ in range(3))
    for _ in range(1 if quick else 3):
        for app in (OURS, baseline):
            with started(app) as server:
                page[app.name].append(time.perf_counter() - server.began)
                Caller(server).read(picture(7))
                answer[app.name].append(time.perf_counter() - server.began)
                memory[app.name].append(server.resident_megabytes())
    return [
        Row("process start to first page", "s", *map(Figures.of, page.values())),
        Row("process start to first answer", "s", *map(Figures.of, answer.values())),
        Row("memory after the first answer", "MB", *map(Figures.of, memory.values())),
    ]


def measure_clone(_: App, *, quick: bool) -> list[Row]:  # noqa: ARG001 - there is no quicker way
    """Clone, install and start this commit; wheels come from pip's cache or the index."""
    with tempfile.TemporaryDirectory(prefix="digits-clone-") as name:
        folder = Path(name)
        began = time.perf_counter()
        command = ["git", "clone", "--quiet", str(ROOT), str(folder)]
        subprocess.run(command, check=True)  # noqa: S603 - fixed arguments
        with started(App("clone", ("make", "run"), folder=folder)):
            seconds = time.perf_counter() - began
        size = sum(path.lstat().st_size for path in (folder / ".venv").rglob("*"))
    return [
        Row("`make run` from a clean clone to the first page", "s", Figures(seconds)),
        Row("the app's environment", "MB", Figures(size / 1e6)),
    ]

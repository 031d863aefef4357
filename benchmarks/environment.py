"""What a newcomer waits for and installs: `make run` in a clean clone of this commit."""

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Row, once
from benchmarks.serving import ROOT, App, Apps, started


def measure(_: Apps, __: None) -> list[Row]:
    """Clone, install and start; wheels come from pip's cache or the index."""
    with tempfile.TemporaryDirectory(prefix="digits-clone-") as name:
        folder = Path(name)
        begun = time.perf_counter()
        command = ["git", "clone", "--quiet", str(ROOT), str(folder)]
        subprocess.run(command, check=True)  # noqa: S603 - fixed words
        with started(App("clone", ("make", "run"), folder=folder)):
            seconds = time.perf_counter() - begun
        files = [path.lstat() for path in (folder / ".venv").rglob("*")]
    return [
        Row("`make run` from a clean clone to the first page", "s", once(seconds)),
        Row("the app's environment", "MB", once(sum(file.st_size for file in files) / 1e6)),
    ]

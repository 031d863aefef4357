"""What was measured, as numbers that a file can hold and a table can show."""

import datetime as dt
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

PACKAGES = (
    "gradio", "gradio_client", "onnxruntime", "numpy", "opencv-python-headless",
    "tensorflow_cpu", "keras",
)  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """A quantity that was measured once or often.

    Attributes:
        median: Of all measurements, or the only one.
        p95: The 95th percentile; None where one number is all there is, as for a rate.
        count: How many measurements.
    """

    median: float
    p95: float | None = None
    count: int = 1

    @classmethod
    def of(cls, values: Iterable[float]) -> "Figures":
        """Sum up measurements.

        Raises:
            ValueError: If there are none.
        """
        sample = np.fromiter(values, float)
        if not sample.size:
            raise ValueError("Expected at least one measurement. Received: none")
        return cls(float(np.median(sample)), float(np.percentile(sample, 95)), sample.size)


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        what: What was measured, in words.
        unit: `ms`, `s`, `a second`, `MB` or `%`.
        ours: Of this app; None where it was not measured.
        baseline: Of the plain app; None where it has nothing of the kind.
        more_is_better: Whether a rate, not a time or a size.
    """

    what: str
    unit: str
    ours: Figures | None
    baseline: Figures | None = None
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better ours is than the baseline, below 1 where it is worse."""
        if self.ours is None or self.baseline is None:
            return None
        ours, other = self.ours.median, self.baseline.median
        over, under = (ours, other) if self.more_is_better else (other, ours)
        return over / under if under else None


def row_from_json(content: dict[str, Any]) -> Row:
    """Read a row as `dataclasses.asdict` gives it."""
    figures = {
        side: None if content[side] is None else Figures(**content[side])
        for side in ("ours", "baseline")
    }
    return Row(**{**content, **figures})


def machine() -> dict[str, Any]:
    """Say on what was measured: processor, cores, memory and versions."""
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gigabytes": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.system(),
        "versions": {"python": platform.python_version(), **packages},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def today() -> str:
    """Return the date, in UTC."""
    return dt.datetime.now(dt.UTC).date().isoformat()


def commit(root: Path) -> str | None:
    """Return the repository's commit; None without git."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603 - fixed words
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()

"""Results of measurements, stored in `results.json` and shown in tables."""

import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
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
    """A quantity that was measured once or several times.

    Attributes:
        median: Median of the measurements, or the only one.
        p95: 95th percentile; None for a single number, such as a rate.
        count: Number of measurements.
    """

    median: float
    p95: float | None = None
    count: int = 1

    @classmethod
    def of(cls, values: Iterable[float]) -> "Figures":
        """Summarize measurements, at least one."""
        sample = np.fromiter(values, float)
        return cls(float(np.median(sample)), float(np.percentile(sample, 95)), sample.size)


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        what: Description of the quantity.
        unit: `ms`, `s`, `answers a second`, `MB` or `score`.
        ours: Figures of this app.
        baseline: Figures of the usual demo; None if it has no counterpart.
        more_is_better: True for a rate, false for a time or a size.
    """

    what: str
    unit: str
    ours: Figures
    baseline: Figures | None = None
    more_is_better: bool = field(default=False, kw_only=True)

    @property
    def ratio(self) -> float | None:
        """How many times better this app is than the baseline; below 1 if it is worse."""
        if self.baseline is None:
            return None
        ours, other = self.ours.median, self.baseline.median
        over, under = (ours, other) if self.more_is_better else (other, ours)
        return over / under if under else None


def machine() -> dict[str, Any]:
    """Describe this machine: processor, cores, memory and versions."""
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gigabytes": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.system(),
        "versions": {"python": platform.python_version(), **packages},
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text("utf-8") if cpuinfo.exists() else ""
    name = re.search(r"^model name\s*: (.+)", text, re.MULTILINE)
    return name[1] if name else platform.machine()


def commit(root: Path) -> str | None:
    """Return the repository's commit; None outside a repository."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    return done.stdout.strip() or None

"""What an answer costs on one processor core.

    python -m training.cost FOLDER

prints one line of JSON. It is a command of its own because the threads of TensorFlow and the core
that they run on must be set before TensorFlow starts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from training import console
from training.console import UserError
from training.strokes import sketch

_PICTURES = 60
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def measure(folder: Path) -> dict[str, float]:
    """Measure a set of weights in a process of its own.

    Args:
        folder: The set: weights, config and metrics.

    Returns:
        `parameters`, `megabytes` of the weights file (10^6 bytes) and `milliseconds`, the median
        from a sketch of 500x500 to the answer.

    Raises:
        UserError: If the process fails.
    """
    command = [sys.executable, "-m", "training.cost", str(folder)]
    environment = {**os.environ, **_ONE_THREAD}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode != 0:
        raise UserError(f"cannot measure the cost of {folder}: {done.stderr.strip()[-500:]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _measure_here(folder: Path) -> dict[str, float]:
    from digits.weights import WeightsError, load_folder  # noqa: PLC0415 - first the core

    try:
        weights = load_folder(folder)
    except WeightsError as error:
        raise UserError(str(error)) from error

    import cv2  # noqa: PLC0415 - seconds, which a damaged set need not wait for

    from digits import networks  # noqa: PLC0415
    from digits.prediction import Recognizer  # noqa: PLC0415

    cv2.setNumThreads(1)
    recognizer = Recognizer(weights)
    rng = np.random.default_rng(0)
    angle = np.linspace(0.5, 6.5, 40)
    ring = [500 + 450 * np.column_stack([np.cos(angle), np.sin(angle)])]
    pads = [sketch(ring, rng) for _ in range(_PICTURES)]
    seconds = []
    for pad in [*pads[:5], *pads]:
        start = time.perf_counter()
        recognizer.predict(pad)
        seconds.append(time.perf_counter() - start)
    return {
        "parameters": networks.build(weights.config.network).count_params(),
        "megabytes": weights.path.stat().st_size / 1e6,
        "milliseconds": 1000 * statistics.median(seconds[5:]),
    }


def main() -> None:
    """Print the cost of one set of weights."""
    parser = argparse.ArgumentParser(prog="python -m training.cost", description=__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(json.dumps(_measure_here(arguments.folder)))


if __name__ == "__main__":
    console.run(main)

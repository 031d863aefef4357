"""What an answer costs on one processor core."""

import statistics
import time
from pathlib import Path

import cv2
import numpy as np

from digits import networks
from digits.recognizer import Recognizer
from digits.weights import WEIGHTS_FILE
from training.handwriting.strokes import sketch

_PICTURES = 60


def measure(recognizer: Recognizer, folder: Path) -> dict[str, float]:
    """Measure a set of weights.

    Args:
        recognizer: Answers with it.
        folder: Holds the set.

    Returns:
        `parameters`, `megabytes` of the weights file (10^6 bytes) and `milliseconds`, the median
        processor time from a sketch of 500x500 to the answer.
    """
    rng = np.random.default_rng(0)
    angle = np.linspace(0.5, 6.5, 40)
    ring = [500 + 450 * np.column_stack([np.cos(angle), np.sin(angle)])]
    pads = [sketch(ring, rng) for _ in range(_PICTURES)]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        seconds = []
        for pad in [*pads[:5], *pads]:
            start = time.process_time()
            recognizer.predict(pad)
            seconds.append(time.process_time() - start)
    finally:
        cv2.setNumThreads(threads)
    network = networks.find(recognizer.weights.config.network)
    return {
        "parameters": networks.parameter_count(network),
        "megabytes": (folder / WEIGHTS_FILE).stat().st_size / 1e6,
        "milliseconds": 1000 * statistics.median(seconds[5:]),
    }

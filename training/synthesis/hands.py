"""Handwritten digits for pages, traced once and kept beside the run."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from training.handwriting.tracing import trace
from training.synthesis.writing import Hands

if TYPE_CHECKING:
    from training.handwriting.strokes import Strokes


def save_hands(path: Path, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> None:
    """Trace images and save them with their strokes, so that a worker loads them in a moment.

    Args:
        path: A file with the suffix `.npz`.
        images: `(N, 28, 28)` uint8, 255 ink: of MNIST's training images.
        labels: `(N,)` uint8.
    """
    traced = [trace(image) for image in images]
    strokes = [stroke for sample in traced for stroke in sample]
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        images=images,
        labels=labels,
        strokes=np.array([len(sample) for sample in traced]),
        lengths=np.array([len(stroke) for stroke in strokes]),
        points=np.concatenate(strokes).astype(np.float32),
    )
    partial.replace(path)


def load_hands(path: Path) -> Hands:
    """Load what `save_hands` saved."""
    with np.load(path) as kept:
        points = np.split(kept["points"].astype(np.float64), np.cumsum(kept["lengths"])[:-1])
        ends = np.cumsum(kept["strokes"])
        traced: list[Strokes] = [
            points[end - count : end] for end, count in zip(ends, kept["strokes"], strict=True)
        ]
        return Hands(kept["images"], kept["labels"], traced)

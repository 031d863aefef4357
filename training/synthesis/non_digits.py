"""Pictures without a digit, for measuring rejection; never used for training."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from digits.pictures import Picture
from training.handwriting import strokes as pen_strokes
from training.handwriting.strokes import PAD, UNIT
from training.synthesis import photos


def scribble(rng: np.random.Generator) -> Picture:
    """Draw a tangle of one to three smooth strokes, each through 10 to 40 points."""
    tangle = [
        _curve(rng.uniform(0, UNIT, (int(rng.integers(10, 41)), 2)))
        for _ in range(int(rng.integers(1, 4)))
    ]
    return pen_strokes.sketch(pen_strokes.fit(tangle), rng)


def dots(rng: np.random.Generator) -> Picture:
    """Draw one to twelve dots."""
    places = rng.uniform(0, UNIT, (int(rng.integers(1, 13)), 1, 2))
    return pen_strokes.sketch(list(places - places.min(axis=0)), rng)


def lines(rng: np.random.Generator) -> Picture:
    """Draw horizontal lines, parallel lines or a cross; a single steep line would be a 1."""
    kind = int(rng.integers(3))
    if kind == 0:
        drawn = [_segment(rng, rng.uniform(-25, 25)) for _ in range(int(rng.integers(1, 4)))]
    elif kind == 1:
        line, step = _segment(rng, rng.uniform(0, 180)), UNIT * rng.uniform(0.2, 0.5)
        drawn = [line + np.array([step, step / 3]) * i for i in range(int(rng.integers(2, 5)))]
    else:
        angle = rng.uniform(0, 90)
        drawn = [_segment(rng, angle + turn) for turn in (0, 90)]
    return pen_strokes.sketch(pen_strokes.fit(drawn), rng)


def blank(rng: np.random.Generator) -> Picture:
    """Return a blank canvas of any color, or a photograph of blank paper."""
    if rng.random() < 0.5:
        return photos.photograph_blank(rng)
    return np.full((PAD, PAD, 3), rng.integers(0, 256, 3), np.uint8)


def noise(rng: np.random.Generator) -> Picture:
    """Return an image of noise."""
    side = int(rng.choice([28, 100, 300]))
    kind = int(rng.integers(3))
    if kind == 0:
        return rng.integers(0, 256, (side, side), np.uint8)
    if kind == 1:
        gray = rng.normal(rng.uniform(60, 200), rng.uniform(10, 60), (side, side))
        return np.clip(gray, 0, 255).astype(np.uint8)
    return np.where(rng.random((side, side)) < rng.uniform(0.1, 0.5), 0, 255).astype(np.uint8)


KINDS: dict[str, Callable[[np.random.Generator], Picture]] = {
    "scribbles": scribble,
    "dots": dots,
    "lines": lines,
    "blank": blank,
    "noise": noise,
}
"""Generators of each kind of picture, by name."""


def _curve(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a smooth line along `(n, 2)` points."""
    line = pen_strokes.interpolate(places, np.linspace(0, len(places) - 1, 20 * len(places)))
    window = np.hanning(31) / np.hanning(31).sum()
    padded = np.pad(line, ((15, 15), (0, 0)), mode="edge")
    return np.column_stack([np.convolve(padded[:, axis], window, "valid") for axis in (0, 1)])


def _segment(rng: np.random.Generator, angle_degrees: float) -> npt.NDArray[np.float64]:
    """Return a straight stroke of length `UNIT` at that angle, with a random center."""
    angle = np.deg2rad(angle_degrees)
    half = np.array([np.cos(angle), np.sin(angle)]) * UNIT / 2
    middle = rng.uniform(0.4, 0.6, 2) * UNIT
    return np.stack([middle - half, middle + half])

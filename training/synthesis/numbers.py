"""Numbers of several digits, written on a canvas or on paper."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.handwriting import strokes as pen_strokes
from training.handwriting.strokes import UNIT, Sample, Strokes, interpolate
from training.handwriting.tracing import trace
from training.synthesis import log_uniform, photos

CANVASES = ((280, 560), (500, 500), (300, 900), (400, 800))  # height and width in pixels
LENGTHS = (2, 3, 4, 5, 6)
_ROWS = 40  # horizontal bands in which the distance of neighbors is measured


@dataclass(frozen=True)
class Number:
    """A picture of a number.

    Attributes:
        picture: `(H, W)` or `(H, W, 3)` uint8, dark on light.
        digits: The written digits, left to right.
    """

    picture: npt.NDArray[np.uint8]
    digits: str


def choose(samples: Sequence[Sample], rng: np.random.Generator) -> list[Sample]:
    """Choose 2 to 6 digits, all from one source."""
    first = samples[int(rng.integers(len(samples)))]
    same = [sample for sample in samples if sample.source == first.source]
    count = int(rng.choice(LENGTHS))
    return [same[int(i)] for i in rng.integers(len(same), size=count)]


def on_canvas(chosen: Sequence[Sample], rng: np.random.Generator) -> Number:
    """Write a number with a thick round black brush on a white canvas, one of `CANVASES`."""
    height, width = CANVASES[int(rng.integers(len(CANVASES)))]
    brush = rng.uniform(0.06, 0.14)
    parts = lay_out([sample.strokes for sample in chosen], rng, brush)
    low, high = pen_strokes.box([stroke for part in parts for stroke in part])
    extent = high - low + brush * UNIT
    most = min(0.92 * np.array([width, height]) / extent)
    scale = min(most, rng.uniform(0.3, 0.8) * height / UNIT)
    room = np.array([width, height]) - scale * extent
    corner = room * rng.uniform(0.05, 0.95, 2) + scale * brush * UNIT / 2
    placed = [[(stroke - low) * scale + corner for stroke in part] for part in parts]
    pen = max(3.0, brush * UNIT * scale)
    ink = pen_strokes.draw([stroke for part in placed for stroke in part], (height, width), pen)
    picture = np.round(255 * (1 - ink)).astype(np.uint8)
    return Number(picture, "".join(sample.label for sample in chosen))


def on_paper(chosen: Sequence[Sample], rng: np.random.Generator) -> Number:
    """Write a number on paper and photograph it; see `training.synthesis.photos`."""
    parts = lay_out([sample.strokes for sample in chosen], rng, 0.05)
    photo = photos.photograph(parts, rng, log_uniform(0.08, 0.5, rng), widest_pen=0.1)
    return Number(photo.picture, "".join(sample.label for sample in chosen))


def lay_out(digits: Sequence[Strokes], rng: np.random.Generator, pen: float) -> list[Strokes]:
    """Arrange digits of any size, scaled to about `UNIT`, on a baseline that may be sloped.

    `pen` is the line width as a share of a digit's height.
    """
    gap = rng.uniform(0.08, 0.4)
    touching = rng.random() < 0.25
    parts: list[Strokes] = []
    for strokes in digits:
        part = _sized(strokes, rng)
        # Touching neighbors overlap a little; others have paper between them.
        touches = touching and rng.random() < 0.5
        apart = rng.uniform(-0.3, 0.2) * pen if touches else max(0.06, gap + rng.normal(0, 0.04))
        start = next_start(parts[-1], part, (apart + pen) * UNIT) if parts else 0.0
        parts.append([stroke + np.array([start, 0]) for stroke in part])
    slope = np.clip(rng.normal(0, 0.05), -0.12, 0.12)
    shear = np.array([[1, 0, 0], [slope, 1, 0], [0, 0, 1]], np.float64)
    return [pen_strokes.transform(part, shear) for part in parts]


def _sized(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Scale a digit to about `UNIT` and move it roughly onto the baseline y = 0, from x = 0."""
    low, high = pen_strokes.box(strokes)
    tall = max(high[1] - low[1], 0.6 * (high[0] - low[0]), 1e-6)
    scale = UNIT * np.clip(rng.normal(1, 0.1), 0.75, 1.3) / tall
    foot = np.array([low[0], high[1]])
    lift = np.array([0, UNIT * rng.normal(0, 0.04)])
    return [(stroke - foot) * scale + lift for stroke in strokes]


def next_start(left: Strokes, right: Strokes, apart: float, deepest: float = 1 / 7) -> float:
    """Return the x offset of `right` at which the pen's paths are `apart` from each other.

    It overlaps `left` by at most `deepest` times `UNIT`.
    """
    ends, starts = _profile(left, -np.inf), _profile(right, np.inf)
    near = np.array([ends[max(0, i - 2) : i + 3].max() for i in range(_ROWS)])
    shared = np.isfinite(near) & np.isfinite(starts)
    edge = float(pen_strokes.box(left)[1][0])
    if not shared.any():
        return edge + apart
    return max(float((near - starts)[shared].max()) + apart, edge - deepest * UNIT)


def _profile(strokes: Strokes, side: float) -> npt.NDArray[np.float64]:
    """Return the outermost x in each band from the baseline up; `side`: -inf right, inf left."""
    outermost = np.full(_ROWS, side)
    choose_outer = np.maximum if side < 0 else np.minimum
    for stroke in strokes:
        # Dense enough that no band is skipped.
        points = interpolate(stroke, np.linspace(0, len(stroke) - 1, 12 * len(stroke) - 11))
        rows = np.clip(-points[:, 1] / (1.4 * UNIT) * _ROWS + 2, 0, _ROWS - 1).astype(int)
        choose_outer.at(outermost, rows, points[:, 0])
    return outermost


def samples_from_images(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]
) -> list[Sample]:
    """Trace MNIST images, `(N, 28, 28)` uint8, 255 ink, into samples of one source."""
    return [
        Sample("mnist", str(label), trace(image))
        for image, label in zip(images, labels, strict=True)
    ]

"""Strokes that are common elsewhere but missing from MNIST."""

import numpy as np
import numpy.typing as npt

from digits.ink import InkArray, stroke_width
from training.augmentation.pen import CENTER, as_ink
from training.handwriting.strokes import draw_line


def add_missing_strokes(ink: InkArray, label: int, rng: np.random.Generator) -> InkArray:
    """Sometimes add a flag and a foot to a 1, a slash to a 0, a bar to a 7.

    Ink is `(SIDE, SIDE)` float32 in `[0, 1]`.
    """
    styles = {1: (_flag_and_foot, 0.42), 0: (_slash, 0.2), 7: (_bar, 0.12)}
    if label not in styles or rng.random() >= styles[label][1]:
        return ink
    rows, columns = np.nonzero(ink > 0.5)
    if rows.size == 0:
        return ink
    lines = styles[label][0](rows.astype(np.float64), columns.astype(np.float64), rng)
    width = max(1, round(stroke_width(ink)))
    canvas = (ink * 255).astype(np.uint8)
    for line in lines:
        draw_line(canvas, np.array(line), width, shift=3)
    return as_ink(canvas)


_Line = npt.ArrayLike
_Places = npt.NDArray[np.float64]


def _flag_and_foot(rows: _Places, columns: _Places, rng: np.random.Generator) -> list[_Line]:
    height = np.ptp(rows)
    which = rng.choice(["flag", "foot", "both"], p=[0.45, 0.15, 0.4])
    lines = []
    if which != "foot":
        # A flag may meet the stem slightly below its top.
        top = rows.min() + 2 + height * max(0.0, rng.uniform(-0.15, 0.15))
        away = np.abs(rows - top)  # a broken stem may have no ink here
        left = columns[away <= max(2, away.min())].mean()
        lines.append(_flag(left, top, height, rng))
    if which != "flag":
        foot, left = rows.max() - 2, columns[rows >= rows.max() - 3].mean()
        before, after = height * rng.uniform(0.1, 0.5, 2)
        slope = rng.normal(0, 2)
        lines.append([(left - before, foot + slope), (left + after, foot - slope)])
    return lines


def _flag(left: float, top: float, height: float, rng: np.random.Generator) -> _Line:
    """Return an upstroke that ends at the top of the stem, straight or bent like a hook."""
    steep = rng.uniform(0, 1)
    # A horizontal flag is short, or the 1 would be a 7.
    length = height * rng.uniform(0.1, 0.36 + 0.3 * steep)
    angle = np.radians(70 * steep)
    start = np.array([left - length * np.cos(angle), top + length * np.sin(angle)])
    end = np.array([left, top])
    hump = np.array([0, -length * max(0.0, rng.uniform(-0.4, 0.8))])
    bent = (start + end) / 2 + hump + rng.normal(0, 2, 2)
    along = np.linspace(0, 1, 6)[:, None]
    return (1 - along) ** 2 * start + 2 * along * (1 - along) * bent + along**2 * end


def _slash(rows: _Places, columns: _Places, rng: np.random.Generator) -> list[_Line]:
    middle = np.array([columns.mean(), rows.mean()])
    reach = np.array([np.ptp(columns) * rng.uniform(0, 0.8), -np.ptp(rows) * rng.uniform(0.3, 1)])
    middle += rng.normal(0, 3, 2)
    return [[middle - reach, middle + reach]]


def _bar(rows: _Places, columns: _Places, rng: np.random.Generator) -> list[_Line]:
    level = rows.min() + np.ptp(rows) * rng.uniform(0.4, 0.65)
    near = np.abs(rows - level) < 3
    center = columns[near].mean() if near.any() else CENTER
    before, after = np.ptp(rows) * rng.uniform(0.12, 0.35, 2)
    slope = rng.normal(0, 3)
    return [[(center - before, level + slope), (center + after, level - slope)]]

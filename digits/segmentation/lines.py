"""The ink of a picture, sorted into lines of digits by the centres that the finder saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray, components
from digits.numbers.line_reader import gaps_between
from digits.prediction import Box
from digits.segmentation.extractor import CONNECTING_INK, DigitInk, holds, mask_ink
from digits.segmentation.finder import Centre

_LEVEL: Final = 0.5
"""Vertical distance, in heights, within which centres are of one line."""

_BESIDE: Final = 4.0
"""Horizontal distance, in heights, within which two digits are neighbours."""

_LEAST_HEIGHT: Final = 0.4
"""Height of connected ink, in heights of the digits, that may be a digit without a centre."""

_MOST_HEIGHT: Final = 1.6
"""The same above which it is something else, such as a pen."""

_MAX_WIDTH: Final = 1.6
"""Width to height above which ink is no single digit."""

_SPECK: Final = 0.12
"""Size of connected ink, in heights of the digits, below which it belongs to no digit."""

_NEAR: Final = 0.1
"""Distance from the square around a centre, in its heights, of a digit's smaller pieces."""

_LEAST_INK: Final = 0.55
"""Mean of a line's ink below which it is none: things make the extractor less sure than strokes."""


@dataclass(frozen=True, eq=False)
class Line:
    """The ink of one line of digits.

    Attributes:
        ink: `(h, w)` float32 in `[0, 1]`, cut to the line.
        corner: x and y of its top left corner, in pixels of the picture.
        scale: Pixels of the picture to one of the ink.
        count: How many digits it has, by centres and by connected ink without one.
        score: How sure the finder is of its surest digit.
    """

    ink: InkArray
    corner: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    count: int = 1
    score: float = 1.0

    @property
    def is_character(self) -> bool:
        """Whether it has one digit, or is connected, and is no wider than one.

        Two digits that touch are such ink too: only who asks for one digit may go by this.
        """
        height, width = self.ink.shape
        _, boxes = components(self.ink > CONNECTING_INK)  # the first is the paper's
        return (self.count == 1 or len(boxes) <= 2) and width <= _MAX_WIDTH * height

    @property
    def box(self) -> Box:
        """Around the ink, in pixels of the picture."""
        return self.to_picture(0, 0, *self.ink.shape)

    def to_picture(self, top: float, left: float, bottom: float, right: float) -> Box:
        """Turn sides of a part of the ink into a box in pixels of the picture."""
        x, y = self.corner[0] + left * self.scale, self.corner[1] + top * self.scale
        sides = x, y, (right - left) * self.scale, (bottom - top) * self.scale
        return tuple(round(side) for side in sides)  # type: ignore[return-value]


def find_line(found: DigitInk) -> Line | None:
    """Find the ink of a line in what was extracted around its centres; None if there is none."""
    ink = found.ink * _nearest_to_line(found) if found.others else found.ink
    labels, stats = components(ink > CONNECTING_INK)
    boxes = stats[1:, :4].astype(np.float64)
    lines = group_lines(_seeds(found, boxes)) if len(boxes) else []
    line = [c for group in lines if any(c.score > 0 for c in group) for c in group]
    keep = np.append(False, _of_digits(boxes, line)) if line else np.zeros(1, bool)
    ink = mask_ink(ink, keep[labels])
    return _cut(ink, found, line) if _is_written(ink) else None


def _nearest_to_line(found: DigitInk) -> npt.NDArray[np.bool_]:
    """Tell which pixels are nearer, in heights, to a digit of the line than to any other."""
    rows, columns = np.indices(found.ink.shape, np.float32)

    def nearest(centres: Sequence[Centre]) -> InkArray:
        return np.min([np.hypot(columns - c.x, rows - c.y) / c.height for c in centres], axis=0)

    return nearest(found.centres) <= nearest(found.others)


def _is_written(ink: InkArray) -> bool:
    strokes = ink[ink > CONNECTING_INK]
    return bool(strokes.size and strokes.mean() > _LEAST_INK)


def _seeds(found: DigitInk, boxes: npt.NDArray[np.float64]) -> list[Centre]:
    """Return the centres in pixels of the ink, and those of connected ink that has none."""
    seeds = list(found.centres)
    typical = np.median([seed.height for seed in seeds])
    alone = ~holds(boxes, seeds).any(axis=1)
    fits = (boxes[:, 3] >= _LEAST_HEIGHT * typical) & (boxes[:, 3] <= _MOST_HEIGHT * typical)
    for x, y, width, height in boxes[alone & fits]:
        seeds.append(Centre(x + width / 2, y + height / 2, height, 0.0))
    return seeds


def _cut(ink: InkArray, found: DigitInk, group: list[Centre]) -> Line:
    x, y, width, height = cv2.boundingRect((ink > 0).astype(np.uint8))
    corner = (found.corner[0] + x * found.scale, found.corner[1] + y * found.scale)
    score = max(centre.score for centre in group)
    return Line(ink[y : y + height, x : x + width], corner, found.scale, len(group), score)


def group_lines(centres: Sequence[Centre]) -> list[list[Centre]]:
    """Group centres into lines, from top to bottom."""
    group = list(range(len(centres)))
    for i, a in enumerate(centres):
        for j, b in enumerate(centres[:i]):
            tall = max(a.height, b.height)
            if abs(a.y - b.y) < _LEVEL * tall and abs(a.x - b.x) < _BESIDE * tall:
                old, new = group[i], group[j]
                group = [new if g == old else g for g in group]
    lines = [[c for c, g in zip(centres, group, strict=True) if g == k] for k in sorted(set(group))]
    lines.sort(key=_level)
    joined: list[list[Centre]] = []
    for line in lines:
        if joined:
            above = joined[-1]
            size = float(np.mean([c.height for c in (*above, *line)]))
            if _level(line) - _level(above) < _LEVEL * size:
                above += line
                continue
        joined.append(line)
    return joined


def _level(line: list[Centre]) -> float:
    return float(np.mean([centre.y for centre in line]))


def _of_digits(boxes: npt.NDArray[np.float64], line: Sequence[Centre]) -> npt.NDArray[np.bool_]:
    """Tell which connected ink, `(n, 4)`, is of the digits of a line: `(n,)` bool.

    A digit is what fits best around its centre in height and place, and smaller pieces near it.
    """
    at = np.array([[c.x, c.y] for c in line])
    size = np.array([c.height for c in line])
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    misfit = np.abs(np.log(boxes[:, 3:] / size))
    misfit += np.linalg.norm(middles[:, None] - at, axis=2) / size
    misfit[~holds(boxes, line)] = np.inf
    digits = (misfit == misfit.min(axis=0)) & np.isfinite(misfit)  # (boxes, centres)
    squares = np.column_stack([at - size[:, None] / 2, size, size])
    share = boxes[:, 2:].max(axis=1, keepdims=True) / size
    digits |= (share >= _SPECK) & (share <= 1) & (gaps_between(boxes, squares) <= _NEAR * size)
    return digits.any(axis=1)

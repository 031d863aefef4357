"""Lines of digits: their ink, sorted out by the digit centers that the finder marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import Ink, InkArray, components
from digits.numbers.line_reader import gaps_between
from digits.prediction import Box
from digits.segmentation.extractor import CONNECTING_INK, holds, mask_ink
from digits.segmentation.finder import Center

_LEVEL: Final = 0.5
"""Maximum vertical distance between centers of one line, as a multiple of digit height."""

_BESIDE: Final = 4.0
"""Maximum horizontal distance between neighboring digits, as a multiple of digit height."""

_MIN_HEIGHT, _MAX_HEIGHT = 0.4, 1.6
"""Heights of a component that may be a digit without a center, as a multiple of digit height;
a taller one is something else, such as a pen."""

_MAX_WIDTH: Final = 1.6
"""Maximum aspect ratio of a single digit."""

_SPECK: Final = 0.12
"""Minimum size of a component that belongs to a digit, as a multiple of digit height."""

_NEAR: Final = 0.1
"""Maximum distance of a digit's smaller pieces from the square around its center, in heights."""

_MIN_INK: Final = 0.55
"""Minimum mean ink of a line: the extractor is less confident of objects than of strokes."""


@dataclass(frozen=True, eq=False)
class Line:
    """The ink of one line of digits.

    Attributes:
        ink: `(h, w)` float32 in `[0, 1]`, cropped to the line.
        corner: x and y of its top left corner, in picture pixels.
        scale: Picture pixels per ink pixel.
        count: Number of its digits, by centers and by components without one.
        score: Highest score of its centers.
    """

    ink: InkArray
    corner: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    count: int = 1
    score: float = 1.0

    @property
    def is_character(self) -> bool:
        """Whether it is a single digit, or one component, and no wider than a single digit.

        That includes two touching digits, so it only helps where one digit is asked for.
        """
        height, width = self.ink.shape
        _, boxes = components(self.ink > CONNECTING_INK)  # the first is the background
        return (self.count == 1 or len(boxes) <= 2) and width <= _MAX_WIDTH * height

    @property
    def box(self) -> Box:
        """Bounding box of the ink, in picture pixels."""
        return self.to_picture(0, 0, *self.ink.shape)

    def to_picture(self, top: float, left: float, bottom: float, right: float) -> Box:
        """Convert the sides of a part of the ink to a box in picture pixels."""
        x, y = self.corner[0] + left * self.scale, self.corner[1] + top * self.scale
        sides = x, y, (right - left) * self.scale, (bottom - top) * self.scale
        return tuple(round(side) for side in sides)  # type: ignore[return-value]


def find_line(ink: Ink, centers: Sequence[Center], others: Sequence[Center]) -> Line | None:
    """Find a line in the ink that was extracted around its digits.

    Args:
        ink: The ink.
        centers: Centers of the digits of the line, at least one, in picture pixels.
        others: Centers of the digits of other lines.

    Returns:
        The line; None if there is no ink of it.
    """
    array = ink.array
    own, rivals = ([c.moved(*ink.corner, ink.scale) for c in each] for each in (centers, others))
    if rivals:
        rows, columns = np.indices(array.shape, np.float32)
        near, far = (
            np.min([np.hypot(columns - c.x, rows - c.y) / c.height for c in each], axis=0)
            for each in (own, rivals)
        )
        array = array * (near <= far)
    labels, stats = components(array > CONNECTING_INK)
    boxes = stats[1:, :4].astype(np.float64)
    if not len(boxes):
        return None
    lines = group_lines(own + _without_center(boxes, own))
    line = [c for group in lines if any(c.score > 0 for c in group) for c in group]
    array = mask_ink(array, np.append(False, _of_digits(boxes, line))[labels])
    strokes = array[array > CONNECTING_INK]
    if not strokes.size or strokes.mean() <= _MIN_INK:
        return None
    x, y, width, height = cv2.boundingRect((array > 0).astype(np.uint8))
    corner = ink.corner[0] + x * ink.scale, ink.corner[1] + y * ink.scale
    score = max(center.score for center in line)
    return Line(array[y : y + height, x : x + width], corner, ink.scale, len(line), score)


def _without_center(boxes: npt.NDArray[np.float64], centers: list[Center]) -> list[Center]:
    """Return centers, with a score of 0, of components that have none but are of digit height."""
    typical = np.median([center.height for center in centers])
    fits = (boxes[:, 3] >= _MIN_HEIGHT * typical) & (boxes[:, 3] <= _MAX_HEIGHT * typical)
    fits &= ~holds(boxes, np.array([(c.x, c.y) for c in centers])).any(axis=1)
    return [Center(x + w / 2, y + h / 2, h, 0.0) for x, y, w, h in boxes[fits]]


def group_lines(centers: Sequence[Center]) -> list[list[Center]]:
    """Group centers into lines, from top to bottom."""
    group = list(range(len(centers)))
    for i, a in enumerate(centers):
        for j, b in enumerate(centers[:i]):
            tall = max(a.height, b.height)
            if abs(a.y - b.y) < _LEVEL * tall and abs(a.x - b.x) < _BESIDE * tall:
                old, new = group[i], group[j]
                group = [new if g == old else g for g in group]
    lines = [[c for c, g in zip(centers, group, strict=True) if g == k] for k in sorted(set(group))]
    joined: list[list[Center]] = []
    for line in sorted(lines, key=_level):
        above = joined[-1] if joined else []
        height = np.mean([center.height for center in above + line])
        if above and _level(line) - _level(above) < _LEVEL * height:
            above += line
        else:
            joined.append(line)
    return joined


def _level(line: list[Center]) -> float:
    return float(np.mean([center.y for center in line]))


def _of_digits(boxes: npt.NDArray[np.float64], line: Sequence[Center]) -> npt.NDArray[np.bool_]:
    """Return which components, `(n, 4)`, belong to the digits of a line: `(n,)` bool.

    A digit is the component that fits its center best in height and position, and smaller pieces
    near it.
    """
    at = np.array([(c.x, c.y) for c in line])
    size = np.array([c.height for c in line])
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    misfit = np.abs(np.log(boxes[:, 3:] / size))
    misfit += np.linalg.norm(middles[:, None] - at, axis=2) / size
    misfit[~holds(boxes, at)] = np.inf
    digits = (misfit == misfit.min(axis=0)) & np.isfinite(misfit)  # (boxes, centers)
    squares = np.column_stack([at - size[:, None] / 2, size, size])
    share = boxes[:, 2:].max(axis=1, keepdims=True) / size
    digits |= (share >= _SPECK) & (share <= 1) & (gaps_between(boxes, squares) <= _NEAR * size)
    return digits.any(axis=1)

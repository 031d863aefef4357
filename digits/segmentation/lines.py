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

_LARGER: Final = 1.6
"""Ratio of the heights of two lines above which each is looked at in its own size."""

_NEAR: Final = 0.25
"""Distance from a digit, in its heights, within which small ink is a part of it."""

_BROKEN: Final = 0.45
"""Distance, in heights, from a centre that no connected ink holds to the pieces of its digit."""

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


def find_lines(found: DigitInk) -> list[Line]:
    """Sort the ink of a picture into lines, from top to bottom."""
    labels, stats = components(found.ink > CONNECTING_INK)
    boxes = stats[1:, :4].astype(np.float64)
    if not (len(boxes) and found.centres):
        return []
    groups = [
        group for group in _group(_seeds(found, boxes)) if any(centre.score > 0 for centre in group)
    ]
    inks = _share(found.ink, labels, boxes, groups)
    return [
        _cut(ink, found, group) for ink, group in zip(inks, groups, strict=True) if _is_written(ink)
    ]


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


def group_by_size(centres: Sequence[Centre]) -> list[list[Centre]]:
    """Sort centres by the size of their lines: one list for all lines of about a size."""
    lines = _group(centres)
    heights = [float(np.median([c.height for c in line])) for line in lines]
    sizes: list[list[Centre]] = []
    before = 0.0
    for height, line in sorted(zip(heights, lines, strict=True), key=lambda each: each[0]):
        if height > _LARGER * before:
            sizes.append([])
        sizes[-1] += line
        before = height
    return sizes


def _group(centres: Sequence[Centre]) -> list[list[Centre]]:
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


def _share(
    ink: InkArray,
    labels: npt.NDArray[np.int32],
    boxes: npt.NDArray[np.float64],
    groups: list[list[Centre]],
) -> list[InkArray]:
    """Give each line the ink of its digits; drop what only surrounds them.

    A digit is the connected ink around its centre that fits best in height and place, or the pieces
    near a centre that none holds, and small ink beside these. Ink that holds digits of several
    lines is shared pixel by pixel.
    """
    centres = [centre for group in groups for centre in group]
    owner = np.array([index for index, group in enumerate(groups) for _ in group])
    at = np.array([[c.x, c.y] for c in centres])
    size = np.array([c.height for c in centres])
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    misfit = np.abs(np.log(boxes[:, 3:] / size))
    misfit += np.linalg.norm(middles[:, None] - at, axis=2) / size
    misfit[~holds(boxes, centres)] = np.inf
    digits = (misfit == misfit.min(axis=0)) & np.isfinite(misfit)  # (boxes, centres)
    points = np.pad(at, ((0, 0), (0, 2)))  # boxes without extent
    away = gaps_between(boxes, points) / size
    digits |= (away < _BROKEN) & (boxes[:, 3:] < size) & ~digits.any(axis=0)
    holders = digits.any(axis=1)
    of_line = np.full(len(boxes) + 1, -1)
    masks = [np.zeros(ink.shape, np.uint8) for _ in groups]
    for label, box in enumerate(boxes, 1):
        lines = set(owner[digits[label - 1]])
        if len(lines) > 1:
            x, y, w, h = box.astype(int)
            rows, columns = np.nonzero(labels[y : y + h, x : x + w] == label)
            nearest = owner[_nearest(np.stack([columns + x, rows + y], axis=1), at, size)]
            for index in set(nearest):
                mine = nearest == index
                masks[index][rows[mine] + y, columns[mine] + x] = 1
            continue
        if not lines:
            share = max(box[2:]) / size
            apart = gaps_between(box[None, :4], boxes[holders, :4])[0][:, None] / size
            gaps = np.where(digits[holders], apart, np.inf).min(axis=0, initial=np.inf)
            beside = (share >= _SPECK) & (share <= 1) & (gaps <= _NEAR)
            lines = {owner[np.where(beside, gaps, np.inf).argmin()]} if beside.any() else set()
        of_line[label] = lines.pop() if lines else -1
    for index, mask in enumerate(masks):
        mask[(of_line == index)[labels]] = 1
    return [mask_ink(ink, mask > 0) for mask in masks]


def _nearest(
    points: npt.NDArray[np.float64], at: npt.NDArray[np.float64], size: npt.NDArray[np.float64]
) -> npt.NDArray[np.intp]:
    """Return the index of the centre that is nearest to each point, in its own heights."""
    distance = ((points[:, None] - at[None]) ** 2).sum(axis=2) / size[None] ** 2
    return distance.argmin(axis=1)

"""Ink sorted into lines of digits, by the centres that were found."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.segmentation.finder import Centre, Found

_INK: Final = 0.3
"""Ink that connects strokes."""

_LEVEL: Final = 0.5
"""Distance up or down, in heights, within which centres are of one line."""

_BESIDE: Final = 4.0
"""Distance sideways, in heights, within which they vouch for each other's line."""

_SPECK: Final = 0.12
"""Size of connected ink, in heights of the digits, below which it is none of a digit's."""


@dataclass(frozen=True, eq=False)
class Row:
    """A line of digits.

    Attributes:
        ink: `(h, w)` float32 in `[0, 1]`: its ink, where it lies in the whole picture's.
        count: How many digits' centres were found in it.
    """

    ink: InkArray
    count: int


def rows(found: Found) -> list[Row]:
    """Sort the ink of a picture into lines, from top to bottom."""
    if not found.centres:
        return [Row(found.ink, 0)] if (found.ink > _INK).any() else []
    lines = _lines(list(found.centres))
    shared = zip(_shared_out(found, lines), lines, strict=True)
    return [Row(ink, len(line)) for ink, line in shared if (ink > _INK).any()]


def _lines(centres: list[Centre]) -> list[list[Centre]]:
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


def _shared_out(found: Found, groups: list[list[Centre]]) -> list[InkArray]:
    """Give each connected piece of ink to the group of the nearest centre.

    Where a piece holds centres of several groups, its pixels are given one by one.
    """
    ink = found.ink
    count, labels, stats, middles = cv2.connectedComponentsWithStats((ink > _INK).astype(np.uint8))
    centres = [centre for line in groups for centre in line]
    owner = np.array([index for index, line in enumerate(groups) for _ in line])
    at = np.array([[c.x, c.y] for c in centres]) / found.scale
    size = np.array([c.height for c in centres]) / found.scale
    typical = float(np.median(size))
    inks = [np.zeros_like(ink) for _ in groups]
    for label in range(1, count):
        x, y, w, h, _ = stats[label]
        if max(w, h) < _SPECK * typical:
            continue
        view = labels[y : y + h, x : x + w] == label
        inside = (at[:, 0] >= x) & (at[:, 0] < x + w) & (at[:, 1] >= y) & (at[:, 1] < y + h)
        if len(set(owner[inside])) > 1:
            ys, xs = np.nonzero(view)
            nearest = owner[_nearest(np.stack([xs + x, ys + y], axis=1), at, size)]
            for index in set(nearest):
                mine = nearest == index
                inks[index][ys[mine] + y, xs[mine] + x] = ink[ys[mine] + y, xs[mine] + x]
            continue
        index = int(owner[_nearest(middles[label][None], at, size)[0]])
        part = inks[index][y : y + h, x : x + w]
        part[view] = ink[y : y + h, x : x + w][view]
    soft = cv2.dilate((ink > _INK).astype(np.uint8), np.ones((3, 3), np.uint8))
    return [_softened(each, ink, soft) for each in inks]


def _softened(each: InkArray, ink: InkArray, soft: npt.NDArray[np.uint8]) -> InkArray:
    """Give strokes their faint edges back."""
    near = cv2.dilate((each > 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.where((near > 0) & (soft > 0) & ((each > 0) | (ink <= _INK)), ink, 0).astype(
        np.float32
    )


def _nearest(
    points: npt.NDArray[np.float64], at: npt.NDArray[np.float64], size: npt.NDArray[np.float64]
) -> npt.NDArray[np.intp]:
    """Return the index of the centre that is nearest to each point, in its own heights."""
    distance = ((points[:, None] - at[None]) ** 2).sum(axis=2) / size[None] ** 2
    return distance.argmin(axis=1)

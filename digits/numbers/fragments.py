"""Ink cut into fragments, none of which holds parts of two digits.

Connected ink is one fragment, or several where it is wide: digits that touch are cut apart along
seams from top to bottom, bent around strokes wherever that meets less ink. Most cuts turn out to be
wrong; which ones is decided by `digits.numbers.lattice`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.specks import stroke_width

MAX_CONNECTED = 60
"""More connected fragments of ink than this are no number: only the largest are read."""

SMALL = 0.25
"""Height and width, as shares of the tallest ink's height, below which ink is no digit."""

_NEAR = 0.2
"""Distance in heights of the tallest ink within which small ink belongs to a stroke."""

_WIDE = 0.5
"""Width to height above which connected ink may be two digits that touch."""

_LOW = 0.4
"""Height, as a share of the tallest ink's, below which connected ink is not cut."""

_CUTS = 4.0
"""Cuts that are tried in connected ink for each time that it is as wide as high."""

_LEAST = 0.3
"""Ink beside a cut and between two, as a share of an upright stroke as high as what is cut."""

_ALONG = 0.25
"""What a row of ink costs a cut that has entered it, where entering costs the pen's width in rows.
So two digits that touch back to back are cut along their seam rather than each across."""

_DEAREST = 3.0
"""What a cut may cost, in widths of the pen."""

_ROWS = 64
"""Rows to which ink is reduced to look for cuts; a pen is still three of them wide."""

_STEP = 0.03
"""What a step aside costs a cut: straight ones are taken where others save nothing."""


@dataclass(frozen=True, eq=False)
class Cut:
    """A seam from the top of connected ink to its bottom, around strokes where it can.

    Attributes:
        columns: `(h,)` for each row of the ink the first column to its right, from the ink's left.
        span: Rows from the first to the last ink on it, as a share of all.
    """

    columns: npt.NDArray[np.float64]
    span: float


@dataclass(frozen=True)
class Fragment:
    """Ink that is not cut any further.

    Attributes:
        pixels: `(n, 2)` row and column of its ink, at least one.
        ink: Which connected ink it is of.
        left: The cut at its left side, None where the connected ink begins.
        right: The same at its right side.
    """

    pixels: npt.NDArray[np.intp]
    ink: int
    left: Cut | None = None
    right: Cut | None = None

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """Top, left, bottom, right; the last two exclusive."""
        return box_of(self.pixels)

    @property
    def size(self) -> int:
        """The larger side of its box."""
        top, left, bottom, right = self.box
        return max(bottom - top, right - left)


def box_of(pixels: npt.NDArray[np.intp]) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of `(n, 2)` rows and columns; the last two exclusive."""
    top, left = pixels.min(axis=0)
    bottom, right = pixels.max(axis=0) + 1
    return int(top), int(left), int(bottom), int(right)


def find_fragments(array: InkArray) -> list[Fragment]:
    """Cut ink into fragments.

    Args:
        array: `(h, w)` float32 in `[0, 1]`, with some ink.

    Returns:
        The fragments, from left to right by the middle of their boxes.
    """
    parts = _connected(array)
    tallest = max(_height(part) for part in parts)
    large = [part for part in parts if _size(part) >= SMALL * tallest]
    for part in parts:
        if _size(part) < SMALL * tallest:
            _join_nearest(large, part, _NEAR * tallest)
    fragments: list[Fragment] = []
    for index, part in enumerate(large):
        cuts = _cuts(part) if _height(part) >= _LOW * tallest else []
        fragments += _apart(part, cuts, index)
    return sorted(fragments, key=lambda fragment: fragment.box[1] + fragment.box[3])


def _connected(array: InkArray) -> list[npt.NDArray[np.intp]]:
    """Pixels of each connected ink."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((array > 0).astype(np.uint8))
    # The background counts as the first; the largest fragments of ink follow by size of their box.
    sizes = stats[1:, cv2.CC_STAT_WIDTH] + stats[1:, cv2.CC_STAT_HEIGHT]
    parts = []
    for label in 1 + np.argsort(-sizes, kind="stable")[:MAX_CONNECTED]:
        left, top, width, height = stats[label, :4]
        inside = labels[top : top + height, left : left + width] == label
        parts.append(np.argwhere(inside) + np.array([top, left]))
    return parts


def _height(pixels: npt.NDArray[np.intp]) -> int:
    return int(np.ptp(pixels[:, 0])) + 1


def _size(pixels: npt.NDArray[np.intp]) -> int:
    return int(np.ptp(pixels, axis=0).max()) + 1


def _join_nearest(
    parts: list[npt.NDArray[np.intp]], small: npt.NDArray[np.intp], reach: float
) -> None:
    """Add small ink to the part whose box is nearest; drop it if none is within reach."""
    distances = [_distance(box_of(part), box_of(small)) for part in parts]
    nearest = int(np.argmin(distances))
    if distances[nearest] <= reach:
        parts[nearest] = np.concatenate([parts[nearest], small])


def _distance(box: Sequence[int], other: Sequence[int]) -> float:
    rows = max(box[0] - other[2], other[0] - box[2], 0)
    columns = max(box[1] - other[3], other[1] - box[3], 0)
    return math.hypot(rows, columns)


def _apart(pixels: npt.NDArray[np.intp], cuts: Sequence[Cut], ink: int) -> list[Fragment]:
    """Cut connected ink; a fragment without ink is left out."""
    if not cuts:
        return [Fragment(pixels, ink)]
    top, left, _, _ = box_of(pixels)
    rows, columns = pixels[:, 0] - top, pixels[:, 1] - left
    place = np.sum([columns >= cut.columns[rows] for cut in cuts], axis=0)
    sides: list[Cut | None] = [None, *cuts, None]
    fragments = []
    for index in range(len(cuts) + 1):
        inside = pixels[place == index]
        if len(inside):
            fragments.append(Fragment(inside, ink, sides[index], sides[index + 1]))
    return fragments


def _cuts(pixels: npt.NDArray[np.intp]) -> list[Cut]:
    """Seams through wide ink that meet little of it, from left to right."""
    top, left, bottom, right = box_of(pixels)
    height, width = bottom - top, right - left
    if width < _WIDE * height:
        return []
    plane = np.zeros((height, width), np.float32)
    plane[pixels[:, 0] - top, pixels[:, 1] - left] = 1
    scale = min(1.0, _ROWS / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    pen = max(1.0, stroke_width(small))
    seams = _find_seams(small, pen, round(_CUTS * width / height))
    cuts = []
    for seam in seams:
        met = np.flatnonzero(small[np.arange(size[1]), seam] > 0.5)
        span = float(np.ptp(met) + 1) / size[1] if len(met) else 0.0
        rows = (np.arange(height) + 0.5) / height * size[1] - 0.5
        columns = np.interp(rows, np.arange(size[1]), (seam + 0.5) / size[0] * width)
        cuts.append(Cut(columns, span))
    return cuts


def _find_seams(plane: InkArray, pen: float, most: int) -> list[npt.NDArray[np.intp]]:
    """Find the seams from top to bottom, by a step aside a row at most, that cost least.

    Args:
        plane: `(h, w)` float32, 1 for ink.
        pen: Width of the pen in pixels.
        most: Seams that are wanted at most.

    Returns:
        For each seam its column in every row; from left to right.
    """
    height, width = plane.shape
    middle = height // 2
    down, came_down = _accumulate(plane[: middle + 1], pen)
    up, came_up = _accumulate(plane[middle:][::-1], pen)
    total = down + up - (pen + _ALONG) * plane[middle]
    before = np.pad(np.cumsum(plane, axis=1), ((0, 0), (1, 0)))
    rows = np.arange(height)
    enough = _LEAST * height * pen
    seams: list[npt.NDArray[np.intp]] = []
    left = [np.zeros(height), before[:, width]]  # ink to the left of each seam, row by row
    for column in np.argsort(total, kind="stable"):
        if total[column] > _DEAREST * pen or len(seams) == most:
            break
        seam = np.concatenate(
            [_backtrack(came_down, column)[::-1], _backtrack(came_up, column)[1:]]
        )
        inside = before[rows, seam]
        if all(np.abs(inside - other).sum() >= enough for other in left):
            seams.append(seam)
            left.append(inside)
    return sorted(seams, key=lambda seam: int(seam[middle]))


def _accumulate(
    plane: InkArray, pen: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Least cost of a seam from the first row to each pixel of the last, and the steps to there.

    Returns:
        `(w,)` costs, and `(h, w)` the column in the row before.
    """
    height, width = plane.shape
    columns = np.arange(width)
    cost = (pen + _ALONG) * plane[0].astype(np.float64)
    came = np.tile(columns, (height, 1))
    for row in range(1, height):
        costs, inks = np.pad(cost, 1, constant_values=np.inf), np.pad(plane[row - 1], 1)
        options = np.stack(
            [
                costs[side : side + width]
                + pen * np.maximum(plane[row] - inks[side : side + width], 0)
                + (_STEP if side != 1 else 0.0)
                for side in (1, 0, 2)
            ]
        )
        best = options.argmin(axis=0)
        came[row] = columns + np.array([0, -1, 1])[best]
        cost = options[best, columns] + _ALONG * plane[row]
    return cost, came


def _backtrack(came: npt.NDArray[np.intp], column: int) -> npt.NDArray[np.intp]:
    """Follow steps from the last row to the first: `(h,)` columns."""
    seam = [int(column)]
    for row in range(len(came) - 1, 0, -1):
        seam.append(int(came[row, seam[-1]]))
    return np.array(seam, np.intp)

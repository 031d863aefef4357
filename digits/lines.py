"""Find ruled and squared lines on photographed paper, so that only the writing is left.

Printed lines run on from one edge of the picture to the other, straight, parallel and as dark
everywhere. In a photograph parallels meet in a vanishing point: a line that crosses the middle
of the picture in row c falls by `start + fan * c` a column. The two numbers are found together from
all lines at once, so that faint ones count too; along them the picture is made level, and there a
line is a row whose darkness does not change where strokes cross it.

Contrast is `(h, w)` float32 in gray levels, 0 for paper and more for what is darker.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import Gray, Mask, components

_SEARCH_SIDE = 240
"""Side of the reduced picture on which the slopes are searched."""

_STARTS = np.tan(np.radians(np.arange(-15, 15.5, 0.5))).astype(np.float32)
_FANS = np.linspace(-0.16, 0.16, 17, dtype=np.float32)
"""By how much the slopes of the topmost and the bottommost line differ, for a slanting view."""

_CLIP = 25.0
"""Gray levels that count in the search: strokes, darker than that, weigh no more than lines."""

_BLOCKS = 40
"""Parts into which a row is cut: a stroke that crosses the row darkens few of them."""

_WINDOW = 11
"""Blocks whose median is the line's darkness in the middle one."""

_NOISE = 4.0
"""A line stands out of the other rows by so many deviations of their noise."""

_FAINTEST = 2.5
"""Gray levels of the faintest line."""

_PRESENT = 0.45
"""A block holds a line where it is so dark as this share of the line's median."""

_EDGE_TO_EDGE = 0.8
"""Share of its blocks that hold a line which reaches both edges of the picture."""

_ONE_OF_MANY = 0.5
"""The same for a line that has parallels: no digit has so many level strokes."""

_MANY = 4

_ALIKE = 2.0
"""How much darker or thicker than most a line may be that is told by its parallels."""

_EVEN = 1.5
"""How much darker than its median a line may be somewhere; the rest is a pen's."""

_THICKEST = 0.06
"""Thickness in heights of the picture; what is thicker is no line."""


def ruled_lines(contrast: Gray) -> Gray:
    """Measure how dark the printed lines are, wherever they run.

    Returns:
        The contrast of the lines alone, 0 where there is none.
    """
    down = _level_lines(np.ascontiguousarray(contrast.T)).T
    return _level_lines(contrast) + down


@dataclass(frozen=True)
class _Pencil:
    """Lines through one vanishing point, in a picture of `height` x `width`.

    Attributes:
        start: Rows down a column to the right, of the line through the picture's middle.
        fan: By how much the lowest line falls more than the topmost.
    """

    start: float
    fan: float
    height: int
    width: int

    def row_at(self, middle: Gray, column: Gray) -> Gray:
        """Row of the lines that cross the middle column in these rows, at these columns."""
        slope = self.start + self.fan * (middle / self.height - 0.5)
        return middle + slope * (column - self.width / 2)

    def middle_of(self, row: Gray, column: Gray) -> Gray:
        """Row in which the line through these pixels crosses the middle column."""
        right = column - self.width / 2
        above = row - (self.start - 0.5 * self.fan) * right
        return np.asarray(above / (1 + self.fan * right / self.height), np.float32)


@dataclass(frozen=True, eq=False)
class _Ridge:
    """Neighbouring rows that are darker than those around them.

    Attributes:
        rows: Their indices.
        darkness: Median contrast of the darkest row.
        share: Share of that row which is dark.
        ends: Whether it is dark at both edges of the picture.
    """

    rows: npt.NDArray[np.intp]
    darkness: float
    share: float
    ends: bool


def _level_lines(contrast: Gray) -> Gray:
    """Darkness of the lines that run across rather than down; 0 where there is none."""
    height, width = contrast.shape
    pencil = _pencil(contrast)
    if pencil is None:
        return np.zeros_like(contrast)
    corner_rows = np.array([0, 0, height, height], np.float32)
    corners = pencil.middle_of(corner_rows, np.array([0, width, 0, width], np.float32))
    first = float(np.floor(corners.min()))
    middles = np.arange(first, np.ceil(corners.max()), dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None, :]
    rows = pencil.row_at(middles, columns)
    level = cv2.remap(contrast, np.broadcast_to(columns, rows.shape).copy(), rows, cv2.INTER_LINEAR)
    inside = ((rows >= 0) & (rows <= height - 1)).astype(np.float32)
    size = (_BLOCKS, len(level))
    blocks = cv2.resize(level, size, interpolation=cv2.INTER_AREA)
    seen = cv2.resize(inside, size, interpolation=cv2.INTER_AREA)
    lines = _rows_of_lines(blocks, seen > 0.6, round(_THICKEST * height))
    if not lines.any():
        return np.zeros_like(contrast)
    # A pixel's sway of the paper must not leave the line's fringe behind.
    lines = cv2.dilate(lines, np.ones((3, 1), np.uint8))
    all_rows = np.arange(height, dtype=np.float32)[:, None]
    middle = (pencil.middle_of(all_rows, columns) - first).astype(np.float32)
    block = (columns + 0.5) * (_BLOCKS / width) - 0.5
    return cv2.remap(
        lines,
        np.broadcast_to(block, middle.shape).astype(np.float32),
        middle,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _pencil(contrast: Gray) -> _Pencil | None:
    """Slopes along which the contrast gathers in the fewest rows."""
    height, width = contrast.shape
    factor = _SEARCH_SIDE / max(height, width)
    size = (max(2, round(width * factor)), max(2, round(height * factor)))
    small = cv2.resize(np.clip(contrast, 0, _CLIP), size, interpolation=cv2.INTER_AREA)
    small -= cv2.blur(small, (1, 15))
    gathered = np.stack([_rows_along(small, float(slope)) for slope in _STARTS])
    steps = np.arange(size[1])
    share = steps / size[1] - 0.5
    # Index of the slope in each row, for each start and fan.
    slopes = _STARTS[:, None, None] + _FANS[None, :, None] * share
    indices = np.interp(slopes, _STARTS, np.arange(len(_STARTS)))
    nearest = np.round(indices).astype(np.intp)
    score = (np.maximum(gathered[nearest, steps], 0) ** 2).sum(axis=2)
    start, fan = np.unravel_index(int(score.argmax()), score.shape)
    if score[start, fan] == 0:
        return None
    return _Pencil(
        _peak(_STARTS, score[:, fan], int(start)),
        _peak(_FANS, score[start], int(fan)),
        height,
        width,
    )


def _peak(places: Gray, values: Gray, top: int) -> float:
    """Where a parabola through the highest value and its neighbours is highest."""
    if not 0 < top < len(places) - 1:
        return float(places[top])
    before, at, after = (float(v) for v in values[top - 1 : top + 2])
    bend = before - 2 * at + after
    shift = 0.0 if bend == 0 else 0.5 * (before - after) / bend
    step = float(places[top + 1] - places[top - 1]) / 2
    return float(places[top]) + shift * step


def _rows_along(plane: Gray, slope: float) -> Gray:
    """Mean of the plane along lines of this slope, by the row in the middle column."""
    height, width = plane.shape
    matrix = np.array([[1, 0, 0], [slope, 1, -slope * width / 2]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(plane, matrix, (width, height), flags=flags).mean(axis=1)


def _rows_of_lines(blocks: Gray, seen: Mask, thickest: int) -> Gray:
    """Darkness of the lines in a level picture of `(rows, _BLOCKS)`; 0 where there is none."""
    enough = seen.sum(axis=1) >= _BLOCKS // 8
    typical = np.zeros(len(blocks), np.float32)
    typical[enough] = np.nanmedian(np.where(seen, blocks, np.nan)[enough], axis=1)
    known = np.where(seen, blocks, typical[:, None])
    kernel = np.ones((2 * (thickest // 2) + 3, 1), np.uint8)
    typical -= cv2.morphologyEx(typical[:, None], cv2.MORPH_OPEN, kernel)[:, 0]
    sway = 1.4826 * float(np.median(np.abs(typical[enough] - np.median(typical[enough]))))
    floor = max(_FAINTEST, _NOISE * sway)
    dark = typical > 0.3 * floor
    labels, boxes = components(dark[:, None])
    lines = np.zeros_like(blocks)
    ruled: list[_Ridge] = []
    for label in range(1, len(boxes)):
        rows = np.flatnonzero(labels[:, 0] == label)
        peak = rows[typical[rows].argmax()]
        if enough[peak] and typical[peak] >= floor:
            held = blocks[peak, seen[peak]] > _PRESENT * typical[peak]
            ruled.append(_Ridge(rows, typical[peak], held.mean(), bool(held[0] and held[-1])))
    likely = [ridge for ridge in ruled if ridge.share >= _ONE_OF_MANY]
    darkness = _ALIKE * float(np.median([ridge.darkness for ridge in likely] or [0]))
    thickness = _ALIKE * float(np.median([len(ridge.rows) for ridge in likely] or [0]))
    parallels = [r for r in likely if r.darkness <= darkness and len(r.rows) <= thickness]
    for ridge in ruled:
        through = ridge.share >= _EDGE_TO_EDGE and ridge.ends
        if through or (ridge in parallels and len(parallels) >= _MANY):
            most = _EVEN * typical[ridge.rows, None]
            lines[ridge.rows] = np.minimum(_running_median(known[ridge.rows]), most)
    return lines


def _running_median(known: Gray) -> Gray:
    """Each row's median over `_WINDOW` blocks: what a stroke darkens in few of them is passed."""
    half = _WINDOW // 2
    padded = np.pad(known, ((0, 0), (half, half)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW, axis=1)
    return np.maximum(np.median(windows, axis=2), 0).astype(np.float32)

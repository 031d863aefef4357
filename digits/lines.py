"""Take ruled and squared lines off photographed paper and leave the writing.

Printed lines are straight, thin, and run on where a pen stroke ends. They are looked for in a
sheared picture, where those of one direction lie level; perspective makes their directions differ
a little, so the search is repeated until nothing is found. Masks are `(h, w)` uint8, 1 for ink.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]

_SLOPES = np.tan(np.radians(np.arange(-14, 14.5, 0.5)))
_SEARCH_SIDE = 240
"""Side of the reduced mask on which the direction is searched."""

_FULL_ROW = 0.12
"""Share of a row of the reduced mask below which no line lies in it."""

_WINDOW = 0.16
"""Length, in widths of the picture, over which ink must run on to be taken for a line."""

_FILLED = 0.6
"""Share of the window that must be ink: lines fade in shadows and under strokes."""

_FAINT = 0.4
"""Share of the window that is enough where the same line is clear elsewhere."""

_RUN = 0.62
"""Length of a line in widths of the picture; strokes of a large digit are shorter."""

_MANY = 4
_RUN_OF_MANY = 0.5
"""Length of a line that has at least `_MANY` parallels: no digit has so many level strokes."""

_THICKEST = 0.012
"""Thickness of a line in widths of the picture; felt pens are thicker."""

_GAP = 13
"""Pixels that a removed line may leave between the two parts of a stroke that crossed it."""

_PASSES = 6


def remove_ruled_lines(ink: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Erase straight thin lines that run across most of the picture.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink.

    Returns:
        `(h, w)` float32 in `[0, 1]`; strokes that cross a line are kept whole.
    """
    mask = (ink > 0).astype(np.uint8)
    mask = _without_level_lines(mask)
    mask = _without_level_lines(np.ascontiguousarray(mask.T)).T
    return ink * mask


def _without_level_lines(mask: Mask) -> Mask:
    for _ in range(_PASSES):
        for slope in _likely_slopes(mask):
            level = _shear(mask, slope)
            lines = _lines(level)
            if lines.any():
                lines &= ~_crossings(level & ~lines, lines)
                mask = mask & ~_shear(lines, -slope, mask.shape[0])
                break
        else:
            return mask
    return mask


def _likely_slopes(mask: Mask, most: int = 3) -> list[float]:
    """Slopes along which the ink gathers in few rows, the clearest first."""
    factor = _SEARCH_SIDE / max(mask.shape)
    size = (max(1, round(mask.shape[1] * factor)), max(1, round(mask.shape[0] * factor)))
    small = cv2.resize(mask * np.float32(255), size, interpolation=cv2.INTER_AREA)
    rows = [_shear(small, slope).sum(axis=1) for slope in _SLOPES]
    gathered = np.array([float((row**2).sum()) for row in rows])
    padded = np.pad(gathered, 1, constant_values=-1)
    full = np.array([row.max() for row in rows]) > _FULL_ROW * 255 * small.shape[1]
    peaks = np.flatnonzero((gathered >= padded[:-2]) & (gathered >= padded[2:]) & full)
    return [float(_SLOPES[peak]) for peak in peaks[np.argsort(-gathered[peaks])][:most]]


def _shear(plane: npt.NDArray[Any], slope: float, height: int | None = None) -> npt.NDArray[Any]:
    """Move columns up or down so that lines of this slope become level.

    Args:
        plane: `(h, w)`.
        slope: Rows down per column to the right.
        height: Rows of the original when a shear is taken back; None to make room for all.

    Returns:
        `(h + room, w)`, or `(height, w)`.
    """
    rows, width = plane.shape
    room = int(np.ceil(abs(slope) * width)) + 1
    if height is None:
        offset, rows = max(0.0, slope * width), rows + room
    else:
        offset, rows = -max(0.0, -slope * width), height
    matrix = np.array([[1, 0, 0], [-slope, 1, offset]], np.float64)
    return cv2.warpAffine(plane, matrix, (width, rows), flags=cv2.INTER_NEAREST)


def _lines(level: Mask) -> Mask:
    """Pixels of level lines, less those where a stroke crosses."""
    width = level.shape[1]
    thickest = max(3, round(_THICKEST * width))
    window = max(3, round(_WINDOW * width))
    # Strokes thicker than any line stand tall in every column; they are no line.
    thin = level & ~cv2.morphologyEx(level, cv2.MORPH_OPEN, np.ones((thickest, 1), np.uint8))
    spread = cv2.dilate(level, np.ones((7, 1), np.uint8)).astype(np.float32)
    filled = cv2.blur(spread, (window, 1), borderType=cv2.BORDER_REFLECT)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((filled > _FAINT).astype(np.uint8))
    clear = np.isin(np.arange(len(stats)), labels[filled > _FILLED])
    clear[0] = False
    length = stats[:, cv2.CC_STAT_WIDTH] / width
    ruled = clear & (length >= _RUN_OF_MANY)
    if np.count_nonzero(ruled) < _MANY:
        ruled = clear & (length >= _RUN)
    return thin & cv2.dilate(ruled[labels].astype(np.uint8), np.ones((3, 1), np.uint8))


def _crossings(writing: Mask, lines: Mask) -> Mask:
    """Pixels of lines that join the strokes above and below them."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_GAP, _GAP))
    return lines & cv2.morphologyEx(writing, cv2.MORPH_CLOSE, kernel)

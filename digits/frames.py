"""What plain paper shows beside writing: a form's box, a table's lines, the margin of a scan.

Such lines are straight, thin, level and longer than any stroke; no hand draws them so.
Ink is `(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink.
"""

import cv2
import numpy as np
import numpy.typing as npt

from digits.specks import boxes_of_parts

Picture = npt.NDArray[np.uint8]
InkArray = npt.NDArray[np.float32]

Box = npt.NDArray[np.int32]
"""`(4,)` or more: left, top, width and height of connected ink, as OpenCV tells them."""
Boxes = npt.NDArray[np.int32]
"""`(n, 4)` or more."""

SMALLEST = 32
"""Side in pixels of the smallest picture that has room for lines beside writing."""

_DARK = 0.3
"""Ink of a line at the least."""

_THICKEST = 0.025
"""Thickness of a line as a share of the picture's larger side; a pen's stroke is thicker."""

_WHOLE = 0.95
"""Share of its length that a line from edge to edge shows."""

_SIDE = 0.85
"""The same for the side of a frame, whose corners may be round."""

_FRINGE = 2
"""Pixels beside a line that its blurred edge may reach."""

_LEAST_INSIDE = 0.1
"""Size of what a frame is around, as a share of the frame's."""

_LEAST_SIDES = 2
"""Sides that are left of a frame: an angle around what was written."""

_LEAST_IN_ANGLE = 0.3
"""Width and height of what an angle is around, as shares of its own: no stroke of an open 4."""

_BENT = 0.06
"""How far a frame's ink may lie from its sides, as a share of its size: scans are askew."""

_MOST_PARTS = 200
"""More unconnected ink than this is no writing in boxes."""

_MARGIN = 0.05
"""Broadest margin around a sheet that fills the picture, as a share of the picture's side."""

_LEAST_DIFFERENCE = 14
"""Gray levels between a sheet and its margin."""

_PLAIN_STEP = 6
"""Gray levels that a sheet may waver within."""

_PLAIN_OUTLINE = 0.9
"""Share of its outline that shows nothing but paper."""

_PLAIN_SHEET = 0.5
"""The same of the whole sheet: a line around it shows no paper within its thickness."""


def sheet_within(
    planes: Picture, margin: npt.NDArray[np.float32], rows: slice, columns: slice
) -> tuple[slice, slice] | None:
    """Find the sheet that fills a picture but for a narrow margin of another colour.

    Args:
        planes: `(h, w, depth)` uint8.
        margin: `(depth,)` float32, the colour of its outline.
        rows: Of the box that holds all that differs from that colour.
        columns: The same.

    Returns:
        Rows and columns of the sheet; None where the box holds ink on the outline's own paper.
    """
    height, width = planes.shape[:2]
    if min(height, width) < SMALLEST:
        return None
    margins = rows.start, height - rows.stop, columns.start, width - columns.stop
    if not any(margins) or max(margins) > _MARGIN * max(height, width):
        return None
    rows = slice(rows.start + _FRINGE, rows.stop - _FRINGE)
    columns = slice(columns.start + _FRINGE, columns.stop - _FRINGE)
    sheet = planes[rows, columns].astype(np.int16)
    if not sheet.size:
        return None
    outline = np.concatenate([sheet[0], sheet[-1], sheet[:, 0], sheet[:, -1]])
    paper = np.median(outline, axis=0)
    if np.abs(paper - margin).max() < _LEAST_DIFFERENCE:
        return None
    if np.mean(np.abs(outline - paper).max(axis=1) <= _PLAIN_STEP) < _PLAIN_OUTLINE:
        return None
    like_paper = np.mean(np.abs(sheet - paper).max(axis=2) <= _PLAIN_STEP)
    return (rows, columns) if _PLAIN_SHEET <= like_paper < 1 else None


def without_lines(ink: InkArray) -> InkArray:
    """Take off what surrounds or underlines other ink.

    Args:
        ink: Of a picture on plain paper, whole, so that its edges are the picture's.

    Returns:
        The other ink alone, or the same array where there is no such line or nothing else.
    """
    if min(ink.shape) < SMALLEST:
        return ink
    rest = _without_frame(_without_upright_lines(_without_level_lines(ink)))
    rest = _without_open_frames(rest)
    return rest if rest is ink or rest.max() > _DARK else ink


def _without_level_lines(ink: InkArray) -> InkArray:
    """Take off thin lines that run level from the left edge to the right one."""
    ends = (ink[:, 0] > _DARK) & (ink[:, -1] > _DARK)
    if not ends.any():
        return ink
    dark = ends & ((ink > _DARK).mean(axis=1) >= _WHOLE)
    _, _, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8)[:, None])
    thickest = max(1, round(_THICKEST * max(ink.shape)))
    thin = stats[1:][stats[1:, cv2.CC_STAT_HEIGHT] <= thickest]
    rest = ink.copy() if len(thin) else ink
    for top, thickness in thin[:, [cv2.CC_STAT_TOP, cv2.CC_STAT_HEIGHT]]:
        first = max(0, top - _FRINGE)
        last = min(len(ink) - 1, top + thickness - 1 + _FRINGE)
        # A stroke that crosses the line goes on as it is above and below.
        rest[first : last + 1] = np.minimum(ink[first], ink[last])
    return rest


def _without_upright_lines(ink: InkArray) -> InkArray:
    """Take off thin lines that run upright from the upper edge to the lower one."""
    turned = ink.T
    rest = _without_level_lines(turned)
    return ink if rest is turned else np.ascontiguousarray(rest.T)


def _without_frame(ink: InkArray) -> InkArray:
    """Take off a box around other ink."""
    left, top, width, height = cv2.boundingRect(cv2.inRange(ink, _DARK, np.inf))
    thickest = round(_THICKEST * max(ink.shape)) + _FRINGE
    if min(width, height) <= 4 * thickest:
        return ink
    box = ink[top : top + height, left : left + width]
    inside = []
    for side in (box, box[::-1], box.T, box.T[::-1]):
        depth = _thickness(side, thickest)
        if depth is None:
            return ink
        inside.append(depth + _FRINGE)
    above, below, before, after = inside
    inner = box[above : height - below, before : width - after]
    _, _, across, down = cv2.boundingRect((inner > _DARK).astype(np.uint8))
    if max(across, down) < _LEAST_INSIDE * max(width, height):
        return ink
    # What joins two opposite sides is a part of what was written: the bar of a square 8.
    if across == inner.shape[1] or down == inner.shape[0]:
        return ink
    rest = np.zeros_like(ink)
    rest[top + above : top + height - below, left + before : left + width - after] = inner
    return rest


def _without_open_frames(ink: InkArray) -> InkArray:
    """Take off boxes around other ink that lack a side or two, or parts of them."""
    boxes = boxes_of_parts(ink)
    if not 2 <= len(boxes) <= _MOST_PARTS:
        return ink
    if all(_lie_within(boxes, box).sum() == 1 for box in boxes):
        return ink
    count, labels, stats, _ = cv2.connectedComponentsWithStats((ink > 0).astype(np.uint8))
    frames = np.zeros(count, bool)
    for index in range(1, count):
        left, top, width, height, _ = stats[index]
        reach = 1 + round(_BENT * max(width, height))
        box = labels[top : top + height, left : left + width]
        inner = box[reach : height - reach, reach : width - reach]
        if not inner.size or (inner == index).any():
            continue
        inside = np.setdiff1d(inner, [0])
        sides = _sides(box == index, reach)
        if sides >= _LEAST_SIDES and _encloses(stats[index], stats[inside], sides):
            frames[index] = True
            # Parts of the frame that hang together with nothing.
            frames |= _lie_within(stats, stats[index]) & ~np.isin(np.arange(count), inside)
    return np.where(frames[labels], np.float32(0), ink) if frames.any() else ink


def _sides(frame: npt.NDArray[np.bool_], reach: int) -> int:
    """Count the sides of its box that ink runs along."""
    ends = (frame, frame[::-1], frame.T, frame.T[::-1])
    return sum(bool(end[:reach].any(axis=0).mean() >= _SIDE) for end in ends)


def _encloses(frame: Box, inside: Boxes, sides: int) -> bool:
    """Tell that what is inside has a frame's size and does not run out of it."""
    if not len(inside) or not _lie_within(inside, frame).all():
        return False
    left, top = inside[:, :2].min(axis=0)
    right, bottom = (inside[:, :2] + inside[:, 2:4]).max(axis=0)
    across, down = (right - left) / frame[2], (bottom - top) / frame[3]
    if sides == _LEAST_SIDES:
        return bool(min(across, down) >= _LEAST_IN_ANGLE)
    return bool(max(across, down) >= _LEAST_INSIDE)


def _lie_within(boxes: Boxes, outer: Box) -> npt.NDArray[np.bool_]:
    near, far = boxes[:, :2], boxes[:, :2] + boxes[:, 2:4]
    within = (near >= outer[:2]) & (far <= outer[:2] + outer[2:4])
    return np.asarray(within.all(axis=1))


def _thickness(box: InkArray, thickest: int) -> int | None:
    """Rows of the line along the upper side of a box; None if there is no thin one."""
    if (box[:thickest].max(axis=0) > _DARK).mean() < _SIDE:
        return None
    covered = (box[: thickest + 1] > _DARK).mean(axis=1) > 0.5
    free = np.flatnonzero(~covered & (np.cumsum(covered) > 0))
    return int(free[0]) if free.size else None

"""Ink that nobody wrote: dust, a form's boxes, a table's lines, the edge of a sheet.

Lines are straight, thin, and longer than any stroke; on plain paper they are level as well. Ink is
`(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink.
"""

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import FRINGE, STRONG_INK, Boxes, InkArray, Mask, components, stroke_width

_SPECK = 0.7
"""Size of a speck as a share of the pen's width: even a dot is as large as the pen."""

_SPECK_BESIDE = 0.06
"""The same as a share of the largest stroke's size: beside a thin digit, a blot is a wide pen's."""

_THICKEST = 0.025
"""Thickness of a line as a share of the picture's larger side; a pen's stroke is thicker."""

_SIDE = 0.85
"""Share of its length that a line or the side of a frame shows; corners may be round."""

_LEAST_INSIDE = 0.1
"""Size of what a frame is around, as a share of the frame's."""

_LEAST_SIDES = 2
"""Sides that are left of a frame: an angle around what was written."""

_LEAST_IN_ANGLE = 0.3
"""Width and height of what an angle is around, as shares of its own: no stroke of an open 4."""

_BENT = 0.06
"""How far a frame's ink may lie from its sides, as a share of its size: scans are askew."""

_MOST_PARTS = 200
"""More connected components than this are no writing in boxes."""

_LONG = 0.2
"""Length of the shortest line that is looked for, in sides of the picture."""

_BROKEN = 0.03
"""Widest gap in a line, in sides of the picture."""

_MOST_LINES = 60

_LONGER = 2.0
"""How many times longer than any stroke a line is."""

_LEAST_LEFT = 0.4
"""Share of the ink that is no line: a 7 without its upright is less."""

_BAND = 5
"""Pixels around a segment that hold the line: a scan or a sheet is never quite even."""


def without_specks(ink: InkArray) -> InkArray:
    """Take off what is smaller than a dot of the pen that wrote the rest.

    Args:
        ink: Of a picture on plain paper, large enough that dust and a stroke's rest differ.
    """
    labels, boxes = components(ink > 0)
    sizes = boxes[:, 2:4].max(axis=1)
    largest = min(_SPECK * stroke_width(ink), _SPECK_BESIDE * sizes[1:].max())
    return np.where((sizes <= largest)[labels], np.float32(0), ink)


def without_lines(ink: InkArray) -> InkArray:
    """Take off what surrounds or underlines other ink.

    Args:
        ink: Of a picture on plain paper, whole, so that its edges are the picture's.

    Returns:
        The other ink alone; all where there is nothing else.
    """
    rest = _without_level_lines(_without_level_lines(ink).T).T
    rest = _without_open_frames(_without_frame(np.ascontiguousarray(rest)))
    return rest if rest.max() > STRONG_INK else ink


def _without_level_lines(ink: InkArray) -> InkArray:
    """Take off thin lines that run level from the left edge to the right one."""
    ends = (ink[:, 0] > STRONG_INK) & (ink[:, -1] > STRONG_INK)
    if not ends.any():
        return ink
    dark = ends & ((ink > STRONG_INK).mean(axis=1) >= _SIDE)
    thickest = max(1, round(_THICKEST * max(ink.shape)))
    rest = ink.copy()
    for _, top, _, thickness, _ in components(dark[:, None])[1][1:]:
        if thickness > thickest:
            continue
        first = max(0, top - FRINGE)
        last = min(len(ink) - 1, top + thickness - 1 + FRINGE)
        # A stroke that crosses the line goes on as it is above and below.
        rest[first : last + 1] = np.minimum(ink[first], ink[last])
    return rest


def _without_frame(ink: InkArray) -> InkArray:
    """Take off a box around other ink."""
    left, top, width, height = cv2.boundingRect(cv2.inRange(ink, STRONG_INK, np.inf))
    thickest = round(_THICKEST * max(ink.shape)) + FRINGE
    if min(width, height) <= 4 * thickest:
        return ink
    box = ink[top : top + height, left : left + width]
    inside = []
    for side in (box, box[::-1], box.T, box.T[::-1]):
        depth = _thickness(side, thickest)
        if depth is None:
            return ink
        inside.append(depth + FRINGE)
    above, below, before, after = inside
    inner = box[above : height - below, before : width - after]
    _, _, across, down = cv2.boundingRect((inner > STRONG_INK).astype(np.uint8))
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
    labels, boxes = components(ink > 0)
    if len(boxes) - 1 > _MOST_PARTS:
        return ink
    frames = np.zeros(len(boxes), bool)
    for index in range(1, len(boxes)):
        left, top, width, height, _ = boxes[index]
        reach = 1 + round(_BENT * max(width, height))
        box = labels[top : top + height, left : left + width]
        inner = box[reach : height - reach, reach : width - reach]
        if not inner.size or (inner == index).any():
            continue
        inside = np.setdiff1d(inner, [0])
        sides = _sides(box == index, reach)
        if sides >= _LEAST_SIDES and _encloses(boxes[index], boxes[inside], sides):
            # With parts of it that hang together with nothing.
            lines = _lie_within(boxes, boxes[index])
            lines[inside] = False
            frames |= lines
    return np.where(frames[labels], np.float32(0), ink)


def _sides(frame: Mask, reach: int) -> int:
    """Count the sides of its box that ink runs along."""
    ends = (frame, frame[::-1], frame.T, frame.T[::-1])
    return sum(bool(end[:reach].any(axis=0).mean() >= _SIDE) for end in ends)


def _encloses(frame: Boxes, inside: Boxes, sides: int) -> bool:
    """Tell that what is inside has a frame's size and does not run out of it."""
    if not len(inside) or not _lie_within(inside, frame).all():
        return False
    left, top = inside[:, :2].min(axis=0)
    right, bottom = (inside[:, :2] + inside[:, 2:4]).max(axis=0)
    across, down = (right - left) / frame[2], (bottom - top) / frame[3]
    if sides == _LEAST_SIDES:
        return bool(min(across, down) >= _LEAST_IN_ANGLE)
    return bool(max(across, down) >= _LEAST_INSIDE)


def _lie_within(boxes: Boxes, outer: Boxes) -> Mask:
    near, far = boxes[:, :2], boxes[:, :2] + boxes[:, 2:4]
    within = (near >= outer[:2]) & (far <= outer[:2] + outer[2:4])
    return np.all(within, axis=1)


def _thickness(box: InkArray, thickest: int) -> int | None:
    """Rows of the line along the upper side of a box; None if there is no thin one."""
    if (box[:thickest].max(axis=0) > STRONG_INK).mean() < _SIDE:
        return None
    covered = (box[: thickest + 1] > STRONG_INK).mean(axis=1) > 0.5
    free = np.flatnonzero(~covered & (np.cumsum(covered) > 0))
    return int(free[0]) if free.size else None


def without_long_lines(ink: InkArray) -> InkArray:
    """Take off straight lines that are far longer than all other strokes.

    Args:
        ink: Of a photograph.

    Returns:
        The other ink alone, or the same array where there is no such line.
    """
    found, left = _segments(ink), ink
    for count in range(1, len(found) + 1):
        if count < len(found) and _length(found[count]) > 0.9 * _length(found[count - 1]):
            continue
        rest = _without(ink, found[:count])
        if rest.sum() < _LEAST_LEFT * ink.sum():
            break
        widest, tallest = components(rest > 0)[1][1:, 2:4].max(axis=0, initial=1)
        if all(_stands_out(segment, widest, tallest) for segment in found[:count]):
            left = rest
    return left


def _segments(ink: InkArray) -> npt.NDArray[np.int32]:
    """Straight runs of ink, the longest first: `(n, 4)` x, y, x, y."""
    side = max(ink.shape)
    plane = (ink > 0).astype(np.uint8)
    shortest = _LONG * side
    votes = round(0.7 * shortest)
    cv2.setRNGSeed(0)
    found = cv2.HoughLinesP(plane, 1, np.pi / 360, votes, None, shortest, _BROKEN * side)
    if found is None:
        return np.zeros((0, 4), np.int32)
    segments = found.reshape(-1, 4)
    order = np.argsort([-_length(segment) for segment in segments], kind="stable")
    return segments[order][:_MOST_LINES]


def _length(segment: npt.NDArray[np.int32]) -> float:
    return float(np.hypot(*(segment[2:] - segment[:2])))


def _without(ink: InkArray, segments: npt.NDArray[np.int32]) -> InkArray:
    """Take off segments, but not what joins the strokes on both sides of them."""
    band = np.zeros(ink.shape, np.uint8)
    for left, top, right, bottom in segments.tolist():
        cv2.line(band, (left, top), (right, bottom), 1, _BAND)
    beside = ((ink > 0) & (band == 0)).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _BAND + 1, 2 * _BAND + 1))
    joined = cv2.morphologyEx(beside, cv2.MORPH_CLOSE, kernel)
    return ink * (joined > 0)


def _stands_out(segment: npt.NDArray[np.int32], widest: int, tallest: int) -> bool:
    """Tell that a line is far longer than what is left, in the direction in which it runs."""
    across, down = np.abs(segment[2:] - segment[:2])
    return bool(_length(segment) >= _LONGER * (widest if across > down else tallest))

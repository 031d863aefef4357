"""What is left of a sheet's printed lines and edges among ink: straight, thin, and far too long.

Such a line crosses the writing and so hangs together with it. Ink is `(h, w)` float32 in `[0, 1]`,
0 paper, 1 full ink.
"""

import cv2
import numpy as np
import numpy.typing as npt

from digits.specks import boxes_of_parts

InkArray = npt.NDArray[np.float32]
Segments = npt.NDArray[np.int32]

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
        widest, tallest = boxes_of_parts(rest)[:, 2:].max(axis=0, initial=1)
        if all(_stands_out(segment, widest, tallest) for segment in found[:count]):
            left = rest
    return left


def _segments(ink: InkArray) -> Segments:
    """Straight runs of ink, the longest first: `(n, 4)` x, y, x, y."""
    side = max(ink.shape)
    plane = (ink > 0).astype(np.uint8)
    shortest = _LONG * side
    cv2.setRNGSeed(0)
    found = cv2.HoughLinesP(
        plane, 1, np.pi / 360, round(0.7 * shortest), None, shortest, _BROKEN * side
    )
    if found is None:
        return np.zeros((0, 4), np.int32)
    segments = found.reshape(-1, 4)
    order = np.argsort([-_length(segment) for segment in segments], kind="stable")
    return np.asarray(segments[order][:_MOST_LINES], np.int32)


def _length(segment: npt.NDArray[np.int32]) -> float:
    return float(np.hypot(*(segment[2:] - segment[:2])))


def _without(ink: InkArray, segments: Segments) -> InkArray:
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

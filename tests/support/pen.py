"""Handwritten digits for tests, whose strokes differ from the page's examples."""

import math
from itertools import pairwise

import cv2
import numpy as np

# Vertices of the strokes on a 100x100 sheet, x right and y down.
DIGITS = {
    0: [[(52, 20), (38, 25), (31, 40), (30, 56), (36, 72), (49, 79), (62, 74), (69, 58), (68, 40),
         (62, 26), (51, 20)]],
    1: [[(50, 18), (50, 80)]],
    2: [[(33, 35), (37, 24), (48, 20), (60, 24), (64, 35), (59, 47), (46, 61), (32, 77), (48, 76),
         (67, 77)]],
    3: [[(34, 26), (46, 20), (59, 24), (62, 35), (55, 45), (45, 48), (57, 51), (65, 62), (60, 74),
         (47, 79), (33, 74)]],
    4: [[(38, 20), (33, 52), (64, 52)], [(61, 22), (60, 80)]],
    5: [[(63, 21), (39, 21), (37, 45), (51, 43), (62, 51), (64, 63), (57, 75), (45, 79), (33, 73)]],
    6: [[(59, 20), (46, 30), (37, 46), (34, 62), (40, 76), (52, 79), (62, 71), (62, 59), (53, 52),
         (42, 55), (35, 64)]],
    7: [[(31, 23), (67, 22), (57, 45), (46, 79)]],
    8: [[(61, 28), (50, 20), (39, 26), (38, 37), (50, 47), (62, 57), (64, 69), (54, 79), (41, 76),
         (36, 65), (42, 54), (55, 44), (62, 35), (61, 28)]],
    9: [[(62, 33), (52, 21), (40, 26), (37, 39), (44, 48), (56, 46), (63, 34), (61, 56), (55, 80)]],
}  # fmt: skip


def paths(digit, step=3.0):
    """Return the strokes of a digit, scaled to 0 to 1, with points at most `step` of 100 apart."""
    return [[(x / 100, y / 100) for x, y in _walk(corners, step)] for corners in DIGITS[digit]]


def _walk(corners, step):
    points = [corners[0]]
    for (x0, y0), (x1, y1) in pairwise(corners):
        count = math.ceil(math.hypot(x1 - x0, y1 - y0) / step)
        points += [
            (x0 + (x1 - x0) * i / count, y0 + (y1 - y0) * i / count) for i in range(1, count + 1)
        ]
    return points


def sheet(*digits, size=400, brush=20):
    """Draw digits side by side, black on white: `(size, size * count)` uint8."""
    picture = np.full((size, size * len(digits)), 255, np.uint8)
    for place, digit in enumerate(digits):
        for path in paths(digit):
            points = np.round(np.add(path, (place, 0)) * size).astype(np.int32)
            cv2.polylines(
                picture, [points], isClosed=False, color=0, thickness=brush, lineType=cv2.LINE_AA
            )
    return picture


def encode(picture):
    """Encode a picture as PNG."""
    return cv2.imencode(".png", picture)[1].tobytes()


def png(*digits):
    """Draw digits side by side as PNG."""
    return encode(sheet(*digits))


def save(path, picture):
    """Save a picture in the format of the path's suffix and return the path as text."""
    assert cv2.imwrite(str(path), picture)
    return str(path)

"""Trace the strokes of an MNIST image: thin its ink to lines and split them at ends and forks."""

from collections import Counter
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from training.handwriting.strokes import Points, Strokes, fit

_SCALE = 4  # upsampling, without which thinned lines are staircases
_AROUND = [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, -1), (-1, 1)]
_Pixel = tuple[int, int]


def trace(image: npt.NDArray[np.uint8]) -> Strokes:
    """Trace the path of the pen in an MNIST image, `(28, 28)` uint8, 255 ink.

    Returns:
        Center lines of the ink, fitted to `UNIT`, in no particular order.

    Raises:
        ValueError: If there is no ink.
    """
    grown = cv2.resize(image, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_CUBIC)
    mask = np.pad(grown > 100, 1)
    if not mask.any():
        raise ValueError("Expected an image with ink. Received: all pixels are paper.")
    depth = np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    lines = _lines({(int(y), int(x)) for y, x in np.argwhere(_thin(mask))})
    return fit([_smooth(line) for line in _without_spurs(lines, depth)])


def _thin(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Thin a mask with an empty border to lines one pixel wide (Guo and Hall, 1989)."""
    plane = mask.astype(np.uint8)
    while True:
        before = cv2.countNonZero(plane)
        for needed in _NEEDED:
            plane &= cv2.LUT(cv2.filter2D(plane, -1, _NEIGHBOR_BITS), needed)
        if cv2.countNonZero(plane) == before:
            return plane.astype(bool)


_NEIGHBOR_BITS = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)


def _needed(turn: int) -> npt.NDArray[np.uint8]:
    """Return the lookup table of pixels to keep in one of the two subiterations.

    `turn`, 0 or 4, selects the subiteration. The table is `(256,)` uint8, 0 or 1, indexed by the
    bits of the eight neighbors, clockwise from north.
    """
    n = [(np.arange(256) >> i & 1).astype(bool) for i in range(8)]
    crossings = sum((~n[i] & (n[i + 1] | n[(i + 2) % 8])).astype(np.int8) for i in range(0, 8, 2))
    pairs_before = sum((n[i - 1] | n[i]).astype(np.int8) for i in range(0, 8, 2))
    pairs_after = sum((n[i] | n[i + 1]).astype(np.int8) for i in range(0, 8, 2))
    pairs = np.minimum(pairs_before, pairs_after)
    a, b, c, d = (n[(i + turn) % 8] for i in (4, 5, 7, 6))
    kept = (a | b | ~c) & d
    removable = (crossings == 1) & (pairs >= 2) & (pairs <= 3) & ~kept
    return (~removable).astype(np.uint8)


_NEEDED = (_needed(0), _needed(4))


def _neighbors(pixels: set[_Pixel], at: _Pixel) -> list[_Pixel]:
    """Return the pixels connected to one; diagonally only if there is no orthogonal path."""
    y, x = at
    return [
        (y + dy, x + dx)
        for dy, dx in _AROUND
        if (y + dy, x + dx) in pixels
        and not (dy and dx and ((y + dy, x) in pixels or (y, x + dx) in pixels))
    ]


def _lines(pixels: set[_Pixel]) -> list[list[_Pixel]]:
    """Split a thinned mask at its ends and forks; closed rings and lone pixels are lines, too."""
    joined = {pixel: _neighbors(pixels, pixel) for pixel in pixels}
    forks = {pixel for pixel in pixels if len(joined[pixel]) != 2}
    lines = list(_walks(joined, forks))
    left = pixels - {pixel for line in lines for pixel in line}
    while left:
        start = min(left)
        ring = next(_walks(joined, {start}), [start])
        lines.append(ring)
        left -= set(ring)
    return lines


def _walks(joined: dict[_Pixel, list[_Pixel]], starts: set[_Pixel]) -> Iterator[list[_Pixel]]:
    """Walk from every start along each path to the next start, each path once."""
    used: set[tuple[_Pixel, _Pixel]] = set()
    for start in sorted(starts):
        for step in joined[start]:
            if (start, step) in used:
                continue
            line = [start, step]
            while line[-1] not in starts:
                onward = [pixel for pixel in joined[line[-1]] if pixel != line[-2]]
                line.append(onward[0])
            used |= {(start, step), (line[-1], line[-2])}
            yield line


def _without_spurs(lines: list[list[_Pixel]], depth: npt.NDArray[np.float32]) -> list[list[_Pixel]]:
    """Drop the spurs that thinning leaves in wide strokes, unless nothing else is left."""
    count = Counter(end for line in lines for end in (line[0], line[-1]))

    def is_spur(line: list[_Pixel]) -> bool:
        free = min(count[line[0]], count[line[-1]]) == 1
        fork = max((line[0], line[-1]), key=lambda end: count[end])
        return free and count[fork] > 2 and len(line) < 1.3 * depth[fork]

    return [line for line in lines if not is_spur(line)] or lines


def _smooth(line: list[_Pixel]) -> Points:
    """Return `(n, 2)` x, y with the steps of the pixel grid smoothed; the ends stay fixed."""
    points = np.array(line, np.float64)[:, ::-1]
    for _ in range(6):
        points[1:-1] = (points[:-2] + 2 * points[1:-1] + points[2:]) / 4
    return points

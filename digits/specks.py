"""Dust on clean paper: marks so small that no pen has left them.

Ink is `(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink.
"""

import cv2
import numpy as np
import numpy.typing as npt

InkArray = npt.NDArray[np.float32]

SMALLEST = 32
"""Side in pixels of the smallest picture where dust and the rest of a stroke look different."""

_SPECK = 0.7
"""Size of a speck as a share of the pen's width: even a dot is as large as the pen."""

_SPECK_BESIDE = 0.06
"""The same as a share of the largest stroke's size: beside a thin digit, a blot is a wide pen's."""


def without_specks(ink: InkArray) -> InkArray:
    """Take off what is smaller than a dot of the pen that wrote the rest.

    Args:
        ink: Of a picture on plain paper.

    Returns:
        The other ink alone, or the same array where there is no speck.
    """
    if min(ink.shape) < SMALLEST:
        return ink
    count, labels, stats, _ = cv2.connectedComponentsWithStats((ink > 0).astype(np.uint8))
    if count <= 2:
        return ink
    sizes = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    largest = min(_SPECK * stroke_width(ink), _SPECK_BESIDE * sizes[1:].max())
    specks = sizes <= largest
    specks[0] = False
    return np.where(specks[labels], np.float32(0), ink) if specks.any() else ink


def stroke_width(ink: InkArray) -> float:
    """Mean width of the strokes in pixels.

    Inside a stroke of width w the distance to its edge averages w / 4.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`, with some ink.

    Returns:
        The width; 0 for ink that is nowhere darker than half of its darkest.
    """
    mask = np.pad((ink > 0.5 * ink.max()).astype(np.uint8), 1)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    # The transform measures to the centre of the nearest paper pixel, half a pixel too far.
    return float(4 * np.mean(distance[mask > 0] - 0.5))

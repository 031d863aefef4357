"""Dust on clean paper: marks so small that no pen has left them.

Ink is `(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink.
"""

import cv2
import numpy as np
import numpy.typing as npt

InkArray = npt.NDArray[np.float32]

_SPECK = 0.7
"""Size of a speck as a share of the pen's width: even a dot is as large as the pen."""

_SPECK_BESIDE = 0.06
"""The same as a share of the largest stroke's size: beside a thin digit, a blot is a wide pen's."""


def without_specks(ink: InkArray) -> InkArray:
    """Take off what is smaller than a dot of the pen that wrote the rest.

    Args:
        ink: Of a picture on plain paper, large enough that dust and a stroke's rest differ.

    Returns:
        The other ink alone, or the same array where there is no speck.
    """
    sides = boxes_of_parts(ink)[:, 2:].max(axis=1, initial=0)
    # A visitor's drawing passes here at every stroke; labels and widths would take a millisecond.
    if len(sides) < 2 or sides.min() > _SPECK_BESIDE * sides.max():
        return ink
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink > 0).astype(np.uint8))
    sizes = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    largest = min(_SPECK * stroke_width(ink), _SPECK_BESIDE * sizes[1:].max())
    specks = sizes <= largest
    specks[0] = False
    return np.where(specks[labels], np.float32(0), ink) if specks.any() else ink


def boxes_of_parts(ink: InkArray) -> npt.NDArray[np.int32]:
    """Bound each connected part.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`.

    Returns:
        `(n, 4)` int32: left, top, width, height; a part inside another one's hole has its own.
    """
    plane = (ink > 0).astype(np.uint8)
    outlines, tree = cv2.findContours(plane, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    parents = tree[0, :, 3] if tree is not None else ()
    boxes = [
        cv2.boundingRect(outline)
        for outline, parent in zip(outlines, parents, strict=True)
        if parent < 0
    ]
    return np.array(boxes, np.int32).reshape(-1, 4)


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

"""From all ink of a photograph to that of one digit, or of one line of writing, where it is."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import Boxes, InkArray, Mask, components, squared_slope, touch_border

_BORDER_WEIGHT = 0.02
"""What touches the picture's edge is rather the table or a shadow than the digit."""

REACH = 0.2
"""Strokes of one digit lie no further apart than this share of its longest stroke's size."""

_WORD_GAP = 0.9
"""The same between neighbouring digits of a number."""

_WIDEST_GAP = 3.0
"""Widest gap in a line of digits that are as high and level with each other, in heights."""

_LEAST_HEIGHT = 0.4
_MOST_HEIGHT = 1.6
"""Height of a digit further off, as a share of the highest of the line."""

_MOST_STEP = 0.6
"""How much higher or lower it may stand than its neighbour, in heights."""

_SMALL_PART = 0.05
"""Ink of a detached stroke as a share of the main stroke's; less is dust or a line's rest."""


def main_ink(ink: InkArray) -> InkArray:
    """Keep the ink of one digit: the sharpest group of strokes."""
    return _group(ink, REACH, REACH)


def written_line(ink: InkArray) -> InkArray:
    """Keep the ink of one line of writing, as `main_ink` keeps that of one digit."""
    return _with_the_rest(ink, _group(ink, REACH, _WORD_GAP))


def _group(ink: InkArray, reach_down: float, reach_across: float) -> InkArray:
    """Keep the sharpest stroke and what lies within reach of it, from stroke to stroke.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`, with some ink.
        reach_down: In sizes of the sharpest stroke, between strokes above each other.
        reach_across: The same between strokes beside each other.
    """
    labels, boxes = components(ink > 0)
    mass = np.bincount(labels.ravel(), weights=ink.ravel())
    edges = np.bincount(labels.ravel(), weights=squared_slope(ink).ravel())
    edges[0] = 0
    at_edge = touch_border(boxes, labels.shape)
    seed = int((edges * np.where(at_edge, _BORDER_WEIGHT, 1)).argmax())
    size = boxes[seed, 2:4].max()
    kernel = np.ones((1 + int(reach_down * size), 1 + int(reach_across * size)), np.uint8)
    _, groups = cv2.connectedComponents(cv2.dilate((labels > 0).astype(np.uint8), kernel))
    kept = (mass > _SMALL_PART * mass[seed]) & (edges > _SMALL_PART * edges[seed])
    near = np.zeros_like(kept)
    near[labels[groups == groups[labels == seed][0]]] = True
    kept &= near
    if not at_edge[seed]:
        # What comes in from outside is the desk or a shadow, unless it is a digit's size.
        kept &= ~at_edge | _as_high(boxes, boxes[kept & ~at_edge, 3].max())
    return ink * kept[labels]


def _with_the_rest(ink: InkArray, line: InkArray) -> InkArray:
    """Add to a part of the ink what is further off, but level with the line and as high."""
    labels, boxes = components(ink > 0)
    taken = np.zeros(len(boxes), bool)
    taken[labels[line > 0]] = True
    taken[0] = False
    if not taken.any():
        return line
    tall = float(boxes[taken, 3].max())
    free = ~taken & ~touch_border(boxes, ink.shape) & _as_high(boxes, tall)
    middles = boxes[:, 1] + boxes[:, 3] / 2
    while True:
        across = _gaps(boxes, taken)
        nearest = np.flatnonzero(taken)[across.argmin(axis=1)]
        level = np.abs(middles - middles[nearest]) <= _MOST_STEP * tall
        more = free & level & (across.min(axis=1) <= _WIDEST_GAP * tall)
        if not more.any():
            break
        taken |= more
        free &= ~more
    return ink * taken[labels]


def _as_high(boxes: Boxes, tall: float) -> Mask:
    """Tell which parts are as high as digits beside one of a height."""
    return (boxes[:, 3] >= _LEAST_HEIGHT * tall) & (boxes[:, 3] <= _MOST_HEIGHT * tall)


def _gaps(boxes: Boxes, taken: Mask) -> npt.NDArray[np.int32]:
    """Empty columns between each part and those taken: `(n, taken)`, 0 where they overlap."""
    left, right = boxes[:, 0], boxes[:, 0] + boxes[:, 2]
    beyond = np.maximum(left[:, None] - right[taken], left[taken] - right[:, None])
    return np.maximum(beyond, 0)

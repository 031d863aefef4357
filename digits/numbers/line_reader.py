"""The line reader: the network that recognizes a whole line of ink, and the ink of each character.

The network classifies each column of the line: connectionist temporal classification (Graves et al.
2006). The ink of a character is the connected component at its column; a component that several
characters share is cut between them where it is thinnest.
"""

import itertools
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray, components
from digits.layers import Tensors
from digits.networks import BESIDE, BLANK, COLUMN_STEP, LINE_READER
from digits.numbers.frame import FRAME_EDGE, fit_line
from digits.onnx_graph import open_heads

_SMALL: Final = 0.35
"""Components shorter than this share of the tallest one are more likely a piece of another."""

_NO_OWNER: Final = -1

_NEAR: Final = 0.3
"""Maximum distance of a piece from its character, as a multiple of character height."""


@dataclass(frozen=True, eq=False)
class Named:
    """A character recognized by the network.

    Attributes:
        probabilities: `(11,)` float32, ten digits, then other writing; sum 1.
        column: Its column in the ink.
    """

    probabilities: npt.NDArray[np.float32]
    column: float


@dataclass(frozen=True, eq=False)
class Part:
    """The ink of one character.

    Attributes:
        ink: `(h, w)` float32 in `[0, 1]`, cropped to the character.
        box: Top, left, bottom and right in the ink of the line; the last two are exclusive.
    """

    ink: InkArray
    box: tuple[int, int, int, int]


class LineReader:
    """The network, built from `tensors` named as in `digits.layers.shapes`; thread-safe."""

    def __init__(self, tensors: Tensors) -> None:
        self._heads = open_heads(BESIDE[LINE_READER], tensors, softmax=True)

    def read(self, ink: InkArray) -> list[Named]:
        """Recognize the characters of a line, from left to right.

        Args:
            ink: `(h, w)` float32 in `[0, 1]`, with some ink.
        """
        frame, scale, first = fit_line(ink)
        ((shares,),) = self._heads(frame[None, None])
        columns = shares[:, 0].T
        path = columns.argmax(axis=1)
        starts = np.flatnonzero(np.diff(path, prepend=BLANK))
        ends = np.append(starts, len(path))[1:]
        named = []
        for start, end in zip(starts, ends, strict=True):
            label = path[start]
            if label == BLANK:
                continue
            at = start + int(columns[start:end, label].argmax())
            probabilities = columns[at, :BLANK]
            place = (COLUMN_STEP * (at + 0.5) - FRAME_EDGE) / scale + first
            named.append(Named(probabilities / probabilities.sum(), float(place)))
        return named


def share_ink(ink: InkArray, columns: npt.NDArray[np.float64]) -> list[Part]:
    """Split ink into characters.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`, with some ink.
        columns: `(n,)`, one column in each character, from left to right; at least one.

    Returns:
        One part per character; it may be empty.
    """
    labels, stats = components(ink > 0)
    boxes = stats[1:, :4].astype(np.float64)
    holder = _holders(boxes, columns)
    gaps = gaps_between(boxes, boxes[holder])
    nearest = gaps.argmin(axis=1)
    reach = _NEAR * np.median(boxes[holder, 3])
    nearest[gaps[np.arange(len(boxes)), nearest] > reach] = _NO_OWNER
    nearest[holder] = np.arange(len(columns))
    owner = np.concatenate([[_NO_OWNER], nearest])[labels]
    shared, counts = np.unique(holder, return_counts=True)
    for index in shared[counts > 1]:
        x, y, w, h = stats[index + 1, :4]
        of = np.flatnonzero(holder == index)
        part = labels[y : y + h, x : x + w] == index + 1
        cuts = _cuts(ink[y : y + h, x : x + w] * part, columns[of] - x)
        place = owner[y : y + h, x : x + w]
        place[part] = of[np.searchsorted(cuts, np.nonzero(part)[1], side="right")]
    parts = []
    for character in range(len(columns)):
        mask = owner == character
        x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
        window = slice(y, y + h), slice(x, x + w)
        parts.append(Part(ink[window] * mask[window], (y, x, y + h, x + w)))
    return parts


def _holders(
    boxes: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]
) -> npt.NDArray[np.intp]:
    """Return the index of the component at each column, of several the most centered."""
    left, right = boxes[:, :1], boxes[:, :1] + boxes[:, 2:3]
    beside = np.maximum(left - columns, columns - right).clip(0)
    off_center = np.abs(columns - (left + right) / 2) / boxes[:, 2:3]
    is_small = boxes[:, 3:] < _SMALL * boxes[:, 3].max()
    return np.lexsort((off_center, is_small.repeat(len(columns), 1), beside), axis=0)[0]


def gaps_between(
    boxes: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the distances between boxes.

    Args:
        boxes: `(n, 4)` x, y, width, height.
        others: `(m, 4)`, likewise.

    Returns:
        `(n, m)`, 0 where two boxes overlap.
    """
    low, high = boxes[:, None, :2], boxes[:, None, :2] + boxes[:, None, 2:]
    apart = np.maximum(low - (others[:, :2] + others[:, 2:]), others[:, :2] - high)
    return np.hypot(*np.maximum(apart, 0).transpose(2, 0, 1))


def _cuts(ink: InkArray, columns: npt.NDArray[np.float64]) -> list[int]:
    """Return where to cut ink between adjacent columns: across few strokes, then little ink."""
    strokes = (np.diff(ink > 0, axis=0, prepend=0) > 0).sum(axis=0)
    cost = (ink.shape[0] + 1) * strokes + ink.sum(axis=0)
    places = np.clip(columns, 0, len(cost) - 1).astype(int)
    return [
        a + 1 + int(cost[a + 1 : b].argmin()) if b > a + 1 else b
        for a, b in itertools.pairwise(places)
    ]

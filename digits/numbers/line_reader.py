"""The network that reads a line of ink at once, and the ink of each character that it names.

The network says for each column of the line what is named there: connectionist temporal
classification (Graves et al. 2006). A character's ink is the connected ink where it is named; ink
that several share is cut between them where it is thinnest.
"""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from digits.ink import InkArray, components
from digits.layers import Tensors
from digits.networks import BESIDE, BLANK, COLUMN_STEP, LINE_READER
from digits.numbers.frame import FRAME_EDGE, fit_line
from digits.onnx_graph import open_heads

_SMALL: Final = 0.35
"""Height of connected ink, in that of the tallest, below which it is rather a part of another."""

_NOBODY: Final = -1

_NEAR: Final = 0.3
"""Distance from a character, in heights of the characters, within which ink is a part of it."""


@dataclass(frozen=True, eq=False)
class Named:
    """A character that the network names.

    Attributes:
        probabilities: `(11,)` float32 by digit, then of other writing; the sum is 1.
        column: Where, in columns of the ink.
    """

    probabilities: npt.NDArray[np.float32]
    column: float


@dataclass(frozen=True, eq=False)
class Part:
    """The ink of one character.

    Attributes:
        ink: `(h, w)` float32 in `[0, 1]`, cut to the character.
        box: Top, left, bottom, right in the line's ink; the last two exclusive.
    """

    ink: InkArray
    box: tuple[int, int, int, int]


class LineReader:
    """The network; safe to share between threads."""

    def __init__(self, tensors: Tensors) -> None:
        """Build the network.

        Args:
            tensors: By the names of `digits.layers.shapes`.
        """
        self._heads = open_heads(BESIDE[LINE_READER], tensors, softmax=True)

    def read(self, ink: InkArray) -> list[Named]:
        """Name the characters of a line from left to right.

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
    """Give each character its ink.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`, with some ink.
        columns: `(n,)`, from left to right: one within each character; at least one.

    Returns:
        For each its part of the ink, which may be empty.
    """
    labels, stats = components(ink > 0)
    boxes = stats[1:, :4].astype(np.float64)
    holder = _holders(boxes, columns)
    gaps = gaps_between(boxes, boxes[holder])
    nearest = gaps.argmin(axis=1)
    reach = _NEAR * np.median(boxes[holder, 3])
    nearest[gaps[np.arange(len(boxes)), nearest] > reach] = _NOBODY
    nearest[holder] = np.arange(len(columns))
    owner = np.concatenate([[_NOBODY], nearest])[labels]
    shared, counts = np.unique(holder, return_counts=True)
    for index in shared[counts > 1]:
        x, y, w, h = stats[index + 1, :4]
        of = np.flatnonzero(holder == index)
        part = labels[y : y + h, x : x + w] == index + 1
        cuts = _cuts(ink[y : y + h, x : x + w] * part, columns[of] - x)
        place = owner[y : y + h, x : x + w]
        place[part] = of[np.searchsorted(cuts, np.nonzero(part)[1], side="right")]
    return _parts(ink, owner, len(columns))


def _holders(
    boxes: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]
) -> npt.NDArray[np.intp]:
    """Return for each column the index of the connected ink that it is in the middle of."""
    left, right = boxes[:, :1], boxes[:, :1] + boxes[:, 2:3]
    beside = np.maximum(left - columns, columns - right).clip(0)
    off_centre = np.abs(columns - (left + right) / 2) / boxes[:, 2:3]
    is_small = boxes[:, 3:] < _SMALL * boxes[:, 3].max()
    return np.lexsort((off_centre, is_small.repeat(len(columns), 1), beside), axis=0)[0]


def gaps_between(
    boxes: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the distances of boxes to others.

    Args:
        boxes: `(n, 4)` x, y, width, height.
        others: `(m, 4)` of the same.

    Returns:
        `(n, m)`, 0 where they overlap.
    """
    low, high = boxes[:, None, :2], boxes[:, None, :2] + boxes[:, None, 2:]
    apart = np.maximum(low - (others[:, :2] + others[:, 2:]), others[:, :2] - high)
    return np.hypot(*np.maximum(apart, 0).transpose(2, 0, 1))


def _cuts(ink: InkArray, columns: npt.NDArray[np.float64]) -> list[int]:
    """Cut ink between each two of some columns: through few strokes, and little ink of these."""
    strokes = (np.diff(ink > 0, axis=0, prepend=0) > 0).sum(axis=0)
    cost = (ink.shape[0] + 1) * strokes + ink.sum(axis=0)
    places = np.clip(columns, 0, len(cost) - 1).astype(int)
    return [
        a + 1 + int(cost[a + 1 : b].argmin()) if b > a + 1 else b
        for a, b in itertools.pairwise(places)
    ]


def _parts(ink: InkArray, owner: npt.NDArray[np.intp], count: int) -> list[Part]:
    """Cut out the ink of each owner."""
    rows, columns = np.nonzero(owner != _NOBODY)
    owners = owner[rows, columns]
    low, high = np.full((2, count), max(ink.shape)), np.zeros((2, count), np.intp)
    for axis, places in enumerate((rows, columns)):
        np.minimum.at(low[axis], owners, places)
        np.maximum.at(high[axis], owners, places + 1)
    parts = []
    for k, (top, left, bottom, right) in enumerate(np.concatenate([low, high]).T.tolist()):
        window = (slice(top, max(top, bottom)), slice(left, max(left, right)))
        parts.append(Part(ink[window] * (owner[window] == k), (top, left, bottom, right)))
    return parts

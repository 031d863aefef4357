"""All segmentations of a line of ink into digits, and the cheapest.

The ink is cut into more fragments than there are digits (`digits.numbers.fragments`). Every segment
of neighbouring fragments that could be a digit is classified, all in one batch, and the sequence of
segments with the least cost is the number: over-segmentation and dynamic programming, as in LeCun,
Bottou, Bengio, Haffner 1998, section V. A segment is a digit or, uncut, other writing such as a
plus, and costs what its negative log-likelihood and its geometry beside the rest of the line say;
the costs were fitted (`training.fit_costs`).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.networks import NOT_A_DIGIT
from digits.numbers.fragments import SMALL, Fragment, find_fragments
from digits.preprocessing import has_ink, normalize

_MAX_SEGMENT = 10
"""Most fragments of one digit: its strokes, and cuts through them."""

_MAX_GAP = 0.3
"""Empty columns inside a digit, as a share of the line's height."""

MAX_WIDTH = 1.6
"""Width to height above which ink is no single digit."""

_LEAST = 1e-6
"""Least probability that counts: no network is as certain as its numbers say."""

_NEVER = 1e3
"""Negative logarithm of the probability that a part of connected ink is other writing."""

_SURE = 0.01
"""Probability of "no digit" below which differences are the network's noise."""


@dataclass(frozen=True)
class LatticeCosts:
    """What each feature of a reading costs, in nats.

    Fitted on numbers written from MNIST's training images: `python -m training.fit_costs`. Only
    `other` was set by hand, as if signs were a little more frequent than there, and `centre`.

    Attributes:
        nll: Negative logarithm of the network's probability of the digit.
        digit: For each digit, whatever it is.
        cut: For each cut through connected ink that the reading makes.
        span: For each time that such a cut runs through the whole height of the ink.
        gap: Empty columns inside a digit, in heights of the line.
        beside: Strokes of a digit that lie beside another, not above: 0 to 1 for each.
        height: Squared logarithm of the digit's height to the line's.
        width: Squared excess of the digit's width over the line's height.
        doubt: Logarithm of how many times `_SURE` the probability of "no digit" is.
        other: For other writing, whatever it is.
        centre: Negative logarithm of the probability that other writing holds no digit's centre.
        skipped: Ink that is no part of the number, in heights of the line.
    """

    nll: float = 0.84
    digit: float = 0.44
    cut: float = 2.1
    span: float = 2.3
    gap: float = 4.4
    beside: float = 2.4
    height: float = 2.9
    width: float = 4.3
    doubt: float = 1.1
    other: float = 4.5
    centre: float = 1.0
    skipped: float = 13.0


COSTS = LatticeCosts()
"""The costs that reading goes by."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Neighbouring fragments that could be one digit.

    Attributes:
        first: The first fragment.
        last: The fragment after the last.
        box: Top, left, bottom, right in the ink; the last two exclusive.
        image: `(28, 28)` float32 in `[0, 1]`, in MNIST's frame.
        geometry: `(7,)` float64, what the costs from `digit` to `width` count.
    """

    first: int
    last: int
    box: tuple[int, int, int, int]
    image: InkArray
    geometry: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lattice:
    """All segmentations of a line of ink.

    Attributes:
        segments: What could be a digit.
        skipped: `(n,)` float64, for each fragment what `LatticeCosts.skipped` counts.
        probabilities: `(len(segments), 10)` float32 by digit; what is missing to 1 is "no digit".
        centre_nll: `(len(segments),)` float64, for each what `LatticeCosts.centre` counts.
    """

    segments: tuple[Segment, ...]
    skipped: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float32]
    centre_nll: npt.NDArray[np.float64]


Classify = Callable[[InkArray], npt.NDArray[np.float32]]
"""`(N, 28, 28)` float32 images to `(N, 10)` or `(N, 11)` float32 probabilities."""


def build_lattice(
    classify: Classify, ink: InkArray, centres: Sequence[Sequence[float]] = ()
) -> Lattice:
    """Find all segments of a line of ink, and classify them at once.

    Args:
        classify: As `Recognizer.predict_images`.
        ink: `(h, w)` float32 in `[0, 1]`, with some ink.
        centres: Where the finder saw digits: x and y in the ink, and the probability of each.
    """
    fragments = find_fragments(ink)
    tall = _line_height(fragments)
    segments = tuple(_segments(ink, fragments, tall))
    skipped = np.array([min(fragment.size / tall, 1.5) for fragment in fragments])
    if not segments:
        return Lattice((), skipped, np.zeros((0, NOT_A_DIGIT), np.float32), np.zeros(0))
    images = np.stack([segment.image for segment in segments])
    centre_nll = np.array([_centre_nll(segment, centres) for segment in segments])
    return Lattice(segments, skipped, classify(images)[:, :NOT_A_DIGIT], centre_nll)


def _centre_nll(segment: Segment, centres: Sequence[Sequence[float]]) -> float:
    """Negative logarithm of the probability that none of the centres in a segment is a digit's."""
    top, left, bottom, right = segment.box
    inside = [p for x, y, p in centres if left <= x < right and top <= y < bottom]
    return -sum(math.log(max(1 - p, _SURE)) for p in inside)


def _line_height(fragments: Sequence[Fragment]) -> float:
    """Height of the line's digits: the median of connected ink, the tall counting more."""
    boxes = [_box(inks) for inks in _inks(fragments).values()]
    heights = np.sort([bottom - top for top, _, bottom, _ in boxes])
    share = np.cumsum(heights) / heights.sum()
    return float(heights[np.searchsorted(share, 0.5)])


def _inks(fragments: Sequence[Fragment]) -> dict[int, list[Fragment]]:
    """Pieces by the connected ink that they are of."""
    inks: dict[int, list[Fragment]] = {}
    for fragment in fragments:
        inks.setdefault(fragment.ink, []).append(fragment)
    return inks


def _box(fragments: Sequence[Fragment]) -> tuple[int, int, int, int]:
    tops, lefts, bottoms, rights = zip(*(fragment.box for fragment in fragments), strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)


def _segments(array: InkArray, fragments: Sequence[Fragment], tall: float) -> list[Segment]:
    segments = []
    for first in range(len(fragments)):
        right = fragments[first].box[3]
        for last in range(first + 1, min(first + _MAX_SEGMENT, len(fragments)) + 1):
            if fragments[last - 1].box[1] - right > _MAX_GAP * tall:
                break
            right = max(right, fragments[last - 1].box[3])
            among = fragments[first:last]
            if not _could_be_digit(_box(among), tall) and len(fragments) > 1:
                continue
            plane = _only(array, among)
            # Cutting can leave a smear without a stroke.
            if has_ink(plane):
                geometry = _geometry(among, tall)
                segments.append(Segment(first, last, _box(among), normalize(plane), geometry))
    return segments


def _could_be_digit(box: tuple[int, int, int, int], tall: float) -> bool:
    top, left, bottom, right = box
    widest = MAX_WIDTH * max(bottom - top, 0.8 * tall)
    return bottom - top >= SMALL * tall and right - left <= widest


def _only(array: InkArray, fragments: Sequence[Fragment]) -> InkArray:
    """The ink of some fragments alone, cut to their box."""
    top, left, bottom, right = _box(fragments)
    plane = np.zeros((bottom - top, right - left), np.float32)
    for fragment in fragments:
        rows, columns = fragment.pixels.T
        plane[rows - top, columns - left] = array[rows, columns]
    return plane


def _geometry(fragments: Sequence[Fragment], tall: float) -> npt.NDArray[np.float64]:
    """What the costs from `digit` to `width` count: `(7,)` float64."""
    top, left, bottom, right = _box(fragments)
    sides = _open_cuts(fragments)
    gap, beside = _spread([_box(inks) for inks in _inks(fragments).values()])
    return np.array(
        [
            1.0,
            len(sides) / 2,
            sum(sides) / 2,
            gap / tall,
            beside,
            math.log((bottom - top) / tall) ** 2,
            max(0.0, (right - left) / tall - 1) ** 2,
        ]
    )


def _open_cuts(fragments: Sequence[Fragment]) -> list[float]:
    """Spans of the cuts between these fragments and ink outside of them; each has two sides."""
    spans = []
    for inks in _inks(fragments).values():
        lefts = {id(fragment.left) for fragment in inks}
        rights = {id(fragment.right) for fragment in inks}
        spans += [p.left.span for p in inks if p.left and id(p.left) not in rights]
        spans += [p.right.span for p in inks if p.right and id(p.right) not in lefts]
    return spans


def _spread(boxes: Sequence[tuple[int, int, int, int]]) -> tuple[float, float]:
    """Empty columns between boxes, and how many lie beside the others rather than above."""
    ordered = sorted(boxes, key=lambda box: box[1])
    gap, beside = 0.0, 0.0
    right = ordered[0][3]
    left = ordered[0][1]
    for box in ordered[1:]:
        shared = min(right, box[3]) - box[1]
        least = min(box[3] - box[1], right - left)
        gap += max(0, -shared)
        beside += 1 - min(1.0, max(0.0, shared / least))
        right = max(right, box[3])
    return gap, beside


def viterbi(lattice: Lattice, costs: LatticeCosts = COSTS) -> list[tuple[int, int]]:
    """Find the segments of the cheapest reading, from left to right; fragments may be skipped.

    Args:
        lattice: From `build_lattice`.
        costs: What its features cost.

    Returns:
        For each an index into `lattice.segments`, and its digit or `NOT_A_DIGIT`.
    """
    every = features(lattice) @ np.array(astuple(costs))
    labels, each = every.argmin(axis=1), every.min(axis=1)
    best = np.zeros(len(lattice.skipped) + 1)
    came = np.full(len(best), -1)
    for end in range(1, len(best)):
        best[end] = best[end - 1] + costs.skipped * lattice.skipped[end - 1]
        for index, segment in enumerate(lattice.segments):
            if segment.last == end and best[segment.first] + each[index] < best[end]:
                best[end], came[end] = best[segment.first] + each[index], index
    path = []
    end = len(lattice.skipped)
    while end > 0:
        if came[end] < 0:
            end -= 1
        else:
            path.append((int(came[end]), int(labels[came[end]])))
            end = lattice.segments[came[end]].first
    return path[::-1]


def features(lattice: Lattice) -> npt.NDArray[np.float64]:
    """Count what each segment costs as each digit, and as other writing.

    Returns:
        `(len(lattice.segments), 11, 12)` float64 in the order of `LatticeCosts`.
    """
    count = len(lattice.segments)
    digits = lattice.probabilities.astype(np.float64)
    none = 1 - digits.sum(axis=1)
    geometry = np.array([segment.geometry for segment in lattice.segments]).reshape(count, 7)
    counts = np.zeros((count, NOT_A_DIGIT + 1, len(astuple(COSTS))))
    counts[..., 0] = -np.log(np.maximum(np.column_stack([digits, none]), _LEAST))
    counts[:, :NOT_A_DIGIT, 1:8] = geometry[:, None]
    counts[:, :NOT_A_DIGIT, 8] = np.log(np.maximum(none, _SURE) / _SURE)[:, None]
    counts[geometry[:, 1] > 0, NOT_A_DIGIT, 0] = _NEVER
    counts[:, NOT_A_DIGIT, 4:6] = geometry[:, 3:5]  # signs have any height and width
    counts[:, NOT_A_DIGIT, 9] = 1
    counts[:, NOT_A_DIGIT, 10] = lattice.centre_nll
    return counts

"""Several digits in one picture, read from left to right.

The ink is cut into more pieces than there are digits (`digits.pieces`). Every run of neighbouring
pieces that could be a digit is shown to the network at once, and the sequence of runs that costs
least is the number: over-segmentation and dynamic programming, as in LeCun, Bottou, Bengio,
Haffner 1998, section V. What a run costs is how unlikely the network finds it and how unlikely its
geometry is beside the rest of the line; the prices were fitted (`training.prices`).
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.ink import BlankPictureError, Ink, InkArray, Picture, possible_inks, written_line
from digits.networks import NOT_A_DIGIT
from digits.pieces import SMALL, Piece, pieces_of
from digits.preprocessing import has_ink, normalize
from digits.recognizer import Recognizer

_MAX_RUN = 10
"""Pieces that one digit may have: its strokes, and cuts through them."""

_MAX_GAP = 0.3
"""Empty columns inside a digit, as a share of the line's height."""

_MAX_WIDTH = 1.6
"""Width to height above which a run of pieces is no single digit."""

_LEAST = 1e-6
"""Least probability that counts: networks are never as sure as their numbers say."""


_SURE = 0.01
"""Probability of "no digit" below which differences are the network's noise."""

_SMALL_DIGIT = 40
"""Pixels in height, on a reduced picture, below which a second look is taken."""

_LEAST_MEAN = 0.5
"""Mean confidence of several digits below which they are a scrawl; a number's is above 0.9."""


@dataclass(frozen=True)
class Prices:
    """What each feature of a reading costs, in nats.

    Fitted on numbers written from MNIST's training images: `python -m training.prices`.

    Attributes:
        unlikely: Negative logarithm of the network's probability of the digit.
        digit: For each digit, whatever it is.
        cut: For each cut through connected ink that the reading makes.
        span: For each time that such a cut runs through the whole height of the ink.
        gap: Empty columns inside a digit, in heights of the line.
        beside: Strokes of a digit that lie beside another, not above: 0 to 1 for each.
        height: Squared logarithm of the digit's height to the line's.
        width: Squared excess of the digit's width over the line's height.
        doubt: Logarithm of how many times `_SURE` the probability of "no digit" is.
        skipped: Ink that is no part of the number, in heights of the line.
    """

    unlikely: float = 0.84
    digit: float = 0.44
    cut: float = 2.1
    span: float = 2.3
    gap: float = 4.4
    beside: float = 2.4
    height: float = 2.9
    width: float = 4.3
    doubt: float = 1.1
    skipped: float = 13.0


PRICES = Prices()
"""The prices that `read` goes by."""


@dataclass(frozen=True)
class ReadDigit:
    """One digit of a number.

    Attributes:
        digit: 0 to 9.
        confidence: 0 to 1, how likely it is a digit and this one.
        box: x, y, width, height in pixels of the upright picture.
    """

    digit: int
    confidence: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Reading:
    """A number.

    Attributes:
        number: The digits from left to right; empty if there are none.
        digits: One entry a digit.
    """

    number: str
    digits: tuple[ReadDigit, ...]

    def as_json(self, model: str) -> dict[str, Any]:
        """The answer of `/read`, of plain Python types.

        Args:
            model: Which weights answered.
        """
        digits = [
            {"digit": d.digit, "confidence": d.confidence, "box": list(d.box)} for d in self.digits
        ]
        return {"number": self.number, "digits": digits, "model": model}


@dataclass(frozen=True, eq=False)
class Run:
    """Neighbouring pieces that could be one digit.

    Attributes:
        first: The first piece.
        last: The piece after the last.
        box: Top, left, bottom, right in the ink; the last two exclusive.
        image: `(28, 28)` float32 in `[0, 1]`, in MNIST's frame.
        geometry: `(7,)` float64, what the prices from `digit` to `width` count.
    """

    first: int
    last: int
    box: tuple[int, int, int, int]
    image: InkArray
    geometry: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Line:
    """All ways to read a line of ink.

    Attributes:
        runs: What could be a digit.
        skipped: `(n,)` float64, for each piece what `Prices.skipped` counts.
        probabilities: `(len(runs), 10)` float32 by digit; what is missing to 1 is "no digit".
    """

    runs: tuple[Run, ...]
    skipped: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float32]


_NONE = Reading("", ())


def read(recognizer: Recognizer, picture: Picture) -> Reading:
    """Read the digits of a picture from left to right.

    Args:
        recognizer: The weights that answer.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.

    Returns:
        The number, empty where there is no digit.
    """
    found, scale = _look(recognizer, picture)
    if scale > 1 and _is_small(found, scale):
        closer, _ = _look(recognizer, picture, fine=True)
        return closer if len(closer.digits) >= len(found.digits) else found
    return found


def read_ink(recognizer: Recognizer, ink: InkArray, scale: float = 1.0) -> Reading:
    """Read the digits of a drawing from left to right.

    Args:
        recognizer: The weights that answer.
        ink: `(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink; all of it is meant.
        scale: Units of the boxes to a pixel of the ink.

    Returns:
        The number, empty where there is no digit.
    """
    return _read(recognizer, Ink(ink, scale, clean=True)) if has_ink(ink) else _NONE


def _look(recognizer: Recognizer, picture: Picture, *, fine: bool = False) -> tuple[Reading, float]:
    """Read a picture, and tell by how much it was reduced for that."""
    try:
        inks = possible_inks(picture, fine=fine)
    except BlankPictureError:
        return _NONE, 1.0
    return _surest(recognizer, inks), inks[0].scale


def _surest(recognizer: Recognizer, inks: Sequence[Ink]) -> Reading:
    """Read each kind of ink; the first counts unless another is surer all along."""
    first, *others = (_read(recognizer, ink) for ink in inks)
    for other in others:
        if min(_confidences(other)) > np.mean(_confidences(first)):
            return other
    return first


def _is_small(reading: Reading, scale: float) -> bool:
    """Tell that digits, if any, are so small on the reduced picture that strokes may be lost."""
    heights = [digit.box[3] / scale for digit in reading.digits]
    return not heights or bool(np.median(heights) < _SMALL_DIGIT)


def _confidences(reading: Reading) -> list[float]:
    return [digit.confidence for digit in reading.digits] or [0.0]


def _read(recognizer: Recognizer, ink: Ink) -> Reading:
    line = line_of(recognizer, written_line(ink))
    chosen = cheapest(line)
    sure = recognizer.weights.config.rejection_threshold
    # Digits beside it vouch for an unclear digit; nothing vouches for one that stands alone.
    if len(chosen) == 1 and line.probabilities[chosen[0]].max() < sure:
        return _NONE
    digits = tuple(_as_digit(line, index, ink.scale) for index in chosen)
    reading = Reading("".join(str(d.digit) for d in digits), digits)
    return reading if len(digits) < 2 or np.mean(_confidences(reading)) >= _LEAST_MEAN else _NONE


def _as_digit(line: Line, index: int, scale: float) -> ReadDigit:
    row = line.probabilities[index]
    top, left, bottom, right = (side * scale for side in line.runs[index].box)
    box = (math.floor(left), math.floor(top), math.ceil(right - left), math.ceil(bottom - top))
    return ReadDigit(int(row.argmax()), float(row.max()), box)


def line_of(recognizer: Recognizer, array: InkArray) -> Line:
    """Find all ways to read a line of ink, and ask the network once about all its runs.

    Args:
        recognizer: The weights that answer.
        array: `(h, w)` float32 in `[0, 1]`, with some ink.
    """
    pieces = pieces_of(array)
    tall = _line_height(pieces)
    runs = tuple(_runs(array, pieces, tall))
    skipped = np.array([min(piece.size / tall, 1.5) for piece in pieces])
    if not runs:
        return Line((), skipped, np.zeros((0, NOT_A_DIGIT), np.float32))
    images = np.stack([run.image for run in runs])
    return Line(runs, skipped, recognizer.predict_images(images)[:, :NOT_A_DIGIT])


def _line_height(pieces: Sequence[Piece]) -> float:
    """Height of the line's digits: the median of connected ink, the tall counting more."""
    boxes = [_box(inks) for inks in _inks(pieces).values()]
    heights = np.sort([bottom - top for top, _, bottom, _ in boxes])
    share = np.cumsum(heights) / heights.sum()
    return float(heights[np.searchsorted(share, 0.5)])


def _inks(pieces: Sequence[Piece]) -> dict[int, list[Piece]]:
    """Pieces by the connected ink that they are of."""
    inks: dict[int, list[Piece]] = {}
    for piece in pieces:
        inks.setdefault(piece.ink, []).append(piece)
    return inks


def _box(pieces: Sequence[Piece]) -> tuple[int, int, int, int]:
    tops, lefts, bottoms, rights = zip(*(piece.box for piece in pieces), strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)


def _runs(array: InkArray, pieces: Sequence[Piece], tall: float) -> list[Run]:
    runs = []
    for first in range(len(pieces)):
        right = pieces[first].box[3]
        for last in range(first + 1, min(first + _MAX_RUN, len(pieces)) + 1):
            if pieces[last - 1].box[1] - right > _MAX_GAP * tall:
                break
            right = max(right, pieces[last - 1].box[3])
            among = pieces[first:last]
            if not _could_be_digit(_box(among), tall) and len(pieces) > 1:
                continue
            plane = _only(array, among)
            # Cutting can leave a smear without a stroke.
            if has_ink(plane):
                geometry = _geometry(among, tall)
                runs.append(Run(first, last, _box(among), normalize(plane), geometry))
    return runs


def _could_be_digit(box: tuple[int, int, int, int], tall: float) -> bool:
    top, left, bottom, right = box
    widest = _MAX_WIDTH * max(bottom - top, 0.8 * tall)
    return bottom - top >= SMALL * tall and right - left <= widest


def _only(array: InkArray, pieces: Sequence[Piece]) -> InkArray:
    """The ink of some pieces alone, cut to their box."""
    top, left, bottom, right = _box(pieces)
    plane = np.zeros((bottom - top, right - left), np.float32)
    for piece in pieces:
        rows, columns = piece.pixels.T
        plane[rows - top, columns - left] = array[rows, columns]
    return plane


def _geometry(pieces: Sequence[Piece], tall: float) -> npt.NDArray[np.float64]:
    """What the prices from `digit` to `width` count: `(7,)` float64."""
    top, left, bottom, right = _box(pieces)
    sides = _open_cuts(pieces)
    gap, beside = _spread([_box(inks) for inks in _inks(pieces).values()])
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


def _open_cuts(pieces: Sequence[Piece]) -> list[float]:
    """Spans of the cuts between these pieces and ink outside of them; each has two sides."""
    spans = []
    for inks in _inks(pieces).values():
        lefts = {id(piece.left) for piece in inks}
        rights = {id(piece.right) for piece in inks}
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


def cheapest(line: Line, prices: Prices = PRICES) -> list[int]:
    """The runs that make the cheapest reading, from left to right; pieces may be skipped.

    Args:
        line: From `line_of`.
        prices: What its features cost.

    Returns:
        Indices into `line.runs`.
    """
    costs = run_costs(line, prices).min(axis=1) if line.runs else np.zeros(0)
    best = np.zeros(len(line.skipped) + 1)
    came = np.full(len(best), -1)
    for end in range(1, len(best)):
        best[end] = best[end - 1] + prices.skipped * line.skipped[end - 1]
        for index, run in enumerate(line.runs):
            if run.last == end and best[run.first] + costs[index] < best[end]:
                best[end], came[end] = best[run.first] + costs[index], index
    path = []
    end = len(line.skipped)
    while end > 0:
        if came[end] < 0:
            end -= 1
        else:
            path.append(int(came[end]))
            end = line.runs[came[end]].first
    return path[::-1]


def run_costs(line: Line, prices: Prices) -> npt.NDArray[np.float64]:
    """What each run costs as each digit: `(len(line.runs), 10)` float64."""
    other = features(line) @ np.array(astuple(prices)[1:-1])
    return other[:, None] + prices.unlikely * unlikely(line)


def unlikely(line: Line) -> npt.NDArray[np.float64]:
    """What `Prices.unlikely` counts: `(len(line.runs), 10)` float64, nats."""
    return -np.log(np.maximum(line.probabilities.astype(np.float64), _LEAST))


def features(line: Line) -> npt.NDArray[np.float64]:
    """What the prices from `digit` to `doubt` count: `(len(line.runs), 8)` float64."""
    geometry = np.stack([run.geometry for run in line.runs])
    none = 1 - line.probabilities.astype(np.float64).sum(axis=1)
    return np.column_stack([geometry, np.log(np.maximum(none, _SURE) / _SURE)])

"""Several digits in one picture, read from left to right.

The ink is cut into more pieces than there are digits: connected strokes, and wide ones once more
where they are thinnest. Every run of neighbouring pieces that could be a digit is shown to the
network at once, and the sequence of runs with the highest joint probability is the number
(over-segmentation and dynamic programming, as in LeCun, Bottou, Bengio, Haffner 1998, section V).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import BlankPictureError, InkArray, Picture, extract_ink, written_line
from digits.networks import NOT_A_DIGIT
from digits.prediction import Recognizer
from digits.preprocessing import has_ink, normalize, stroke_width

MAX_PIECES = 60
"""More ink pieces than this are no number: only the largest are read."""

_MAX_RUN = 8
"""Pieces that one digit may have: its strokes, and cuts through them."""

_MAX_GAP = 0.15
"""Empty columns inside a digit, as a share of the tallest piece's height."""

_CUTS = 3.0
"""Cuts that are tried in connected ink for each time that it is as wide as high."""

_WIDE = 0.75
"""Width to height above which connected ink may be two digits that touch."""

_APART = 0.15
"""Least distance of two cuts, in heights of the ink that is cut."""

_MAX_WIDTH = 1.5
"""Width to height above which a run of pieces is no single digit."""

_SKIP = math.log(0.03)
"""Log probability of a piece to be no part of the number: a dot, a dash, a stain."""

_SMALL = 0.25
"""Height, as a share of the tallest piece's, below which a piece is no digit by itself."""


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

    def as_json(self) -> dict[str, Any]:
        """The answer of `/read`, of plain Python types."""
        digits = [
            {"digit": d.digit, "confidence": d.confidence, "box": list(d.box)} for d in self.digits
        ]
        return {"number": self.number, "digits": digits}


@dataclass(frozen=True)
class _Piece:
    """Ink that belongs together: pixels `(n, 2)` as row and column."""

    pixels: npt.NDArray[np.intp]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Top, left, bottom, right; the last two exclusive."""
        top, left = self.pixels.min(axis=0)
        bottom, right = self.pixels.max(axis=0) + 1
        return int(top), int(left), int(bottom), int(right)

    @property
    def height(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def center(self) -> float:
        return (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True)
class _Candidate:
    """A run of pieces that could be one digit: `[first, last)`, and what the network says."""

    first: int
    last: int
    piece: _Piece
    digit: int = 0
    score: float = 0.0


def read(recognizer: Recognizer, picture: Picture) -> Reading:
    """Read the digits of a picture from left to right.

    Args:
        recognizer: The weights that answer.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.

    Returns:
        The number, empty where there is no digit.
    """
    try:
        ink = extract_ink(picture)
    except BlankPictureError:
        return Reading("", ())
    pieces = _pieces(written_line(ink))
    candidates = _recognize(recognizer, ink.array, _candidates(pieces))
    chosen = _best_path(len(pieces), candidates)
    threshold = recognizer.weights.config.refuse_below
    digits = tuple(_as_digit(c, ink.scale) for c in chosen if c.score >= threshold)
    return Reading("".join(str(d.digit) for d in digits), digits)


def _as_digit(candidate: _Candidate, scale: float) -> ReadDigit:
    top, left, bottom, right = (side * scale for side in candidate.piece.box)
    box = (math.floor(left), math.floor(top), math.ceil(right - left), math.ceil(bottom - top))
    return ReadDigit(candidate.digit, candidate.score, box)


def _pieces(array: InkArray) -> list[_Piece]:
    """Connected ink, small parts joined to their neighbours and wide parts cut, left to right."""
    parts = _connected(array)
    tallest = max(part.height for part in parts)
    large = [part for part in parts if max(part.height, _width(part)) >= _SMALL * tallest]
    small = [part for part in parts if max(part.height, _width(part)) < _SMALL * tallest]
    for part in small:
        _join_nearest(large, part, reach=0.2 * tallest)
    cut = [piece for part in large for piece in _cut(part, tallest)]
    return sorted(cut, key=lambda piece: piece.center)


def _connected(array: InkArray) -> list[_Piece]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats((array > 0).astype(np.uint8))
    # The background counts as the first; the largest pieces of ink follow by size of their box.
    sizes = stats[1:, cv2.CC_STAT_WIDTH] + stats[1:, cv2.CC_STAT_HEIGHT]
    largest = 1 + np.argsort(-sizes)[:MAX_PIECES]
    pieces = []
    for label in largest:
        left, top, width, height = stats[label, :4]
        inside = labels[top : top + height, left : left + width] == label
        pieces.append(_Piece(np.argwhere(inside) + np.array([top, left])))
    return pieces


def _width(piece: _Piece) -> int:
    return piece.box[3] - piece.box[1]


def _join_nearest(pieces: list[_Piece], part: _Piece, reach: float) -> None:
    """Add a small part to the piece whose box is nearest; drop it if none is within reach."""
    distances = [_distance(piece.box, part.box) for piece in pieces]
    nearest = int(np.argmin(distances))
    if distances[nearest] <= reach:
        pieces[nearest] = _joined([pieces[nearest], part])


def _distance(box: Sequence[int], other: Sequence[int]) -> float:
    rows = max(box[0] - other[2], other[0] - box[2], 0)
    columns = max(box[1] - other[3], other[1] - box[3], 0)
    return math.hypot(rows, columns)


def _joined(pieces: Sequence[_Piece]) -> _Piece:
    return pieces[0] if len(pieces) == 1 else _Piece(np.concatenate([p.pixels for p in pieces]))


def _cut(piece: _Piece, tallest: int) -> list[_Piece]:
    """Cut ink that is wide for one digit at its thinnest columns."""
    top, left, bottom, right = piece.box
    width, height = right - left, bottom - top
    if width < _WIDE * height or height < 0.4 * tallest:
        return [piece]
    across = piece.pixels[:, 1] - left
    apart = max(2, round(_APART * height))
    cuts = _valleys(piece, round(_CUTS * width / height), apart)
    columns = [0, *cuts, width]
    parts = [piece.pixels[(across >= a) & (across < b)] for a, b in itertools.pairwise(columns)]
    return [_Piece(part) for part in parts if len(part)]


def _valleys(piece: _Piece, most: int, apart: int) -> list[int]:
    """Columns where digits may touch, counted from the left of the piece.

    Two digits are joined by one stroke's worth of ink (a 2 running on into its neighbour), or back
    to back, where two bows leave a notch above and below.
    """
    top, left, bottom, right = piece.box
    across = piece.pixels[:, 1] - left
    counts = np.bincount(across, minlength=right - left).astype(np.float64)
    first, last = np.full(right - left, bottom), np.full(right - left, top)
    np.minimum.at(first, across, piece.pixels[:, 0])
    np.maximum.at(last, across, piece.pixels[:, 0])
    notches = (last - first).astype(np.float64)
    thin = _lowest(counts, below=2.2 * _pen(piece), most=most, apart=apart)
    notched = _lowest(notches, below=0.7 * (bottom - top), most=most, apart=apart)
    joined = list(thin)
    for column in notched:
        if all(abs(column - other) >= apart / 2 for other in joined):
            joined.append(column)
    return sorted(joined)


def _pen(piece: _Piece) -> float:
    """Width of the pen in pixels."""
    top, left, bottom, right = piece.box
    plane = np.zeros((bottom - top, right - left), np.float32)
    plane[piece.pixels[:, 0] - top, piece.pixels[:, 1] - left] = 1
    return stroke_width(plane)


def _lowest(profile: npt.NDArray[np.float64], below: float, most: int, apart: int) -> list[int]:
    """Columns where a profile is lowest, the lowest first, not at the ends and kept apart."""
    smooth = np.convolve(profile, np.ones(3) / 3, mode="same")
    chosen: list[int] = []
    for column in np.argsort(smooth, kind="stable"):
        if smooth[column] > below or len(chosen) == most:
            break
        inside = apart <= column <= len(profile) - apart
        if inside and all(abs(column - other) >= apart for other in chosen):
            chosen.append(int(column))
    return chosen


def _candidates(pieces: Sequence[_Piece]) -> list[_Candidate]:
    tallest = max(piece.height for piece in pieces)
    candidates = []
    for first in range(len(pieces)):
        right = pieces[first].box[3]
        for last in range(first + 1, min(first + _MAX_RUN, len(pieces)) + 1):
            if pieces[last - 1].box[1] - right > _MAX_GAP * tallest:
                break
            right = max(right, pieces[last - 1].box[3])
            piece = _joined(pieces[first:last])
            if _could_be_digit(piece, tallest) or len(pieces) == 1:
                candidates.append(_Candidate(first, last, piece))
    return candidates


def _could_be_digit(piece: _Piece, tallest: int) -> bool:
    return piece.height >= _SMALL * tallest and _width(piece) <= _MAX_WIDTH * piece.height


def _recognize(
    recognizer: Recognizer, array: InkArray, candidates: Sequence[_Candidate]
) -> list[_Candidate]:
    # Cutting can leave a smear without a stroke.
    candidates = [c for c in candidates if has_ink(_only(array, c.piece))]
    if not candidates:
        return []
    images = np.stack([normalize(_only(array, candidate.piece)) for candidate in candidates])
    probabilities = recognizer.predict_images(images)[:, :NOT_A_DIGIT]
    return [
        _Candidate(c.first, c.last, c.piece, int(row.argmax()), float(row.max()))
        for c, row in zip(candidates, probabilities, strict=True)
    ]


def _only(array: InkArray, piece: _Piece) -> InkArray:
    top, left, bottom, right = piece.box
    plane = np.zeros((bottom - top, right - left), np.float32)
    rows, columns = piece.pixels.T
    plane[rows - top, columns - left] = array[rows, columns]
    return plane


def _best_path(count: int, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The runs that cover all pieces with the highest joint probability; pieces may be skipped."""
    best = [0.0] + [-math.inf] * count
    came: list[_Candidate | None] = [None] * (count + 1)
    ending: list[list[_Candidate]] = [[] for _ in range(count + 1)]
    for candidate in candidates:
        ending[candidate.last].append(candidate)
    for end in range(1, count + 1):
        best[end] = best[end - 1] + _SKIP
        for candidate in ending[end]:
            total = best[candidate.first] + math.log(max(candidate.score, 1e-12))
            if total > best[end]:
                best[end], came[end] = total, candidate
    path = []
    end = count
    while end > 0:
        chosen = came[end]
        if chosen is None:
            end -= 1
        else:
            path.append(chosen)
            end = chosen.first
    return path[::-1]

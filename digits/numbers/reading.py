"""Reading lines of digits from their ink."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from digits import networks
from digits.ink import Ink, InkArray
from digits.numbers.line_reader import LineReader, Named, share_ink
from digits.prediction import NOT_A_DIGIT, Box, ReadDigit, Reading
from digits.preprocessing import has_ink, normalize

_MIN_MEAN = 0.65
"""Minimum mean confidence of the characters of a number; above 0.9 where all are digits."""

_OTHER = 0.5
"""Weight of other writing, whose confidence is 0, in that mean: numbers may contain signs."""

_NO_EVIDENCE = 0.7
"""Confidence of a digit that is evidence neither for a reading nor against it."""

_MIN_PROBABILITY = 1e-6
"""Lower bound of probabilities: no network is as certain as its output claims."""

_CONFIDENT = 0.9
"""Minimum confidence of a confident answer."""

Classify = Callable[[InkArray], npt.NDArray[np.float32]]
"""`(N, 28, 28)` float32 images to `(N, 10)` or `(N, 11)` float32 probabilities."""


class Character(NamedTuple):
    """A digit, or a character of other writing.

    Attributes:
        image: `(28, 28)` float32 in `[0, 1]` that the network saw.
        probabilities: `(10,)` or `(11,)` float32, calibrated.
        box: Bounding box of the ink.
        is_digit: Whether it is read as a digit.
    """

    image: InkArray
    probabilities: npt.NDArray[np.float32]
    box: Box
    is_digit: bool = True

    @property
    def confidence(self) -> float:
        """Probability of the most likely digit; 0 for other writing."""
        return float(self.probabilities[:10].max()) if self.is_digit else 0.0

    @property
    def digit_probability(self) -> float:
        """Probability that it is any digit; 0 for other writing."""
        return _digit_probability(self.probabilities) if self.is_digit else 0.0

    def as_digit(self, line: int = 0) -> ReadDigit:
        """Convert to a `ReadDigit`; `line` counts from the top."""
        return ReadDigit.from_probabilities(self.probabilities, self.image, self.box, line)


class NumberReader:
    """Reads lines of ink with two networks: the line reader, and the one that classifies a digit.

    Args:
        classify: `Recognizer.predict_images`.
        line_reader: The line reader.
        threshold: Minimum confidence of a digit that stands alone; below, it is rejected.
    """

    def __init__(self, classify: Classify, line_reader: LineReader, threshold: float) -> None:
        self._classify = classify
        self._line_reader = line_reader
        self._threshold = threshold

    def read_characters(
        self,
        ink: InkArray,
        named: Sequence[Named],
        to_picture: Callable[[float, float, float, float], Box],
    ) -> list[Character]:
        """Read digits and other writing, from left to right.

        The line reader decides which characters there are, and which of them are other writing: a
        slash beside digits looks like a 1 by itself. Which digit it is follows from the geometric
        mean of the probabilities of both networks.

        Args:
            ink: `(h, w)` float32 in `[0, 1]`, with some ink.
            named: Result of the line reader for it.
            to_picture: Converts top, left, bottom and right of a part of the ink to a box.
        """
        if not named:
            return []
        parts = share_ink(ink, np.array([each.column for each in named]))
        written = [(n, part) for n, part in zip(named, parts, strict=True) if has_ink(part.ink)]
        if not written:
            return []
        images = np.stack([normalize(part.ink) for _, part in written])
        by_line = np.stack([each.probabilities for each, _ in written])
        both = _geometric_mean(by_line, self._classify(images))
        return [
            Character(
                image, row, to_picture(*part.box), _digit_probability(named.probabilities) > 0.5
            )
            for image, row, (named, part) in zip(images, both, written, strict=True)
        ]

    def read_character(self, ink: InkArray, named: Sequence[Named], box: Box) -> Character:
        """Read ink as one character, with both networks if the line reader sees one, too.

        Nothing stands beside it, so both decide whether it is a digit.

        Args:
            ink: `(h, w)` float32 in `[0, 1]`, with some ink.
            named: Result of the line reader for it.
            box: Its bounding box.
        """
        image = normalize(ink)
        rows = self._classify(image[None])
        if len(named) != 1:
            return Character(image, rows[0], box)
        both = _geometric_mean(named[0].probabilities[None], rows)[0]
        return Character(image, both, box, _digit_probability(both) > 0.5)

    def is_number(self, line: Sequence[Character]) -> bool:
        """Decide whether a line is a number.

        Clear neighbors support an unclear digit; a digit that stands alone has none.
        """
        digits = [each.confidence for each in line if each.is_digit]
        if not digits:
            return False
        least = self._threshold if len(line) == 1 else _MIN_MEAN
        return sum(digits) >= least * (len(digits) + _OTHER * (len(line) - len(digits)))

    def read_ink(self, ink: Ink) -> Reading:
        """Read one line of ink, from left to right; all ink counts as writing."""

        def to_picture(top: float, left: float, bottom: float, right: float) -> Box:
            top, left, bottom, right = (side * ink.scale for side in (top, left, bottom, right))
            width, height = math.ceil(right - left), math.ceil(bottom - top)
            return math.floor(left), math.floor(top), width, height

        written = ink.array
        line = self.read_characters(written, self._line_reader.read(written), to_picture)
        if not self.is_number(line):
            x, y, width, height = cv2.boundingRect((written > 0).astype(np.uint8))
            unread = [each.box for each in line] or [to_picture(y, x, y + height, x + width)]
            return Reading((), (), tuple(unread), NOT_A_DIGIT)
        digits = tuple(each.as_digit() for each in line if each.is_digit)
        other = tuple(each.box for each in line if not each.is_digit)
        return Reading(("".join(str(digit.digit) for digit in digits),), digits, other)


def _digit_probability(probabilities: npt.NDArray[np.float32]) -> float:
    """Return 1 minus that of "not a digit", which a network with ten classes lacks."""
    return 1 - float(probabilities[networks.NOT_A_DIGIT :].sum())


def _geometric_mean(
    by_line: npt.NDArray[np.float32], by_digit: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return probabilities shaped as `by_digit`: `(N, 10)`, or `(N, 11)` with "not a digit"."""
    if by_digit.shape[1] == networks.NOT_A_DIGIT:
        by_line = by_line[:, : networks.NOT_A_DIGIT]
    mean = np.sqrt(np.maximum(by_line, _MIN_PROBABILITY) * np.maximum(by_digit, _MIN_PROBABILITY))
    return np.asarray(mean / mean.sum(axis=1, keepdims=True), np.float32)


def evidence(reading: Reading) -> float:
    """Return the evidence for a reading; a digit below `_NO_EVIDENCE` counts against it."""
    return sum(digit.confidence - _NO_EVIDENCE for digit in reading.digits)


def min_confidence(digits: Sequence[ReadDigit]) -> float:
    """Return the lowest confidence of some digits; 0 if there are none."""
    return min((digit.confidence for digit in digits), default=0.0)


def is_sure(confidence: float) -> bool:
    """Return whether an answer is confident enough to replace another, or not to be replaced."""
    return bool(confidence >= _CONFIDENT)

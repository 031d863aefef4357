"""Lines of digits, read from their ink."""

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

_LEAST_MEAN = 0.65
"""Mean confidence of a number's characters; it is above 0.9 where all are digits."""

_OTHER = 0.5
"""Weight of other writing, whose confidence is 0, in that mean: signs stand beside numbers."""

_NO_EVIDENCE = 0.7
"""Confidence of a digit that speaks neither for a reading nor against it."""

_LEAST = 1e-6
"""Least probability that counts: no network is as certain as its numbers say."""

_SURE = 0.9
"""Confidence from which an answer is sure."""

Classify = Callable[[InkArray], npt.NDArray[np.float32]]
"""`(N, 28, 28)` float32 images to `(N, 10)` or `(N, 11)` float32 probabilities."""


class Character(NamedTuple):
    """Ink of one digit, or of other writing.

    Attributes:
        image: `(28, 28)` float32 in `[0, 1]` that the network saw.
        probabilities: `(10,)` or `(11,)` float32, calibrated.
        box: Around the ink.
        is_digit: Whether it is read as a digit.
    """

    image: InkArray
    probabilities: npt.NDArray[np.float32]
    box: Box
    is_digit: bool = True

    @property
    def confidence(self) -> float:
        """0 to 1, how likely it is the likeliest digit; 0 for other writing."""
        return float(self.probabilities[:10].max()) if self.is_digit else 0.0

    @property
    def digit_probability(self) -> float:
        """0 to 1, how likely it is a digit, whichever; 0 for other writing."""
        return _digit_probability(self.probabilities) if self.is_digit else 0.0

    def as_digit(self, line: int = 0) -> ReadDigit:
        """Name the digit; `line` counts from the top."""
        return ReadDigit.from_probabilities(self.probabilities, self.image, self.box, line)


class NumberReader:
    """Reads lines of ink by two networks: one that names all characters, one that reads a digit."""

    def __init__(self, classify: Classify, line_reader: LineReader, threshold: float) -> None:
        """Take both networks.

        Args:
            classify: As `Recognizer.predict_images`.
            line_reader: Names the characters of a line.
            threshold: Confidence below which a digit that stands alone is rejected.
        """
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

        The line reader tells which characters there are, and which of them are other writing: a
        slash beside digits looks like a 1 by itself. What a digit is, both networks say: their
        probabilities' geometric mean.

        Args:
            ink: `(h, w)` float32 in `[0, 1]`, with some ink.
            named: What the line reader names in it.
            to_picture: Turns top, left, bottom, right of a part of the ink into a box.
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
        """Read ink as one character: by both networks if the line reader names one, too.

        Nothing stands beside it, so both say whether it is a digit.

        Args:
            ink: `(h, w)` float32 in `[0, 1]`, with some ink.
            named: What the line reader names in it.
            box: Around it.
        """
        image = normalize(ink)
        rows = self._classify(image[None])
        if len(named) != 1:
            return Character(image, rows[0], box)
        both = _geometric_mean(named[0].probabilities[None], rows)[0]
        return Character(image, both, box, _digit_probability(both) > 0.5)

    def is_number(self, line: Sequence[Character]) -> bool:
        """Tell digits from words: neighbours vouch for an unclear digit, not for one alone."""
        digits = [each.confidence for each in line if each.is_digit]
        if not digits:
            return False
        least = self._threshold if len(line) == 1 else _LEAST_MEAN
        return sum(digits) >= least * (len(digits) + _OTHER * (len(line) - len(digits)))

    def read_ink(self, ink: Ink) -> Reading:
        """Read one line of ink from left to right; all of it is meant."""

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
    """Return 1 less that of "not a digit", which a network of ten classes never says."""
    return 1 - float(probabilities[networks.NOT_A_DIGIT :].sum())


def _geometric_mean(
    by_line: npt.NDArray[np.float32], by_digit: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return probabilities as `by_digit` has them: `(N, 10)`, or `(N, 11)` with "not a digit"."""
    if by_digit.shape[1] == networks.NOT_A_DIGIT:
        by_line = by_line[:, : networks.NOT_A_DIGIT]
    mean = np.sqrt(np.maximum(by_line, _LEAST) * np.maximum(by_digit, _LEAST))
    return np.asarray(mean / mean.sum(axis=1, keepdims=True), np.float32)


def evidence(reading: Reading) -> float:
    """Return what a reading's digits speak for it: those of less than `_NO_EVIDENCE` against it."""
    return sum(digit.confidence - _NO_EVIDENCE for digit in reading.digits)


def min_confidence(digits: Sequence[ReadDigit]) -> float:
    """Return the confidence of the least certain of some digits; 0 if there is none."""
    return min((digit.confidence for digit in digits), default=0.0)


def is_sure(confidence: float) -> bool:
    """Tell whether an answer is confident enough to replace another, or to withstand it."""
    return bool(confidence >= _SURE)

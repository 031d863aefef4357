"""One line of digits, read from the ink that the rules of `digits.ink` find."""

import math
from collections.abc import Sequence

import numpy as np

from digits.ink import Ink, Picture, possible_inks, written_line
from digits.numbers.lattice import Classify, Lattice, build_lattice, viterbi
from digits.prediction import BLANK, NOT_A_DIGIT, ReadDigit, Reading

_SMALL_DIGIT = 40
"""Pixels in height, on a reduced picture, below which a second look is taken."""

_LEAST_MEAN = 0.6
"""Mean confidence of several digits below which they are a scrawl; a number's is above 0.9."""

_NOTHING = Reading((), (), reason=BLANK)


def read_line(
    classify: Classify, threshold: float, picture: Picture, inks: Sequence[Ink]
) -> Reading:
    """Read one line of digits from left to right.

    Args:
        classify: As `Recognizer.predict_images`.
        threshold: Confidence below which a digit that stands alone is rejected.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.
        inks: Its possible inks, the likeliest first; none if it is blank.
    """
    if not inks:
        return _NOTHING
    found = _surest([read_ink(classify, threshold, ink) for ink in inks])
    scale = inks[0].scale
    if scale > 1 and _is_small(found, scale):
        finer = possible_inks(picture, fine=True)
        closer = _surest([read_ink(classify, threshold, ink) for ink in finer])
        return closer if len(closer.digits) >= len(found.digits) else found
    return found


def is_number(confidences: Sequence[float], threshold: float) -> bool:
    """Tell digits from a scrawl: neighbours vouch for an unclear digit, nothing for one alone.

    Args:
        confidences: Of the digits of a line.
        threshold: The least of one that stands alone.
    """
    least = threshold if len(confidences) == 1 else _LEAST_MEAN
    return bool(confidences) and float(np.mean(confidences)) >= least


def read_ink(classify: Classify, threshold: float, ink: Ink) -> Reading:
    """Read one line of ink; see `read_line`."""
    lattice = build_lattice(classify, written_line(ink))
    chosen = viterbi(lattice)
    digits = tuple(_as_digit(lattice, index, ink.scale) for index in chosen)
    if not is_number([digit.confidence for digit in digits], threshold):
        return Reading((), (), reason=NOT_A_DIGIT)
    return Reading(("".join(str(d.digit) for d in digits),), digits)


def _surest(readings: Sequence[Reading]) -> Reading:
    """Keep the first unless another is more confident throughout."""
    first, *others = readings
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


def _as_digit(lattice: Lattice, index: int, scale: float) -> ReadDigit:
    segment = lattice.segments[index]
    top, left, bottom, right = (side * scale for side in segment.box)
    box = (math.floor(left), math.floor(top), math.ceil(right - left), math.ceil(bottom - top))
    return ReadDigit.from_probabilities(lattice.probabilities[index], segment.image, box)

"""Drawings on plain paper and their ink."""

import numpy as np

from digits.drawing import as_picture, draw, parse_strokes
from digits.examples import digit_example
from digits.ink import Ink, InkArray
from digits.pictures import Picture
from digits.plain import plain_ink
from digits.preprocessing import preprocess_candidates


def first_ink(picture: Picture) -> Ink:
    """Return the ink of a picture on plain paper."""
    ink = plain_ink(picture)
    assert ink is not None
    return ink


def first_image(picture: Picture) -> InkArray:
    """Return the image of a picture's first candidate: `(28, 28)` float32."""
    return preprocess_candidates(first_ink(picture))[0].image


def example_ink(digit: int, seed: int = 0) -> InkArray:
    """Draw one of the page's examples: `(320, 320)` float32."""
    return draw(parse_strokes(digit_example(digit, seed)))


def drawing(digit: int = 5, seed: int = 0) -> Picture:
    """Draw one of the page's examples black on white: `(320, 320)` uint8."""
    return as_picture(example_ink(digit, seed))


def difference(image: InkArray, other: InkArray) -> float:
    """Return the absolute difference relative to the ink, up to a shift by one pixel."""
    shifts = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)]
    return min(
        float(np.abs(np.roll(image, shift, (0, 1)) - other).sum() / other.sum()) for shift in shifts
    )

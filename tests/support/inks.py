"""What the rules see first in a picture."""

from digits.ink import Ink, InkArray, Picture, possible_inks
from digits.preprocessing import candidates_of


def first_ink(picture: Picture) -> Ink:
    """Return the likeliest of the possible inks."""
    return possible_inks(picture)[0]


def first_image(picture: Picture) -> InkArray:
    """Return the image of the likeliest candidate: `(28, 28)` float32."""
    return candidates_of(possible_inks(picture))[0].image

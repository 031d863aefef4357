"""From any picture to the ink of its digits, line by line, and to what else is written there."""

from dataclasses import dataclass
from typing import Final

from digits.ink import Picture
from digits.prediction import Box
from digits.segmentation.finder import Finder
from digits.segmentation.lines import Line, find_lines

_SMALLEST: Final = 32
"""Smaller pictures are MNIST's own or the like: they hold one digit and nothing to tell it from."""


@dataclass(frozen=True, eq=False)
class Layout:
    """What the finder saw in a picture: lines of digits, and other writing.

    Attributes:
        lines: Of digits, from top to bottom.
        unread: Boxes of other writing.
    """

    lines: tuple[Line, ...] = ()
    unread: tuple[Box, ...] = ()


def find_layout(finder: Finder, picture: Picture) -> Layout:
    """Find what is written in a picture.

    Args:
        finder: The network that looks.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.
    """
    if min(picture.shape[:2]) < _SMALLEST:
        return Layout()
    found = finder.find(picture)
    return Layout(tuple(find_lines(found)), found.unread)

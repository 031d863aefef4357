"""From any picture to the ink of its digits, line by line, and to what else is written there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from digits.pictures import Picture
from digits.prediction import Box
from digits.preprocessing import IMAGE_SIDE
from digits.segmentation.finder import Finder, Found
from digits.segmentation.lines import Line, find_lines

_CLOSER: Final = 0.8
"""Share of the picture's side below which the part that holds digits is looked at by itself."""

_MARGIN: Final = 1.0
"""Paper around the digits that is then looked at too, in their height."""

_LARGE: Final = 0.12
"""Height of the digits, as a share of the picture's side, from which on one look is enough."""

_STILL_THERE: Final = 0.6
"""Share of the ink that a close look must find again, unless it sees as many centres."""


@dataclass(frozen=True, eq=False)
class Layout:
    """What the finder saw in a picture: lines of digits, and other writing.

    Attributes:
        lines: Of digits, from top to bottom.
        unread: Boxes of other writing.
    """

    lines: tuple[Line, ...] = ()
    unread: tuple[Box, ...] = ()

    @property
    def is_only_writing(self) -> bool:
        """Whether there is other writing, and no digit."""
        return bool(self.unread) and not self.lines


def find_layout(finder: Finder, picture: Picture) -> Layout:
    """Find what is written in a picture; where digits fill little of it, look at them closely.

    Args:
        finder: The network that looks.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.
    """
    if picture.shape[:2] == (IMAGE_SIDE, IMAGE_SIDE):
        return Layout()  # an image as MNIST's: one digit, and nothing to tell it from
    first = finder.find(picture)
    lines = tuple(find_lines(first))
    part = _closer(lines, picture.shape)
    if part is None:
        return Layout(lines, first.unread)
    x, y, width, height = part
    second = _shifted(finder.find(picture[y : y + height, x : x + width]), x, y)
    closer = tuple(find_lines(second))
    fewer = len(second.centres) < len(first.centres)
    if fewer and _area(closer) < _STILL_THERE * _area(lines):
        return Layout(lines, first.unread)
    return Layout(closer, first.unread)


def _shifted(found: Found, x: int, y: int) -> Found:
    centres = tuple(replace(c, x=c.x + x, y=c.y + y) for c in found.centres)
    return replace(found, corner=(x, y), centres=centres)


def _area(lines: Sequence[Line]) -> float:
    return sum(float(line.ink.sum()) * line.scale**2 for line in lines)


def _closer(lines: Sequence[Line], shape: tuple[int, ...]) -> Box | None:
    """Return the part of a picture that holds all digits, if it is small enough to look closely."""
    if not lines:
        return None
    boxes = np.array([line.box for line in lines])
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    if np.median(boxes[:, 3]) >= _LARGE * max(shape[:2]):
        return None
    margin = _MARGIN * max(bottom - top, min(right - left, 2 * (bottom - top)))
    x, y = max(0, int(left - margin)), max(0, int(top - margin))
    width = min(shape[1], int(right + margin)) - x
    height = min(shape[0], int(bottom + margin)) - y
    return (x, y, width, height) if max(width, height) < _CLOSER * max(shape[:2]) else None

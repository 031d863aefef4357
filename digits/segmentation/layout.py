"""From any picture to the ink of its digits, line by line, and to what else is written there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from digits.pictures import Picture
from digits.prediction import Box
from digits.preprocessing import BOX_SIDE, IMAGE_SIDE
from digits.segmentation.extractor import Extractor, extract
from digits.segmentation.finder import Centre, Finder, Found, distinct
from digits.segmentation.letterbox import SIDE
from digits.segmentation.lines import Line, find_line, group_lines

_QUARTER: Final = 0.6
"""Share of the sides that one of four overlapping parts takes."""

_CLOSER: Final = 0.8
"""Share of the picture's side below which the part that holds digits is looked at by itself."""

_MARGIN: Final = 1.0
"""Paper around the digits that is then looked at too, in the height of them all or more."""

_LARGE: Final = 0.12
"""Height of the digits, as a share of the picture's side, from which on one look is enough."""


@dataclass(frozen=True, eq=False)
class Layout:
    """What the finder saw in a picture: lines of digits, and other writing.

    Attributes:
        lines: Of digits, from top to bottom.
        unread: Boxes of other writing.
    """

    lines: tuple[Line, ...] = ()
    unread: tuple[Box, ...] = ()


def find_writing(finder: Finder, picture: Picture) -> Found:
    """Find what is written in a picture; where digits fill little of it, look at them closely.

    Args:
        finder: The network that looks.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.
    """
    if picture.shape[:2] == (IMAGE_SIDE, IMAGE_SIDE) or max(picture.shape[:2]) < BOX_SIDE:
        return Found(
            (), ()
        )  # MNIST's size, or smaller than its box: nothing to tell the digit from
    found = finder.find(picture, (0, 0, picture.shape[1], picture.shape[0]))
    centres = found.centres
    if not centres and max(picture.shape[:2]) > 2 * SIDE:
        centres = _in_quarters(finder, picture)
    part = _closer(centres, picture.shape) if centres else None
    if part is not None:
        closer = finder.find(picture, part).centres
        if len(closer) >= len(centres):
            centres = closer
    return Found(centres, found.unread)


def find_layout(extractor: Extractor, picture: Picture, found: Found, zoom: float = 1.0) -> Layout:
    """Extract the ink of the digits that were found, and sort it into lines.

    Args:
        extractor: The network that separates ink.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.
        found: What the finder saw in it.
        zoom: How much larger than usual the extractor sees it.
    """
    lines = []
    for centres in group_lines(found.centres):
        others = [centre for centre in found.centres if centre not in centres]
        lines.append(find_line(extract(extractor, picture, centres, others, zoom)))
    return Layout(tuple(line for line in lines if line), found.unread)


def _in_quarters(finder: Finder, picture: Picture) -> tuple[Centre, ...]:
    """Look at the corners of a large picture, which overlap: its digits may be too small to see."""
    height, width = picture.shape[:2]
    tall, wide = round(_QUARTER * height), round(_QUARTER * width)
    found = [
        finder.find(picture, (x, y, wide, tall))
        for y in (0, height - tall)
        for x in (0, width - wide)
    ]
    return distinct([c for part in found for c in part.centres])


def _closer(centres: Sequence[Centre], shape: tuple[int, ...]) -> Box | None:
    """Return the part of a picture that holds all digits, if it is small enough to look closely."""
    tall = float(np.median([centre.height for centre in centres]))
    if tall >= _LARGE * max(shape[:2]):
        return None
    at = np.array([(c.x, c.y) for c in centres])
    (left, top), (right, bottom) = at.min(axis=0) - tall / 2, at.max(axis=0) + tall / 2
    margin = _MARGIN * max(bottom - top, min(right - left, 2 * (bottom - top)))
    x, y = max(0, int(left - margin)), max(0, int(top - margin))
    width = min(shape[1], int(right + margin)) - x
    height = min(shape[0], int(bottom + margin)) - y
    return (x, y, width, height) if max(width, height) < _CLOSER * max(shape[:2]) else None

"""The layout of a picture: the ink of its digits, line by line, and boxes of other writing."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from digits.pictures import Picture
from digits.prediction import Box
from digits.segmentation.extractor import Extractor, extract
from digits.segmentation.finder import Center, Finder, Found, distinct
from digits.segmentation.letterbox import SIDE
from digits.segmentation.lines import Line, find_line, group_lines

_QUARTER: Final = 0.6
"""Sides of each of four overlapping parts, as a share of the picture's sides."""

_CLOSER: Final = 0.8
"""The part that holds the digits is examined by itself if it is smaller than this share of the
picture's longer side."""

_MARGIN: Final = 1.0
"""Margin of that part around the digits, as a multiple of their total height or more."""

_LARGE: Final = 0.12
"""Digit height, as a share of the picture's longer side, from which on one pass is enough."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Lines of digits, and other writing.

    Attributes:
        lines: Lines of digits, from top to bottom.
        unread: Boxes of other writing.
    """

    lines: tuple[Line, ...] = ()
    unread: tuple[Box, ...] = ()


def find_writing(finder: Finder, picture: Picture) -> Found:
    """Find what is written in a picture, with a closer look if digits fill little of it."""
    height, width = picture.shape[:2]
    found = finder.find(picture, (0, 0, width, height))
    centers = found.centers
    if not centers and max(height, width) > 2 * SIDE:
        tall, wide = round(_QUARTER * height), round(_QUARTER * width)  # digits may be too small
        corners = itertools.product((0, height - tall), (0, width - wide))
        parts = [finder.find(picture, (x, y, wide, tall)).centers for y, x in corners]
        centers = distinct(list(itertools.chain(*parts)))
    part = _closer(centers, height, width) if centers else None
    if part is not None:
        closer = finder.find(picture, part).centers
        if len(closer) >= len(centers):
            centers = closer
    return Found(centers, found.unread)


def find_layout(extractor: Extractor, picture: Picture, found: Found, zoom: float = 1.0) -> Layout:
    """Extract the ink of the digits that `find_writing` found, line by line; see `extract`."""
    lines = []
    for centers in group_lines(found.centers):
        others = [center for center in found.centers if center not in centers]
        lines.append(find_line(extract(extractor, picture, centers, zoom), centers, others))
    return Layout(tuple(line for line in lines if line), found.unread)


def _closer(centers: Sequence[Center], height: int, width: int) -> Box | None:
    """Return the part of a picture that holds all digits, if a closer look at it is worthwhile."""
    side = max(height, width)
    tall = float(np.median([center.height for center in centers]))
    if tall >= _LARGE * side:
        return None
    at = np.array([(c.x, c.y) for c in centers])
    (left, top), (right, bottom) = at.min(axis=0) - tall / 2, at.max(axis=0) + tall / 2
    margin = _MARGIN * max(bottom - top, min(right - left, 2 * (bottom - top)))
    x, y = max(0, int(left - margin)), max(0, int(top - margin))
    wide, high = min(width, int(right + margin)) - x, min(height, int(bottom + margin)) - y
    return (x, y, wide, high) if max(wide, high) < _CLOSER * side else None

"""What is seen in a picture: its ink if the paper is plain, and its layout."""

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from digits.ink import Ink
from digits.pictures import Picture
from digits.plain import plain_ink
from digits.preprocessing import Candidate, preprocess_candidates
from digits.segmentation.extractor import Extractor
from digits.segmentation.finder import Finder, Found
from digits.segmentation.layout import Layout, find_layout, find_writing

_ZOOMS: Final = (1.0, 1.4, 0.75)
"""Scales in which ink is extracted, until some is found and a number is read surely."""


class Look:
    """What is seen in one picture, each when it is first asked for.

    Attributes:
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.
    """

    def __init__(self, finder: Finder, extractor: Extractor, picture: Picture) -> None:
        """Take a picture; nothing is computed yet."""
        self.picture = picture
        self._finder = finder
        self._extractor = extractor
        self._layouts: dict[float, Layout] = {}

    @cached_property
    def ink(self) -> Ink | None:
        """Of plain paper; None on other paper, and where there is none."""
        return plain_ink(self.picture)

    @cached_property
    def candidates(self) -> list[Candidate]:
        """For the one digit of that ink; none without ink."""
        return [] if self.ink is None else preprocess_candidates(self.ink)

    @property
    def layout(self) -> Layout:
        """By finder and extractor, in the first scale in which there is ink of digits.

        In the usual one a large digit's fine stroke is thinner than a pixel, and too faint.
        """
        without_ink = Layout(unread=self._found.unread)
        return next((layout for layout in self.layouts() if layout.lines), without_ink)

    def layouts(self) -> Iterator[Layout]:
        """Yield the layouts of all scales, each extracted when it is first asked for."""
        for zoom in _ZOOMS:
            if zoom not in self._layouts:
                self._layouts[zoom] = find_layout(self._extractor, self.picture, self._found, zoom)
            yield self._layouts[zoom]

    @cached_property
    def _found(self) -> Found:
        return find_writing(self._finder, self.picture)

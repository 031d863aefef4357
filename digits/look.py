"""What is visible in a picture: its ink if the paper is plain, and its layout."""

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
"""Zooms in which ink is extracted, until some is found and a number is read with confidence."""


class Look:
    """A picture prepared for several queries; everything is computed on first use.

    Attributes:
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.
    """

    def __init__(self, finder: Finder, extractor: Extractor, picture: Picture) -> None:
        self.picture = picture
        self._finder = finder
        self._extractor = extractor
        self._layouts: dict[float, Layout] = {}

    @cached_property
    def ink(self) -> Ink | None:
        """The ink on plain paper; None if the paper is not plain, or blank."""
        return plain_ink(self.picture)

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Candidates for the one digit of that ink; none without ink."""
        return [] if self.ink is None else preprocess_candidates(self.ink)

    @property
    def layout(self) -> Layout:
        """The layout in the first zoom in which digits have ink.

        At the usual size, a fine stroke of a large digit is thinner than a pixel, and too faint.
        """
        without_ink = Layout(unread=self._found.unread)
        return next((layout for layout in self.layouts() if layout.lines), without_ink)

    def layouts(self) -> Iterator[Layout]:
        """Yield the layouts in all zooms."""
        for zoom in _ZOOMS:
            if zoom not in self._layouts:
                self._layouts[zoom] = find_layout(self._extractor, self.picture, self._found, zoom)
            yield self._layouts[zoom]

    @cached_property
    def _found(self) -> Found:
        return find_writing(self._finder, self.picture)

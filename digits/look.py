"""What is seen in a picture: its ink on plain paper, its layout, its ink on photographed paper."""

from functools import cached_property

from digits.ink import Ink
from digits.paper import photographed_inks
from digits.pictures import Picture
from digits.plain import plain_ink
from digits.preprocessing import Candidate, photographed_candidates, preprocess_candidates
from digits.segmentation.extractor import Extractor
from digits.segmentation.finder import Finder
from digits.segmentation.layout import Layout, find_layout


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

    @cached_property
    def ink(self) -> Ink | None:
        """Of plain paper; None on other paper, and where there is none."""
        return plain_ink(self.picture)

    @cached_property
    def candidates(self) -> list[Candidate]:
        """For the one digit of that ink; none without ink."""
        return [] if self.ink is None else preprocess_candidates(self.ink)

    @cached_property
    def inks(self) -> list[Ink]:
        """By rules for photographed paper, the likeliest first; none where the paper is plain."""
        return photographed_inks(self.picture) if self.ink is None else []

    @cached_property
    def photographed(self) -> list[Candidate]:
        """For the one digit of these inks."""
        return photographed_candidates(self.inks)

    @cached_property
    def layout(self) -> Layout:
        """By finder and extractor."""
        return find_layout(self._finder, self._extractor, self.picture)

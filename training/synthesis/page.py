"""A page in the making: its picture, what each pixel is, and where its digits are."""

from dataclasses import dataclass, replace
from typing import Final, Self

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Cover = npt.NDArray[np.uint8]
Color = tuple[float, float, float]
Region = tuple[float, float, float, float]
"""x, y, width, height in pixels."""

DIGIT: Final = 0
WRITING: Final = 1
LINE: Final = 2
"""Layers of `Page.layers`: ink of digits; other writing; lines, boxes and frames."""

_VISIBLE: Final = 0.6
"""Share of its box that a digit keeps when a page is cut; with less it is a fragment."""


@dataclass(frozen=True)
class Digit:
    """One handwritten digit of a page.

    Attributes:
        digit: 0 to 9.
        row: Index of its line, from the top.
        box: x, y, width, height in pixels around its ink.
    """

    digit: int
    row: int
    box: Region


@dataclass
class Page:
    """A picture and its labels.

    Attributes:
        picture: `(H, W, 3)` uint8 RGB.
        layers: `(H, W, 3)` uint8, 0-255: how much of the pixel each of `DIGIT`, `WRITING` and
            `LINE` covers.
        digits: The digits that are to be found.
        kind: Names of the parts that the page is composed of.
    """

    picture: Picture
    layers: Picture
    digits: list[Digit]
    kind: list[str]

    @classmethod
    def blank(cls, picture: Picture, kind: str) -> Self:
        """Return a page without anything on it."""
        return cls(picture, np.zeros_like(picture), [], [kind])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.picture.shape[0], self.picture.shape[1]

    def paint(
        self,
        ink: Cover,
        corner: tuple[int, int],
        color: Color,
        layer: int | None,
        cover: Cover | None = None,
    ) -> None:
        """Cover a part of the page with one colour; what lies outside of the page is cut.

        Args:
            ink: `(h, w)` uint8, 255 is the full colour, 0 leaves the page as it is.
            corner: x and y of its top left corner.
            color: RGB in `[0, 255]`.
            layer: What it is; None hides the labels of what it covers.
            cover: `(h, w)` uint8 for the label, if it is not `ink` itself.
        """
        cut = self._cut(ink, corner)
        if cut is None:
            return
        alpha, rows, columns = cut
        view, labels = self.picture[rows, columns], self.layers[rows, columns]
        weight = alpha[..., None] * np.float32(1 / 255)
        view[:] = view + weight * (np.asarray(color, np.float32) - view) + np.float32(0.5)
        if layer is None:
            labels[:] = labels * (1 - weight)
        else:
            cut = self._cut(ink if cover is None else cover, corner)
            if cut:
                np.maximum(labels[..., layer], cut[0], out=labels[..., layer])

    def _cut(self, cover: Cover, corner: tuple[int, int]) -> tuple[Cover, slice, slice] | None:
        (x, y), (height, width) = corner, self.size
        top, left = max(0, -y), max(0, -x)
        cover = cover[top : height - y, left : width - x] if y < height and x < width else cover[:0]
        if cover.size == 0:
            return None
        y, x = y + top, x + left
        return cover, slice(y, y + cover.shape[0]), slice(x, x + cover.shape[1])

    def warp(self, matrix: npt.NDArray[np.float64], size: tuple[int, int], fill: Color) -> Self:
        """Map the page by a `(3, 3)` matrix into a picture of height and width."""
        across = (size[1], size[0])
        picture = cv2.warpPerspective(self.picture, matrix, across, borderValue=fill)
        layers = cv2.warpPerspective(self.layers, matrix, across)
        digits = [replace(d, box=_mapped(d.box, matrix)) for d in self.digits]
        return replace(self, picture=picture, layers=layers, digits=digits)

    def resize(self, size: tuple[int, int], how: int | None = None) -> Self:
        """Scale to height and width; `how` is OpenCV's interpolation."""
        factors = size[1] / self.size[1], size[0] / self.size[0]
        default = cv2.INTER_AREA if min(factors) < 1 else cv2.INTER_CUBIC
        across = (size[1], size[0])
        picture = cv2.resize(self.picture, across, interpolation=default if how is None else how)
        smooth = cv2.INTER_AREA if min(factors) < 1 else cv2.INTER_LINEAR
        layers = cv2.resize(self.layers, across, interpolation=smooth if how is None else how)
        matrix = np.diag([*factors, 1.0])
        digits = [replace(d, box=_mapped(d.box, matrix)) for d in self.digits]
        return replace(self, picture=picture, layers=layers, digits=digits)

    def crop(self, left: int, top: int, width: int, height: int) -> Self:
        """Cut a part out; digits that are cut through become other writing."""
        digits = []
        for digit in self.digits:
            x, y, w, h = digit.box
            x0, x1 = max(x, left), min(x + w, left + width)
            y0, y1 = max(y, top), min(y + h, top + height)
            if x1 <= x0 or y1 <= y0:
                continue
            if (x1 - x0) * (y1 - y0) >= _VISIBLE * w * h:
                digits.append(replace(digit, box=(x0 - left, y0 - top, x1 - x0, y1 - y0)))
            else:
                self._demote((x0, y0, x1 - x0, y1 - y0))
        part = (slice(top, top + height), slice(left, left + width))
        picture, layers = self.picture[part].copy(), self.layers[part].copy()
        return replace(self, picture=picture, layers=layers, digits=digits)

    def _demote(self, region: Region) -> None:
        """Make digits' ink within a region other writing."""
        x, y, w, h = region
        rows, columns = slice(int(y), int(y + h) + 1), slice(int(x), int(x + w) + 1)
        labels = self.layers[rows, columns]
        np.maximum(labels[..., WRITING], labels[..., DIGIT], out=labels[..., WRITING])
        labels[..., DIGIT] = 0

    def paste(self, other: "Page", corner: tuple[int, int], cover: Cover | None = None) -> None:
        """Lay another page on this one, where `cover` (all of it if None) is above 0."""
        full = np.full(other.size, 255, np.uint8) if cover is None else cover
        cut = self._cut(full, corner)
        if cut is None:
            return
        alpha, rows, columns = cut
        y, x = rows.start - corner[1], columns.start - corner[0]
        part = (slice(y, y + alpha.shape[0]), slice(x, x + alpha.shape[1]))
        weight = alpha[..., None] * np.float32(1 / 255)
        for mine, theirs in ((self.picture, other.picture), (self.layers, other.layers)):
            view = mine[rows, columns]
            view[:] = view + weight * (theirs[part].astype(np.float32) - view) + 0.5
        first = 1 + max((d.row for d in self.digits), default=-1)
        for digit in other.digits:
            box = (digit.box[0] + corner[0], digit.box[1] + corner[1], *digit.box[2:])
            self.digits.append(replace(digit, box=box, row=first + digit.row))
        self.kind += other.kind


def _mapped(box: Region, matrix: npt.NDArray[np.float64]) -> Region:
    x, y, w, h = box
    corners = np.array([[x, y, 1], [x + w, y, 1], [x, y + h, 1], [x + w, y + h, 1]]) @ matrix.T
    points = corners[:, :2] / corners[:, 2:]
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])

"""A page under construction: its picture, pixel labels and digit boxes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import cv2
import numpy as np
import numpy.typing as npt

from training.handwriting import strokes as pen_strokes

Picture = npt.NDArray[np.uint8]
Cover = npt.NDArray[np.uint8]
_Part = tuple[slice, ...]
Vector = Sequence[float] | npt.NDArray[np.number]
"""Two or three numbers: x and y, width and height, or a color."""

Color = Vector
"""RGB in `[0, 255]`, or in `[0, 1]` for reflected light."""

DIGIT: Final = 0
WRITING: Final = 1
LINE: Final = 2
"""Layers of `Page.layers`: digit ink; other writing; lines, boxes and frames."""

_VISIBLE: Final = 0.6
"""Minimum share of a digit's box inside a crop; with less, the digit becomes a fragment."""


@dataclass(frozen=True)
class Digit:
    """One digit of a page.

    Attributes:
        digit: 0 to 9.
        box: x, y, width and height of its ink's bounding box in pixels.
    """

    digit: int
    box: tuple[float, float, float, float]


@dataclass
class Page:
    """A picture and its labels.

    Attributes:
        picture: `(H, W, 3)` uint8 RGB.
        layers: `(H, W, 3)` uint8: coverage of each pixel by `DIGIT`, `WRITING` and `LINE`.
        digits: The digits to be found.
        kind: Names of the parts that the page is composed of.
    """

    picture: Picture
    layers: Picture
    digits: list[Digit]
    kind: list[str]

    @classmethod
    def blank(cls, picture: Picture, kind: str) -> Self:
        """Return a page with nothing on it."""
        return cls(picture, np.zeros_like(picture), [], [kind])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.picture.shape[0], self.picture.shape[1]

    def paint(
        self,
        ink: Cover,
        corner: Sequence[int],
        color: Color,
        layer: int | None,
        cover: Cover | None = None,
    ) -> None:
        """Paint one color over a part of the page, clipped to the page.

        Args:
            ink: `(h, w)` uint8 opacity; 0 leaves the page unchanged.
            corner: x and y of the top left corner.
            color: In `[0, 255]`.
            layer: The layer to label; None erases the labels below.
            cover: `(h, w)` uint8 coverage for the label, by default `ink`.
        """
        below, part = self._overlap(ink.shape, corner)
        view, labels = self.picture[below], self.layers[below]
        weight = ink[part][..., None] * np.float32(1 / 255)
        view[:] = view + weight * (np.asarray(color, np.float32) - view) + np.float32(0.5)
        if layer is None:
            labels[:] = labels * (1 - weight)
        else:
            label = ink if cover is None else cover
            np.maximum(labels[..., layer], label[part], out=labels[..., layer])

    def _overlap(self, size: tuple[int, ...], corner: Sequence[int]) -> tuple[_Part, _Part]:
        """Return the overlap with an array of height and width, as slices of the page and of it."""
        below, part = [], []
        for start, length, whole in zip(corner[::-1], size, self.size, strict=True):
            first = max(0, start)
            last = max(first, min(start + length, whole))
            below.append(slice(first, last))
            part.append(slice(first - start, last - start))
        return tuple(below), tuple(part)

    def warp(self, matrix: npt.NDArray[np.float64], size: tuple[int, int], fill: Color) -> Self:
        """Warp the page by a `(3, 3)` matrix into a picture of that height and width."""
        fill = np.asarray(fill, np.float64).tolist()
        picture = cv2.warpPerspective(self.picture, matrix, size[::-1], borderValue=fill)
        layers = cv2.warpPerspective(self.layers, matrix, size[::-1])
        return self._mapped(picture, layers, matrix)

    def resize(self, side: int, interpolation: int) -> Self:
        """Resize to a square with an OpenCV interpolation."""
        picture, layers = (
            cv2.resize(image, (side, side), interpolation=interpolation)
            for image in (self.picture, self.layers)
        )
        height, width = self.size
        return self._mapped(picture, layers, np.diag([side / width, side / height, 1.0]))

    def _mapped(self, picture: Picture, layers: Picture, matrix: npt.NDArray[np.float64]) -> Self:
        """Return a page of these arrays, with boxes mapped by a `(3, 3)` matrix."""
        digits = []
        for digit in self.digits:
            x, y, w, h = digit.box
            corners = np.array([[x, y], [x + w, y], [x, y + h], [x + w, y + h]])
            low, high = pen_strokes.box(pen_strokes.transform([corners], matrix))
            digits.append(replace(digit, box=(*low.tolist(), *(high - low).tolist())))
        return replace(self, picture=picture, layers=layers, digits=digits)

    def crop(self, left: int, top: int, width: int, height: int) -> Self:
        """Crop the page; digits cut by the edge become other writing."""
        digits, uncut = [], self.layers.copy()
        for digit in self.digits:
            x, y, w, h = digit.box
            x0, x1 = max(x, left), min(x + w, left + width)
            y0, y1 = max(y, top), min(y + h, top + height)
            if x1 <= x0 or y1 <= y0:
                continue
            if (x1 - x0) * (y1 - y0) >= _VISIBLE * w * h:
                digits.append(replace(digit, box=(x0 - left, y0 - top, x1 - x0, y1 - y0)))
            else:
                labels = self.layers[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1]
                np.maximum(labels[..., WRITING], labels[..., DIGIT], out=labels[..., WRITING])
                labels[..., DIGIT] = 0
        for digit in digits:  # a fragment's box may overlap theirs
            x, y, w, h = (int(value) for value in digit.box)
            whole = slice(top + y, top + y + h + 2), slice(left + x, left + x + w + 2)
            self.layers[whole] = uncut[whole]
        part = (slice(top, top + height), slice(left, left + width))
        picture, layers = self.picture[part].copy(), self.layers[part].copy()
        return replace(self, picture=picture, layers=layers, digits=digits)

    def paste(self, other: "Page", corner: Sequence[int], cover: Cover | None = None) -> None:
        """Blend another page onto this one by `cover`, `(h, w)` uint8; None is fully opaque."""
        below, part = self._overlap(other.size, corner)
        if cover is None:
            cover = np.full(other.size, 255, np.uint8)
        weight = cover[part][..., None] * np.float32(1 / 255)
        if weight.size == 0:
            return
        for mine, theirs in ((self.picture, other.picture), (self.layers, other.layers)):
            view = mine[below]
            view[:] = view + weight * (theirs[part].astype(np.float32) - view) + 0.5
        for digit in other.digits:
            box = (digit.box[0] + corner[0], digit.box[1] + corner[1], *digit.box[2:])
            self.digits.append(replace(digit, box=box))
        self.kind += other.kind

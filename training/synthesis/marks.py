"""Marks on a page, and the pen that draws them.

Marks are composed in units of the line height, x right and y down, before they are placed on a
page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.handwriting import strokes as pen_strokes
from training.handwriting.strokes import Points, Strokes
from training.synthesis.optics import noise
from training.synthesis.page import LINE, Color, Cover, Digit, Page

_SHIFT: Final = 4  # fractional bits of the coordinates that OpenCV is given
_LARGEST: Final = 4000  # maximum side of a mark in pixels; larger ones are not drawn
_NOTHING: Final = np.zeros((0, 0), np.uint8)


@dataclass(frozen=True, eq=False)
class Mark:
    """Something written, printed or ruled.

    Attributes:
        strokes: Its strokes, or two opposite corners if there is an image.
        layer: `DIGIT`, `WRITING` or `LINE`.
        digit: 0 to 9, or None for everything else.
        image: None, or `(h, w)` uint8, 255 ink, stretched over the bounding box of `strokes`.
        width: Line width in the unit of the strokes; None for the pen's.
    """

    strokes: Strokes
    layer: int
    digit: int | None = None
    image: Cover | None = None
    width: float | None = None


@dataclass(frozen=True)
class Pen:
    """A pen.

    Attributes:
        width: In pixels.
        color: RGB in `[0, 255]`.
        opacity: 0 to 1; with 0, only the labels are drawn.
        grain: 0 to 1, unevenness of its lines: pencil, chalk, a dry felt pen.
        pressure: 0 to 1, variation of its width.
        smooth: Whether its edges are anti-aliased; a paint program's brush may have hard ones.
    """

    width: float
    color: Color
    opacity: float = 1.0
    grain: float = 0.0
    pressure: float = 0.0
    smooth: bool = True


def line(points: npt.ArrayLike, width: float | None = None) -> Mark:
    """Return a ruled line through points."""
    return Mark([np.asarray(points, np.float64)], LINE, width=width)


def rectangle(x: float, y: float, width: float, height: float) -> Mark:
    """Return a ruled rectangle with its top left corner at x and y."""
    right, bottom = x + width, y + height
    return line([[x, y], [right, y], [right, bottom], [x, bottom], [x, y]])


def moved(mark: Mark, x: float, y: float, scale: float = 1.0) -> Mark:
    """Return the mark, scaled and then moved."""
    width = mark.width and mark.width * scale
    return replace(mark, strokes=[s * scale + (x, y) for s in mark.strokes], width=width)


def box_of(marks: Sequence[Mark]) -> tuple[Points, Points]:
    """Return the top left and the bottom right corner of all marks, each `(2,)`."""
    return pen_strokes.box([stroke for mark in marks for stroke in mark.strokes])


def placed(
    marks: Sequence[Mark],
    scale: float,
    corner: npt.ArrayLike,
    angle: float = 0.0,
    slant: float = 0.0,
) -> list[Mark]:
    """Scale, slant and rotate marks, and move the top left of their bounding box to a corner."""
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.array([[cos, sin], [-sin, cos]]) @ np.array([[1.0, 0.0], [slant, 1.0]]).T
    turned = [
        replace(m, strokes=[s @ turn for s in m.strokes], width=m.width and m.width * scale)
        for m in marks
    ]
    low, _ = box_of(turned)
    shift = np.asarray(corner, np.float64) - low
    return [replace(m, strokes=[s + shift for s in m.strokes]) for m in turned]


def draw(page: Page, marks: Sequence[Mark], pen: Pen, rng: np.random.Generator) -> None:
    """Draw marks, given in pixels of the page, and register their digits."""
    for mark in marks:
        cover, corner = (
            _stroked(mark, pen, rng) if mark.image is None else _stretched(mark, mark.image)
        )
        if cover.size == 0:
            continue
        page.paint(_inked(cover, mark, pen, rng), corner, pen.color, mark.layer, cover)
        if mark.digit is not None:
            x, y, w, h = map(float, (*corner, *cover.shape[::-1]))
            page.digits.append(Digit(mark.digit, (x, y, w, h)))


def _inked(cover: Cover, mark: Mark, pen: Pen, rng: np.random.Generator) -> Cover:
    """Return the opacity of the pen's ink over a mark's coverage."""
    width = pen.width if mark.width is None else mark.width
    share = np.float32(pen.opacity * np.clip(width, 0.35, 1.0))
    if pen.grain > 0 and mark.image is None:
        rough = noise(cover.shape[:2], max(1.2, 0.15 * pen.width), rng)
        share = np.clip(share * (1 - pen.grain * np.clip(0.5 + 0.7 * rough, 0, 1)), 0, 1)
    elif share == 1:
        return cover
    return (cover * share).astype(np.uint8)


def _stretched(mark: Mark, image: Cover) -> tuple[Cover, list[int]]:
    """Stretch the mark's image over its box."""
    corner, end = np.round(pen_strokes.box(mark.strokes)).astype(int)
    wide, tall = np.maximum(end - corner, 1).tolist()
    if max(wide, tall) > _LARGEST:
        return _NOTHING, [0, 0]
    grows = tall > image.shape[0]
    how = cv2.INTER_CUBIC if grows else cv2.INTER_AREA
    cover = cv2.resize(image, (wide, tall), interpolation=how)
    if grows and mark.digit is not None:  # a smooth edge like a pen's
        sharper = np.clip((cover.astype(np.float64) - 128) * min(3.0, tall / 28) + 128, 0, 255)
        cover = sharper.astype(np.uint8)
    return cover, corner.tolist()


def _stroked(mark: Mark, pen: Pen, rng: np.random.Generator) -> tuple[Cover, list[int]]:
    """Draw the mark's strokes with a round pen, on a sheet that just fits them."""
    width = pen.width if mark.width is None else mark.width
    low, high = pen_strokes.box(mark.strokes)
    pad = width / 2 + 1.5
    corner, end = np.floor(low - pad).astype(int), np.ceil(high + pad).astype(int)
    wide, tall = (end - corner).tolist()
    if max(wide, tall) > _LARGEST:
        return _NOTHING, [0, 0]
    finer = 2 if width < 5 and pen.smooth else 1
    sheet = np.zeros((tall * finer, wide * finer), np.uint8)
    kind = cv2.LINE_AA if pen.smooth else cv2.LINE_8
    wavers = pen.pressure if mark.layer != LINE else 0.0
    for stroke in mark.strokes:
        points = (stroke - corner + 0.5) * finer - 0.5
        fixed = np.round(points * (1 << _SHIFT)).astype(np.int32)
        for part, share in _pressed(fixed, wavers, rng):
            thickness = max(1, round(width * share * finer - (0.6 if pen.smooth else 0)))
            if np.ptp(part, axis=0).max() < (1 << _SHIFT):
                radius = max(1, thickness << (_SHIFT - 1))
                cv2.circle(sheet, part[0].tolist(), radius, 255, -1, kind, _SHIFT)
            else:
                cv2.polylines(sheet, [part], False, 255, thickness, kind, _SHIFT)  # noqa: FBT003
    if finer > 1:
        sheet = cv2.resize(sheet, (wide, tall), interpolation=cv2.INTER_AREA)
    return sheet, corner.tolist()


def _pressed(
    points: npt.NDArray[np.int32], wavers: float, rng: np.random.Generator
) -> list[tuple[npt.NDArray[np.int32], float]]:
    """Split a stroke into parts of varying relative width."""
    if wavers == 0 or len(points) < 6:
        return [(points, 1.0)]
    count = int(min(8, len(points) // 3))
    ends = np.linspace(0, len(points) - 1, count + 1).astype(int)
    shares = 1 + wavers * np.convolve(rng.normal(0, 0.5, count + 2), [0.5, 0.7, 0.5], "valid")
    return [
        (points[a : b + 1], float(np.clip(share, 0.4, 1.8)))
        for a, b, share in zip(ends[:-1], ends[1:], shares, strict=True)
    ]

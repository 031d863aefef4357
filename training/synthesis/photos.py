"""Synthetic phone photographs of pen on paper, rendered from pen strokes.

Lengths on the paper are in millimeters, so that pen and ruling have realistic proportions. The
camera adds perspective, light, shadow, blur, noise and JPEG artifacts. All randomness comes from
one `numpy.random.Generator`: the same generator state gives the same picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.prediction import Box
from training.handwriting import strokes as pen_strokes
from training.handwriting.strokes import Strokes, rotation, translation
from training.synthesis import log_uniform
from training.synthesis.optics import Field, expose, noise, uneven_light
from training.synthesis.page import Color
from training.synthesis.paper import Ruling, Scene, blank_sheet, lay_on_desk


@dataclass(frozen=True)
class Pen:
    """A kind of pen.

    Attributes:
        colors: Possible reflectances of a solid line.
        width: Minimum and maximum line width in millimeters.
        cover: Minimum and maximum opacity of a solid line.
        grain: Visibility of the paper's grain in the line, 0 to 1.
    """

    colors: tuple[Color, ...]
    width: tuple[float, float]
    cover: tuple[float, float]
    grain: float


_INKS: tuple[Color, ...] = ((0.10, 0.16, 0.50), (0.08, 0.08, 0.09), (0.62, 0.10, 0.12))
_GRAPHITE: tuple[Color, ...] = ((0.28, 0.28, 0.30), (0.36, 0.36, 0.37))
PENS: dict[str, Pen] = {
    "ballpoint": Pen(_INKS, (0.3, 0.7), (0.75, 1.0), 0.25),
    "gel": Pen((*_INKS, (0.08, 0.36, 0.18)), (0.35, 0.8), (0.9, 1.0), 0.05),
    "pencil": Pen(_GRAPHITE, (0.35, 0.9), (0.6, 0.95), 0.5),
    "felt": Pen(_INKS, (0.8, 2.0), (0.9, 1.0), 0.05),
    "marker": Pen(_INKS, (2.0, 4.0), (0.92, 1.0), 0.05),
}
_PEN_ODDS = (0.34, 0.2, 0.22, 0.16, 0.08)


@dataclass(frozen=True)
class Photo:
    """A photograph and its ground truth.

    Attributes:
        picture: `(H, W, 3)` uint8 RGB.
        boxes: Bounding box of each part's ink, `(x, y, width, height)` in pixels, in input order.
        strokes: Strokes of each part, in pixels of the picture.
        pen_width: In pixels.
        rulings: Lines printed on the paper, in pixels of the picture.
    """

    picture: npt.NDArray[np.uint8]
    boxes: tuple[Box, ...]
    strokes: tuple[Strokes, ...]
    pen_width: float
    rulings: tuple[Ruling, ...]


def photograph(  # noqa: PLR0913 - one scene, each side of it optional
    parts: Sequence[Strokes],
    rng: np.random.Generator,
    height_share: float | None = None,
    widest_pen: float = 0.16,
    *,
    on_desk: bool = False,
    longest: int = 1600,
) -> Photo:
    """Write a digit, or the digits of a number, on paper and photograph it.

    Args:
        parts: Strokes of each digit, positioned, all in the same unit.
        rng: Chooses paper, ruling, pen, light and camera.
        height_share: Height of the writing as a share of the picture's height; if None,
            log-uniform between 0.08 and 0.8. Reduced where the writing would exceed the picture.
        widest_pen: Maximum line width as a share of the height of the writing.
        on_desk: Whether the sheet's edges are visible, too; the share is then of its height.
        longest: Maximum length of the picture's longer side in pixels.

    Raises:
        ValueError: If there are no points.
    """
    low, high = pen_strokes.box([stroke for part in parts for stroke in part])
    extent = np.maximum(high - low, 0.05 * (high - low).max() + 1e-6)
    scene = _scene(extent / extent[1], rng, height_share, longest)
    pen = PENS[str(rng.choice(list(PENS), p=_PEN_ODDS))]
    width_mm = min(rng.uniform(*pen.width), widest_pen * scene.height_mm)
    to_paper = [[(stroke - low) / extent[1] * scene.height_mm for stroke in p] for p in parts]
    in_picture = [pen_strokes.transform(part, scene.matrix) for part in to_paper]
    width = max(1.0, width_mm * scene.scale)
    reflected, rulings = blank_sheet(scene, rng)
    _write(reflected, [stroke for part in in_picture for stroke in part], pen, width, rng)
    if on_desk:
        reflected, matrix, scale = lay_on_desk(reflected, rng)
        in_picture = [pen_strokes.transform(part, matrix) for part in in_picture]
        width = max(1.0, width * scale)
        rulings = [
            Ruling(pen_strokes.transform(r.lines, matrix), max(1.0, r.width * scale), r.cover)
            for r in rulings
        ]
    picture = expose(reflected * uneven_light(scene.size, rng), width, rng)
    boxes = tuple(pen_strokes.pixel_box(part, width, scene.size) for part in in_picture)
    return Photo(picture, boxes, tuple(in_picture), width, tuple(rulings))


def photograph_blank(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Photograph paper, plain or ruled, without writing: `(H, W, 3)` uint8 RGB."""
    scene = _scene(np.array([0.7, 1.0]), rng, None, 1600)
    return expose(blank_sheet(scene, rng)[0] * uneven_light(scene.size, rng), 4.0, rng)


def _scene(
    extent: npt.NDArray[np.float64],
    rng: np.random.Generator,
    height_share: float | None,
    longest: int,
) -> Scene:
    """Choose the picture's size and the position of the writing in it.

    `extent` is the width and height of the writing in units of its height.
    """
    size = _picture_size(rng, longest)
    share = height_share or log_uniform(0.08, 0.8, rng)
    height = min(share * size[0], 0.88 * size[1] / extent[0], 0.88 * size[0])
    # Small writing fits on a line; large writing is either close to the camera or truly large.
    height_mm = log_uniform(5, 14 + 46 * share, rng)
    scale = height / height_mm
    matrix = _view(extent * height, size, rng) @ np.diag([scale, scale, 1.0])
    return Scene(size, height_mm, scale, matrix)


def _picture_size(rng: np.random.Generator, longest: int) -> tuple[int, int]:
    """Return height and width, portrait or landscape; the longer side is 0.3 to 1 x `longest`."""
    longer = round(log_uniform(0.3 * longest, longest, rng))
    shorter = round(longer / float(rng.choice([4 / 3, 4 / 3, 3 / 2, 16 / 9, 1.0])))
    return (longer, shorter) if rng.random() < 0.5 else (shorter, longer)


def _view(
    extent: npt.NDArray[np.float64], size: tuple[int, int], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return the matrix from upright pixels at the origin to a rotated perspective view.

    The corners of the writing stay at least 1.5 % of the picture away from its edges.
    """
    slant = rotation(np.deg2rad(np.clip(rng.normal(0, 3.5), -8, 8)))
    slant[2, :2] = rng.normal(0, 0.06, 2).clip(-0.12, 0.12) / max(size)
    centered = slant @ translation(-extent / 2)
    corners = [np.array([[0, 0], [extent[0], 0], [0, extent[1]], extent], np.float64)]
    low, high = pen_strokes.box(pen_strokes.transform(corners, centered))
    across = np.array(size[::-1])
    room = across - (high - low)
    edge = np.minimum(0.02 * across, room / 2)
    place = translation(edge + rng.random(2) * np.maximum(room - 2 * edge, 0) - low)
    shrink = min(1.0, *(0.97 * across / (high - low)))
    if shrink < 1:
        place = np.diag([shrink, shrink, 1])
        place[:2, 2] = across / 2 - shrink * (low + high) / 2
    return place @ centered


def _write(
    reflected: Field, strokes: Strokes, pen: Pen, width: float, rng: np.random.Generator
) -> None:
    """Draw strokes on the paper, in place."""
    low, high = pen_strokes.box(strokes)
    pad = int(2 * width) + 3
    x0, y0 = (max(0, int(v) - pad) for v in low)
    x1, y1 = (int(v) + pad for v in high)
    view = reflected[y0:y1, x0:x1]
    size = view.shape[:2]
    cover = _pressed([stroke - (x0, y0) for stroke in strokes], size, width, rng)
    cover *= rng.uniform(*pen.cover) * np.clip(1 + 0.05 * noise(size, 4 * width, rng), 0, 1)
    # Grain is paper fiber that the pen skipped: finer than the line.
    fiber = np.clip(0.5 + 0.5 * noise(size, max(1.0, 0.2 * width), rng), 0, 1)
    cover *= 1 - pen.grain * rng.uniform(0.3, 1.0) * fiber
    color = np.array(pen.colors[rng.integers(len(pen.colors))]) * rng.uniform(0.85, 1.15)
    view *= 1 - cover[..., None] * (1 - color.astype(np.float32))


def _pressed(
    strokes: Strokes, size: tuple[int, int], width: float, rng: np.random.Generator
) -> Field:
    """Draw strokes whose width varies slightly with pressure."""
    full = pen_strokes.draw(strokes, size, width)
    lighter = pen_strokes.draw(strokes, size, max(1.0, 0.75 * width))
    pressure = np.clip(0.7 + 0.5 * noise(size, 12 * width + 8, rng), 0, 1)
    return np.asarray(lighter + (full - lighter) * pressure, np.float32)

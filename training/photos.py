"""Photographs of pen on paper, made from pen strokes: what a telephone's camera sees.

Lengths on the paper are millimetres, so that pen, ruling and picture keep their real proportions;
the camera then adds a slanting view, light, shadow, blur, noise and JPEG. Everything is drawn from
one `numpy.random.Generator`: the same generator state gives the same picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training import desks
from training.handwriting import strokes as pen_strokes
from training.handwriting.strokes import Box, Strokes
from training.handwriting.tracing import trace
from training.random_fields import Color, Field, blur, noise

# What lies on desks, as the share of red, green and blue light that it reflects.
_PAPERS: tuple[Color, ...] = (
    (0.96, 0.96, 0.95),  # office paper
    (0.93, 0.94, 0.97),  # with brightener, bluish
    (0.95, 0.92, 0.84),  # cream
    (0.85, 0.83, 0.78),  # recycled
    (0.96, 0.93, 0.66),  # yellow note
    (0.80, 0.88, 0.93),  # light blue card
    (0.94, 0.83, 0.84),  # pink card
    (0.72, 0.62, 0.48),  # kraft paper
)
_PAPER_ODDS = (0.34, 0.16, 0.18, 0.12, 0.08, 0.04, 0.04, 0.04)
_RULINGS: tuple[Color, ...] = (
    (0.60, 0.72, 0.88),  # light blue
    (0.45, 0.55, 0.78),  # blue
    (0.70, 0.70, 0.72),  # gray
    (0.68, 0.60, 0.80),  # violet
    (0.62, 0.80, 0.68),  # green
    (0.88, 0.68, 0.62),  # orange
)
_MARGIN: Color = (0.86, 0.45, 0.45)


@dataclass(frozen=True)
class Pen:
    """A kind of pen: its lines' width, how dark it is and how evenly it writes.

    Attributes:
        colors: Light that a full line reflects, one of them is taken.
        width: Least and greatest line width in millimetres.
        cover: Least and greatest share of the paper that a full line hides.
        grain: How much of the paper's grain shows in the line, 0 to 1.
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
    """A picture and what is known about it.

    Attributes:
        picture: `(H, W, 3)` uint8 RGB.
        boxes: One `(x, y, width, height)` in pixels around each part's ink, in the order given.
        strokes: Of each part, in pixels of the picture.
        pen_width: In pixels.
        pen: Name of the pen, a key of `PENS`.
        pen_share: Width of the line as a share of the height of the writing.
    """

    picture: npt.NDArray[np.uint8]
    boxes: tuple[Box, ...]
    strokes: tuple[Strokes, ...]
    pen_width: float
    pen: str
    pen_share: float


@dataclass(frozen=True)
class _Scene:
    """Sizes of one photograph; `scale` is pixels a millimetre, `height_mm` that of the writing."""

    size: tuple[int, int]
    height_mm: float
    scale: float
    matrix: npt.NDArray[np.float64]


def photograph_digit(
    digit: Strokes | npt.NDArray[np.uint8],
    rng: np.random.Generator,
    height_share: float | None = None,
    *,
    on_desk: bool = False,
) -> Photo:
    """Write one digit on paper and photograph it.

    Args:
        digit: Strokes in any unit, or an MNIST image `(28, 28)` uint8, 255 ink, which is traced.
        rng: Decides paper, ruling, pen, light and camera.
        height_share: Height of the digit as a share of the picture's height, or drawn at random
            between 0.08 and 0.8, small ones more often.
        on_desk: Whether the camera sees the sheet's edges too; the share is then of the sheet's
            height.

    Returns:
        The photograph, with one box.
    """
    strokes = trace(digit) if isinstance(digit, np.ndarray) else digit
    return photograph([strokes], rng, height_share, on_desk=on_desk)


def photograph(  # noqa: PLR0913 - one scene, each side of it optional
    parts: Sequence[Strokes],
    rng: np.random.Generator,
    height_share: float | None = None,
    widest_pen: float = 0.16,
    *,
    on_desk: bool = False,
    longest: int = 1600,
) -> Photo:
    """Write several parts (the digits of a number) on one paper and photograph it.

    Args:
        parts: Strokes of each part where they lie in the writing, all in the same unit.
        rng: Decides paper, ruling, pen, light and camera.
        height_share: Height of the writing as a share of the picture's height; random if None.
            It is reduced where the writing would be wider than the picture.
        widest_pen: Greatest width of the line as a share of the height of the writing.
        on_desk: Whether the camera sees the sheet's edges too.
        longest: Greatest length of the picture's longer side in pixels.

    Returns:
        The photograph, with a box for each part.

    Raises:
        ValueError: If there is no point at all.
    """
    low, high = pen_strokes.box([stroke for part in parts for stroke in part])
    extent = np.maximum(high - low, 0.05 * (high - low).max() + 1e-6)
    scene = _scene(extent / extent[1], rng, height_share, longest)
    name, pen, width_mm = _choose_pen(widest_pen * scene.height_mm, rng)
    to_paper = [[(stroke - low) / extent[1] * scene.height_mm for stroke in p] for p in parts]
    in_picture = [pen_strokes.transform(part, scene.matrix) for part in to_paper]
    width = max(1.0, width_mm * scene.scale)
    pen_share = width / (scene.height_mm * scene.scale)
    reflected = _paper(scene, rng)
    _write(reflected, [stroke for part in in_picture for stroke in part], pen, width, rng)
    if on_desk:
        reflected, laid = desks.lay_on_desk(reflected, rng)
        in_picture = [pen_strokes.transform(part, laid.matrix) for part in in_picture]
        width = max(1.0, width * laid.scale)
    picture = _expose(reflected * _light(scene.size, rng), width, rng)
    boxes = tuple(pen_strokes.pixel_box(part, width, scene.size) for part in in_picture)
    return Photo(picture, boxes, tuple(in_picture), width, name, pen_share)


def photograph_blank(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Photograph paper, ruled or not, that nobody has written on: `(H, W, 3)` uint8 RGB."""
    scene = _scene(np.array([0.7, 1.0]), rng, None, 1600)
    return _expose(_paper(scene, rng) * _light(scene.size, rng), 4.0, rng)


def _scene(
    extent: npt.NDArray[np.float64],
    rng: np.random.Generator,
    height_share: float | None,
    longest: int,
) -> _Scene:
    """Choose the picture's size and where the writing lies in it.

    `extent` is the width and height of the writing in units of its height.
    """
    size = _picture_size(rng, longest)
    share = height_share or float(np.exp(rng.uniform(np.log(0.08), np.log(0.8))))
    height = min(share * size[0], 0.88 * size[1] / extent[0], 0.88 * size[0])
    # Small writing is what fits on a line; large writing may be either near or truly large.
    height_mm = float(np.exp(rng.uniform(np.log(5), np.log(14 + 46 * share))))
    scale = height / height_mm
    matrix = _view(extent * height, size, rng) @ np.diag([scale, scale, 1.0])
    return _Scene(size, height_mm, scale, matrix)


def _picture_size(rng: np.random.Generator, longest: int) -> tuple[int, int]:
    """Return height and width: the longer side 0.3 to 1 times the longest, either way up."""
    longer = round(float(np.exp(rng.uniform(np.log(0.3 * longest), np.log(longest)))))
    shorter = round(longer / float(rng.choice([4 / 3, 4 / 3, 3 / 2, 16 / 9, 1.0])))
    return (longer, shorter) if rng.random() < 0.5 else (shorter, longer)


def _view(
    extent: npt.NDArray[np.float64], size: tuple[int, int], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return the matrix from upright pixels at the origin to a turned, slanting view.

    The corners of the writing stay at least 2 % of the picture away from its edges.
    """
    angle = np.deg2rad(np.clip(rng.normal(0, 3.5), -8, 8))
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]])
    slant = np.vstack([turn, [0.0, 0.0, 1.0]])
    slant[2, :2] = rng.normal(0, 0.06, 2).clip(-0.12, 0.12) / max(size)
    middle = np.array([[1, 0, -extent[0] / 2], [0, 1, -extent[1] / 2], [0, 0, 1]])
    centered = slant @ middle
    corners = [np.array([[0, 0], [extent[0], 0], [0, extent[1]], extent], np.float64)]
    low, high = pen_strokes.box(pen_strokes.transform(corners, centered))
    room = np.array(size[::-1]) - (high - low)
    edge = np.minimum(0.02 * np.array(size[::-1]), room / 2)
    corner = edge + rng.random(2) * np.maximum(room - 2 * edge, 0)
    place = np.eye(3)
    place[:2, 2] = corner - low
    shrink = min(1.0, *(0.97 * np.array(size[::-1]) / (high - low)))
    if shrink < 1:
        place[:2] = np.array([[shrink, 0, 0], [0, shrink, 0]])
        place[:2, 2] = np.array(size[::-1]) / 2 - shrink * (low + high) / 2
    return np.asarray(place @ centered, np.float64)


def _choose_pen(widest_mm: float, rng: np.random.Generator) -> tuple[str, Pen, float]:
    """Choose a pen and the width of its line in mm."""
    name = str(rng.choice(list(PENS), p=_PEN_ODDS))
    pen = PENS[name]
    return name, pen, min(float(rng.uniform(*pen.width)), widest_mm)


def _paper(scene: _Scene, rng: np.random.Generator) -> Field:
    """Return the light that the empty paper reflects: `(H, W, 3)` float32 in `[0, 1]`."""
    tint = np.array(_PAPERS[rng.choice(len(_PAPERS), p=_PAPER_ODDS)])
    tint = np.clip(tint + rng.normal(0, 0.012, 3), 0, 1)
    texture = 1 + rng.uniform(0.002, 0.02) * noise(scene.size, 1.5, rng)
    texture += rng.uniform(0.0, 0.006) * noise(scene.size, 60, rng)
    reflected = (tint * texture[..., None]).astype(np.float32)
    _rule(reflected, scene, rng)
    return np.asarray(reflected, np.float32)


def _rule(reflected: Field, scene: _Scene, rng: np.random.Generator) -> None:
    """Print lines or squares on the paper, with a margin now and then; in place."""
    kind = rng.choice(["blank", "lines", "squares"], p=[0.34, 0.36, 0.30])
    if kind == "blank":
        return
    color = np.array(_RULINGS[rng.integers(len(_RULINGS))])
    strength = rng.uniform(0.35, 1.0)
    width = rng.uniform(0.12, 0.35) * scene.scale
    spacing = rng.choice([4.0, 5.0, 5.0, 10.0] if kind == "squares" else [6.0, 7.0, 8.0, 9.0])
    # Writing stands on a line more often than not; `origin` is the foot of the writing.
    origin = scene.height_mm + (rng.normal(0, 0.6) if rng.random() < 0.6 else rng.uniform(0, 9))
    lines = _parallels(scene, spacing, origin, across=False)
    if kind == "squares":
        lines += _parallels(scene, spacing, rng.uniform(0, spacing), across=True)
    _print(reflected, lines, width, color, strength)
    if kind == "lines" and rng.random() < 0.3:
        edge = rng.choice([-1.0, 1.0]) * rng.uniform(0.3, 2.0) * scene.height_mm
        margin = _parallels(scene, 1e6, edge if edge < 0 else edge + scene.height_mm, across=True)
        _print(reflected, margin, width * 1.3, np.array(_MARGIN), strength)


def _parallels(scene: _Scene, spacing: float, origin: float, *, across: bool) -> Strokes:
    """Return lines every `spacing` mm over all that the camera sees, in pixels of the picture."""
    height, width = scene.size
    corners = [np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)]
    back = np.asarray(np.linalg.inv(scene.matrix), np.float64)
    low, high = pen_strokes.box(pen_strokes.transform(corners, back))
    along, over = (1, 0) if across else (0, 1)
    first = origin + spacing * np.ceil((low[over] - origin) / spacing)
    lines = []
    for at in np.arange(first, high[over] + 1e-9, spacing):
        ends = np.empty((2, 2))
        ends[:, along] = low[along] - 1, high[along] + 1
        ends[:, over] = at
        lines.append(ends)
    return pen_strokes.transform(lines, scene.matrix)


def _print(
    reflected: Field,
    lines: Strokes,
    width: float,
    color: npt.NDArray[np.float64],
    strength: float,
) -> None:
    """Put thin printed lines onto the paper, in place; narrower than a pixel they get fainter."""
    if not lines:
        return
    cover = pen_strokes.draw(lines, reflected.shape[:2], max(1.0, width))
    cover *= strength * min(1.0, width)
    reflected *= 1 - cover[..., None] * (1 - color.astype(np.float32))


def _write(
    reflected: Field, strokes: Strokes, pen: Pen, width: float, rng: np.random.Generator
) -> None:
    """Write strokes onto the paper, in place; only the part around them is touched."""
    low, high = pen_strokes.box(strokes)
    pad = int(2 * width) + 3
    x0, y0 = (max(0, int(v) - pad) for v in low)
    x1, y1 = (int(v) + pad for v in high)
    view = reflected[y0:y1, x0:x1]
    size = (view.shape[0], view.shape[1])
    shifted = [stroke - (x0, y0) for stroke in strokes]
    cover = _pressed(shifted, size, width, rng)
    cover *= rng.uniform(*pen.cover) * np.clip(1 + 0.05 * noise(size, 4 * width, rng), 0, 1)
    # Grain is paper fibre that the pen slid over: finer than the line, never all of it.
    fibre = np.clip(0.5 + 0.5 * noise(size, max(1.0, 0.2 * width), rng), 0, 1)
    cover *= 1 - pen.grain * rng.uniform(0.3, 1.0) * fibre
    color = np.array(pen.colors[rng.integers(len(pen.colors))]) * rng.uniform(0.85, 1.15)
    view *= 1 - cover[..., None] * (1 - color.astype(np.float32))


def _pressed(
    strokes: Strokes, size: tuple[int, int], width: float, rng: np.random.Generator
) -> Field:
    """Draw strokes whose width wavers a little with the pressure of the hand."""
    full = pen_strokes.draw(strokes, size, width)
    lighter = pen_strokes.draw(strokes, size, max(1.0, 0.75 * width))
    pressure = np.clip(0.7 + 0.5 * noise(size, 12 * width + 8, rng), 0, 1)
    return np.asarray(lighter + (full - lighter) * pressure, np.float32)


def _light(size: tuple[int, int], rng: np.random.Generator) -> Field:
    """Return the light that falls on the paper: `(H, W, 3)` float32, 1 is full."""
    y = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, size[1], dtype=np.float32)[None, :]
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.35) * (np.cos(angle) * x + np.sin(angle) * y) / 2
    light *= 1 - rng.uniform(0, 0.3) * (x**2 + y**2) / 2
    light *= 1 + 0.04 * noise(size, max(size) / 3, rng)
    if rng.random() < 0.25:  # a lamp
        center = rng.uniform(-0.9, 0.9, 2)
        far = (x - center[0]) ** 2 + (y - center[1]) ** 2
        light *= 0.65 + 0.45 * np.exp(-far / rng.uniform(0.3, 1.5))
    color = np.array([1.0, 1.0, 1.0]) + rng.normal(0, 0.05) * np.array([1.0, 0.1, -1.0])
    lit = light[..., None] * color.astype(np.float32)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.5, 0.38, 0.12]))):
        lit *= _shadow(size, rng)
    return np.asarray(lit, np.float32)


def _shadow(size: tuple[int, int], rng: np.random.Generator) -> Field:
    """Return one shadow with a hard or soft edge (a hand, the telephone, a window frame)."""
    height, width = size
    longer = max(size)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    middle = rng.uniform(0.15, 0.85, 2) * (width, height)
    # A wavy edge from far outside to far outside, closed behind the picture.
    t = np.linspace(-2, 2, 24) * longer
    wave = rng.uniform(0, 0.05) * longer * np.cumsum(rng.normal(0, 0.5, t.size))
    edge = middle + t[:, None] * along + wave[:, None] * across
    depth = rng.uniform(0.15, 0.6) * longer if rng.random() < 0.35 else 4 * longer
    outline = np.vstack([edge, edge[::-1] + depth * across])
    sheet = np.zeros(size, np.float32)
    cv2.fillPoly(sheet, [np.round(outline).astype(np.int32)], 1.0)
    mask = blur(sheet, float(np.exp(rng.uniform(np.log(0.002), np.log(0.06)))) * longer)
    dark = rng.uniform(0.2, 0.55)
    tinted = np.array([1.0, 0.97, 0.92], np.float32)  # shadows are lit by the sky: bluish
    return 1 - mask[..., None] * (np.float32(dark) * tinted)


def _expose(radiance: Field, width: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Do what the camera does: exposure, focus, noise, tone and JPEG.

    Args:
        radiance: `(H, W, 3)` float32, light that arrives.
        width: Of the pen line in pixels; the focus is never so bad that the line is lost.
        rng: Decides the camera.

    Returns:
        `(H, W, 3)` uint8 RGB.
    """
    exposed = radiance * (rng.uniform(0.6, 1.04) / np.percentile(radiance[::8, ::8], 95))
    sharp = min(rng.uniform(0.3, 1.8), 0.45 + 0.35 * width)
    exposed = blur(exposed, sharp)
    if rng.random() < 0.2:
        exposed = _shake(exposed, min(0.6 * width + 1.5, 6.0), rng)
    exposed = _sensor(exposed, rng)
    if rng.random() < 0.5:  # the telephone sharpens
        exposed += rng.uniform(0.2, 0.8) * (exposed - blur(exposed, 1.2))
    toned = np.clip(exposed, 0, 1) ** rng.uniform(0.8, 1.15)
    return jpeg(np.round(toned * 255).astype(np.uint8), int(rng.integers(30, 96)))


def _shake(exposed: Field, length: float, rng: np.random.Generator) -> Field:
    """Blur along a short line, as a hand that moves while the shutter is open."""
    reach = max(1, round(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    angle = rng.uniform(0, np.pi)
    dx, dy = (round(float(v) * reach) for v in (np.cos(angle), np.sin(angle)))
    cv2.line(kernel, (reach - dx, reach - dy), (reach + dx, reach + dy), 1.0, 1)
    return np.asarray(cv2.filter2D(exposed, -1, kernel / kernel.sum()), np.float32)


def _sensor(exposed: Field, rng: np.random.Generator) -> Field:
    """Add noise that grows with the light, partly smoothed as telephones do, partly coloured."""
    level = float(np.exp(rng.uniform(np.log(0.003), np.log(0.035))))
    size = (exposed.shape[0], exposed.shape[1])
    gray = rng.standard_normal(size, dtype=np.float32)
    if rng.random() < 0.5:
        gray = 1.6 * blur(gray, 0.7)
    color = np.dstack([noise(size, 2.0, rng) for _ in range(3)])
    stronger = np.sqrt(np.clip(exposed[..., 1], 0.02, 1)) * np.float32(level)
    noisy = exposed + (stronger * gray)[..., None] + (0.3 * stronger)[..., None] * color
    return np.asarray(noisy, np.float32)


def jpeg(picture: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    """Save as JPEG and load again; RGB in, RGB out."""
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])

"""Sheets of paper, plain or ruled, and the desks below them, for photographs."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.handwriting import strokes as pen_strokes
from training.handwriting.strokes import Strokes, rotation
from training.synthesis.optics import Field, blur, clouds, noise
from training.synthesis.page import Color

# Colors are reflectances of red, green and blue light.
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
_DESKS: tuple[Color, ...] = (
    (0.35, 0.22, 0.13),  # dark wood
    (0.55, 0.38, 0.22),  # wood
    (0.75, 0.62, 0.45),  # light wood
    (0.15, 0.14, 0.14),  # black
    (0.45, 0.45, 0.46),  # gray
    (0.25, 0.32, 0.25),  # green
)


@dataclass(frozen=True)
class Scene:
    """The view of the paper in a photograph.

    Attributes:
        size: Height and width of the picture in pixels.
        height_mm: Height of the writing.
        scale: Pixels per millimeter.
        matrix: `(3, 3)` float64, maps millimeters from the writing's corner to pixels.
    """

    size: tuple[int, int]
    height_mm: float
    scale: float
    matrix: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ruling:
    """Parallel lines printed on paper.

    Attributes:
        lines: In pixels of the picture.
        width: Line width in pixels.
        cover: Opacity, 0 to 1.
    """

    lines: Strokes
    width: float
    cover: float


def blank_sheet(scene: Scene, rng: np.random.Generator) -> tuple[Field, list[Ruling]]:
    """Return the reflectance of blank paper, `(H, W, 3)` float32 in `[0, 1]`, and its ruling."""
    tint = np.array(_PAPERS[rng.choice(len(_PAPERS), p=_PAPER_ODDS)])
    tint = np.clip(tint + rng.normal(0, 0.012, 3), 0, 1)
    texture = 1 + rng.uniform(0.002, 0.02) * noise(scene.size, 1.5, rng)
    texture += rng.uniform(0.0, 0.006) * noise(scene.size, 60, rng)
    reflected = (tint * texture[..., None]).astype(np.float32)
    return reflected, _rule(reflected, scene, rng)


def _rule(reflected: Field, scene: Scene, rng: np.random.Generator) -> list[Ruling]:
    """Print lines, sometimes with a margin, or squares on the paper, in place."""
    kind = rng.choice(["blank", "lines", "squares"], p=[0.34, 0.36, 0.30])
    if kind == "blank":
        return []
    color = np.array(_RULINGS[rng.integers(len(_RULINGS))])
    strength = rng.uniform(0.35, 1.0)
    width = rng.uniform(0.12, 0.35) * scene.scale
    spacing = rng.choice([4.0, 5.0, 5.0, 10.0] if kind == "squares" else [6.0, 7.0, 8.0, 9.0])
    # Writing is on a line more often than not; `origin` is its baseline.
    origin = scene.height_mm + (rng.normal(0, 0.6) if rng.random() < 0.6 else rng.uniform(0, 9))
    lines = _parallels(scene, spacing, origin, across=False)
    if kind == "squares":
        lines += _parallels(scene, spacing, rng.uniform(0, spacing), across=True)
    rulings = [_print(reflected, lines, width, color, strength)]
    if kind == "lines" and rng.random() < 0.3:
        edge = rng.choice([-1.0, 1.0]) * rng.uniform(0.3, 2.0) * scene.height_mm
        margin = _parallels(scene, 1e6, edge if edge < 0 else edge + scene.height_mm, across=True)
        rulings.append(_print(reflected, margin, width * 1.3, np.array(_MARGIN), strength))
    return rulings


def _parallels(scene: Scene, spacing: float, origin: float, *, across: bool) -> Strokes:
    """Return lines every `spacing` mm across the whole picture, in pixels."""
    height, width = scene.size
    corners = [np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)]
    low, high = pen_strokes.box(pen_strokes.transform(corners, np.linalg.inv(scene.matrix)))
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
) -> Ruling:
    """Print thin lines on the paper, in place; those narrower than a pixel become fainter."""
    ruling = Ruling(lines, max(1.0, width), strength * min(1.0, width))
    if lines:
        cover = pen_strokes.draw(lines, reflected.shape[:2], ruling.width)
        cover *= ruling.cover
        reflected *= 1 - cover[..., None] * (1 - color.astype(np.float32))
    return ruling


def lay_on_desk(
    sheet: Field, rng: np.random.Generator
) -> tuple[Field, npt.NDArray[np.float64], float]:
    """Lay a sheet on a desk, rotated and in perspective; some edges may be outside the picture.

    Returns:
        The reflectance of both, `(H, W, 3)` float32 like the sheet's; the `(3, 3)` matrix from the
        sheet to the picture; and its approximate scale.
    """
    height, width = sheet.shape[:2]
    size = np.array([width, height], np.float64)
    scale = rng.uniform(0.5, 0.9)
    turn = rotation(rng.normal(0, 0.06))[:2, :2]
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * size
    lying = ((corners - size / 2) * scale) @ turn.T * (1 + rng.normal(0, 0.03, (4, 1)))
    room = np.maximum(size / 2 - np.abs(lying).max(axis=0), 0)
    lying += size / 2 + room * rng.uniform(-1.3, 1.3, 2)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), lying.astype(np.float32))
    laid = cv2.warpPerspective(sheet, matrix, (width, height), flags=cv2.INTER_AREA)
    cover = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, (width, height))
    thickness = 0.006 * max(height, width)
    shadow = blur(np.roll(cover, round(thickness), (0, 1)), thickness)
    around = _desk((height, width), rng) * (1 - 0.4 * shadow)[..., None]
    mixed = around * (1 - cover)[..., None] + laid * cover[..., None]
    return np.asarray(mixed, np.float32), matrix, scale


def _desk(size: tuple[int, int], rng: np.random.Generator) -> Field:
    """Return the reflectance of an empty desk, with or without wood grain."""
    color = np.array(_DESKS[rng.integers(len(_DESKS))]) * rng.uniform(0.8, 1.2)
    texture = _wood(size, rng) if rng.random() < 0.6 else noise(size, rng.uniform(2, 30), rng)
    lit = color * (1 + rng.uniform(0.02, 0.15) * texture[..., None])
    return np.asarray(np.clip(lit, 0.02, 0.95), np.float32)


def _wood(size: tuple[int, int], rng: np.random.Generator) -> Field:
    """Return noise stretched horizontally or vertically."""
    grain = rng.uniform(2, 6), rng.uniform(20, 80)
    if rng.random() < 0.5:
        grain = grain[::-1]
    cells = [max(2, int(side / length)) for side, length in zip(size, grain, strict=True)]
    return clouds(cells, size, rng)

"""Desks that a sheet of paper lies on, for photographs that show more than the sheet."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.random_fields import Color, Field, blur, noise

_DESKS: tuple[Color, ...] = (
    (0.35, 0.22, 0.13),  # dark wood
    (0.55, 0.38, 0.22),  # wood
    (0.75, 0.62, 0.45),  # light wood
    (0.15, 0.14, 0.14),  # black
    (0.45, 0.45, 0.46),  # gray
    (0.25, 0.32, 0.25),  # green
)


@dataclass(frozen=True)
class Laid:
    """How a sheet was laid down.

    Attributes:
        matrix: `(3, 3)` float64, takes x and y on the sheet to x and y in the picture.
        scale: Pixels of the picture to one of the sheet, about.
    """

    matrix: npt.NDArray[np.float64]
    scale: float


def lay_on_desk(sheet: Field, rng: np.random.Generator) -> tuple[Field, Laid]:
    """Lay a sheet on a desk, turned and aslant; an edge or two may lie beyond the picture.

    Args:
        sheet: `(H, W, 3)` float32, the light that it reflects.
        rng: Decides the desk and where the sheet lies.

    Returns:
        What sheet and desk reflect, of the same form, and how the sheet lies.
    """
    height, width = sheet.shape[:2]
    size = np.array([width, height], np.float64)
    scale = rng.uniform(0.5, 0.9)
    angle = rng.normal(0, 0.06)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
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
    return np.asarray(mixed, np.float32), Laid(np.asarray(matrix, np.float64), float(scale))


def _desk(size: tuple[int, int], rng: np.random.Generator) -> Field:
    """Return the light that an empty desk reflects, with the grain of wood or without."""
    color = np.array(_DESKS[rng.integers(len(_DESKS))]) * rng.uniform(0.8, 1.2)
    texture = _wood(size, rng) if rng.random() < 0.6 else noise(size, rng.uniform(2, 30), rng)
    lit = color * (1 + rng.uniform(0.02, 0.15) * texture[..., None])
    return np.asarray(np.clip(lit, 0.02, 0.95), np.float32)


def _wood(size: tuple[int, int], rng: np.random.Generator) -> Field:
    """Return noise that is drawn out along or across."""
    grain = rng.uniform(2, 6), rng.uniform(20, 80)
    if rng.random() < 0.5:
        grain = grain[::-1]
    small = [max(2, int(side / length)) for side, length in zip(size, grain, strict=True)]
    rough = rng.standard_normal(small, dtype=np.float32)
    return np.asarray(cv2.resize(rough, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)

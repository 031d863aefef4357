"""Damage to a line of ink by pens, paper, cameras and ink extraction."""

import cv2
import numpy as np

from digits.ink import InkArray
from training.handwriting import strokes as pen_strokes
from training.synthesis.optics import noise


def damage(ink: InkArray, tall: float, pen: float, rng: np.random.Generator) -> InkArray:
    """Randomly wear, blur, threshold and soil ink, `(h, w)` float32 in `[0, 1]`.

    `tall` is the height of a character and `pen` the line width, in pixels.
    """
    chance = rng.random(9)
    if chance[0] < 0.35:
        ink = _worn(ink, pen, rng)
    if chance[1] < 0.1:
        ink = _with_gaps(ink, pen, rng)
    if chance[2] < 0.5:
        ink = cv2.GaussianBlur(ink, (0, 0), max(0.3, rng.uniform(0.05, 0.5) * pen))
    if chance[3] < 0.6:
        least, most = rng.uniform(0, 0.35), rng.uniform(0.5, 1.0)
        ink = np.clip((ink - least) / (most - least), 0, 1)
    if chance[4] < 0.15:
        ink = _with_specks(ink, tall, rng)
    if chance[5] < 0.15:
        ink = _with_remnants(ink, tall, rng)
    if chance[6] < 0.12:
        ink = _with_squares(ink, tall, rng)
    if chance[7] < 0.1:
        ink = ink * np.float32(rng.uniform(0.5, 1))
    if chance[8] < 0.12:
        ink = _with_shadow(ink, tall, rng)
    return np.ascontiguousarray(ink, np.float32)


def _worn(ink: InkArray, pen: float, rng: np.random.Generator) -> InkArray:
    """Apply the paper's grain, or uneven light, to the lines."""
    rough = noise(ink.shape, float(rng.choice([max(1.2, 0.3 * pen), 2 + 2 * pen])), rng)
    return ink * np.clip(1 - rng.uniform(0.2, 0.8) * np.clip(0.3 + 0.7 * rough, 0, 1), 0, 1)


def _with_shadow(ink: InkArray, tall: float, rng: np.random.Generator) -> InkArray:
    """Fade the ink on one side of a shadow's edge."""
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]].astype(np.float32)
    angle, (x, y) = rng.uniform(0, 2 * np.pi), rng.uniform(0, ink.shape[::-1])
    away = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    soft = max(0.5, rng.uniform(0, 0.15) * tall)
    return ink * (1 - rng.uniform(0.2, 0.6) * np.clip(0.5 + away / soft, 0, 1))


def with_edges(ink: InkArray, tall: float, at: float, rng: np.random.Generator) -> InkArray:
    """Add remnants of the edges of a shadow or a sheet whose corner is at column `at`.

    See `damage` for `ink` and `tall`.
    """
    edges = np.zeros_like(ink)
    corner = np.array([at, rng.uniform(0, ink.shape[0])])
    first = rng.uniform(0, 2 * np.pi)
    for angle in (first, first + rng.uniform(0.6, np.pi)):
        way = np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(0.2, 1.2) * tall
        ends = np.round([corner, corner + way]).astype(int)
        cv2.line(edges, ends[0].tolist(), ends[1].tolist(), 1.0, max(1, round(0.03 * tall)))
    edges = cv2.GaussianBlur(edges, (0, 0), max(0.4, rng.uniform(0, 0.04) * tall))
    edges *= np.clip(0.7 + 0.5 * noise(ink.shape, 0.3 * tall, rng), 0, 1)
    return np.maximum(ink, rng.uniform(0.2, 0.6) / max(float(edges.max()), 1e-3) * edges)


def _with_gaps(ink: InkArray, pen: float, rng: np.random.Generator) -> InkArray:
    """Erase narrow lines, as folds and removed ruled lines do."""
    gaps = np.ones_like(ink)
    for _ in range(int(rng.integers(1, 4))):
        place = rng.uniform(0, ink.shape[::-1])
        angle = rng.choice([0.0, 0.0, np.pi / 2, rng.uniform(0, np.pi)]) + rng.normal(0, 0.03)
        way = np.array([np.cos(angle), np.sin(angle)]) * max(ink.shape)
        ends = np.round(place + np.array([-way, way])).astype(int)
        cv2.line(gaps, ends[0].tolist(), ends[1].tolist(), 0.0, max(1, round(0.4 * pen)))
    return ink * gaps


def _with_specks(ink: InkArray, tall: float, rng: np.random.Generator) -> InkArray:
    """Add dust."""
    dust = np.zeros_like(ink)
    for _ in range(int(rng.integers(1, 6))):
        at = [int(rng.integers(side)) for side in ink.shape[::-1]]
        radius = round(rng.uniform(0.0, 0.04) * tall)
        cv2.circle(dust, at, radius, float(rng.uniform(0.3, 1)), cv2.FILLED)
    return np.maximum(ink, dust)


def _with_remnants(ink: InkArray, tall: float, rng: np.random.Generator) -> InkArray:
    """Add remnants of ruled lines, boxes and neighboring rows."""
    remnants = np.zeros_like(ink)
    height, width = ink.shape
    thick = max(1, round(rng.uniform(0.01, 0.05) * tall))
    for _ in range(int(rng.integers(1, 4))):
        start = rng.uniform(0, 1, 2) * (width, height)
        length = rng.uniform(0.1, 1.0) * tall
        kind = rng.random()
        if kind < 0.5:
            start[1] = rng.choice([rng.uniform(0, 0.1), rng.uniform(0.9, 1), rng.uniform(0, 1)])
            start[1] *= height
            end = start + np.array([length * rng.uniform(0.5, 3), rng.normal(0, 0.02) * tall])
        elif kind < 0.75:
            start[1] = rng.choice([0, height - 0.25 * length])
            end = start + np.array([rng.normal(0, 0.1) * tall, 0.25 * length])
        else:
            end = start + np.array([rng.normal(0, 0.02) * tall, 0.3 * length])
        ends = np.round([start, end]).astype(int)
        cv2.line(remnants, ends[0].tolist(), ends[1].tolist(), float(rng.uniform(0.3, 1)), thick)
    return np.maximum(ink, remnants)


def _with_squares(ink: InkArray, tall: float, rng: np.random.Generator) -> InkArray:
    """Add remnants of squared or ruled paper, near ink or everywhere."""
    height, width = ink.shape
    pitch = max(5.0, rng.uniform(0.25, 1.2) * tall)
    thick = max(1, round(rng.uniform(0.01, 0.06) * tall))
    turn, shade = pen_strokes.rotation(rng.normal(0, 0.06))[:2, :2].T, rng.uniform(0.25, 1)
    corner, reach = rng.uniform(-pitch, 0, 2), float(height + width)
    squares = np.zeros_like(ink)
    for axis in (0, 1) if rng.random() < 0.7 else (1,):
        for place in np.arange(-reach / 2, reach, pitch):
            ends = np.array([[place, -reach], [place, reach]])
            ends = (ends if axis == 0 else ends[:, ::-1]) @ turn + corner
            fixed = np.round(8 * ends).astype(int)
            cv2.line(squares, fixed[0].tolist(), fixed[1].tolist(), shade, thick, cv2.LINE_AA, 3)
    if rng.random() < 0.8:
        near = max(3, 2 * round(rng.uniform(0.03, 0.25) * tall) + 1)
        squares *= cv2.dilate(ink, np.ones((near, near), np.uint8)) > 0.3
    return np.maximum(ink, squares)

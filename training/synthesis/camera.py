"""Capturing a page as a picture: photographed, scanned or saved directly."""

import cv2
import numpy as np
import numpy.typing as npt

from training.handwriting.strokes import rotation, translation
from training.synthesis import log_uniform
from training.synthesis.optics import WAVE_POINTS, jpeg, noise, shadow_shape
from training.synthesis.page import Page
from training.synthesis.surfaces import grain


def photograph(page: Page, rng: np.random.Generator) -> Page:
    """Photograph a page: in perspective, in uneven light, slightly blurred and noisy."""
    if rng.random() < 0.7:
        page = _slanted(page, rng)
    exposed = page.picture * (light(page.size, rng) * np.float32(rng.uniform(0.55, 1.05)))
    sharp = float(rng.uniform(0.0, 1.3) ** 2)
    if sharp > 0.3:
        exposed = cv2.GaussianBlur(exposed, (0, 0), sharp)
    level = log_uniform(0.5, 12, rng)
    noisy = grain(page.size, rng)
    if rng.random() < 0.5:
        noisy = 1.8 * cv2.GaussianBlur(noisy, (0, 0), 0.8)
    exposed = exposed + (level * noisy)[..., None]
    if rng.random() < 0.3:
        exposed += 1.5 * level * np.dstack([noise(page.size, 3.0, rng) for _ in range(3)])
    if rng.random() < 0.3:
        exposed += float(rng.uniform(0.2, 0.8)) * (exposed - cv2.GaussianBlur(exposed, (0, 0), 1.2))
    page.picture = np.clip(exposed, 0, 255).astype(np.uint8)
    page.kind.append("photographed")
    return page


def _slanted(page: Page, rng: np.random.Generator) -> Page:
    height, width = page.size
    turn = rotation(rng.normal(0, 0.05))
    turn[2, :2] = rng.normal(0, 0.06, 2).clip(-0.12, 0.12) / max(page.size)
    middle = np.array([width, height]) / 2
    matrix = translation(middle) @ turn @ translation(-middle)
    edge = np.concatenate([page.picture[0], page.picture[-1]])
    return page.warp(matrix, page.size, np.median(edge, axis=0))


def light(size: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return the illumination of a page, `(H, W, 3)` float32, 1 is full; computed coarsely."""
    height, width = size
    coarse = (max(2, height // 4), max(2, width // 4))
    y = np.linspace(-1, 1, coarse[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, coarse[1], dtype=np.float32)[None, :]
    angle = rng.uniform(0, 2 * np.pi)
    field = 1 + np.float32(rng.uniform(0, 0.4)) * (np.cos(angle) * x + np.sin(angle) * y) / 2
    field = field * (1 - np.float32(rng.uniform(0, 0.3)) * (x**2 + y**2) / 2)
    field *= 1 + 0.04 * noise(coarse, max(coarse) / 3, rng)
    lit = field[..., None] * (1 + rng.normal(0, 0.06) * np.array([1.0, 0.1, -1.0], np.float32))
    for _ in range(int(rng.choice([0, 1, 2], p=[0.4, 0.4, 0.2]))):
        lit = lit * _shadow(coarse, rng)[..., None]
    return cv2.resize(lit.astype(np.float32), (width, height))


def _shadow(size: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    longer = max(size)
    angle = rng.uniform(0, 2 * np.pi)
    wave = rng.uniform(0, 0.06) * longer * np.cumsum(rng.normal(0, 0.5, WAVE_POINTS))
    middle = rng.uniform(0.1, 0.9, 2) * size[::-1]
    depth = rng.uniform(0.1, 0.6) * longer if rng.random() < 0.4 else 4 * longer
    sheet = shadow_shape(size, middle, angle, wave, depth)
    soft = log_uniform(0.4, 0.06 * longer, rng)
    return 1 - np.float32(rng.uniform(0.15, 0.6)) * cv2.GaussianBlur(sheet, (0, 0), soft)


def scanned(page: Page, rng: np.random.Generator) -> Page:
    """Scan a page: slightly rotated, slightly blurred."""
    if rng.random() < 0.4:
        page = _slanted(page, rng)
    if rng.random() < 0.5:
        page.picture = cv2.GaussianBlur(page.picture, (0, 0), float(rng.uniform(0.3, 1.0)))
    return page


def saved(page: Page, rng: np.random.Generator) -> Page:
    """Sometimes change the colors (inverted, gray, permuted or fainter) and compress as JPEG."""
    picture = page.picture
    kind = rng.random()
    if kind < 0.12:
        picture = 255 - picture
    elif kind < 0.30:
        gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        picture = np.repeat(gray[..., None], 3, axis=2)
        if rng.random() < 0.2:
            picture = 255 - picture
    elif kind < 0.36:
        picture = np.ascontiguousarray(picture[..., rng.permutation(3)])
    elif kind < 0.46:
        low, high = rng.uniform(0, 0.4), rng.uniform(0.6, 1.0)
        picture = (picture * np.float32(high - low) + np.float32(255 * low)).astype(np.uint8)
    if rng.random() < 0.35:
        picture = jpeg(picture, int(rng.integers(25, 96)))
    page.picture = np.ascontiguousarray(picture)
    return page

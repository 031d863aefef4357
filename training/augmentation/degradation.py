"""Image degradation, as by bad cameras, scanners, compression and paper.

Images are `(28, 28)` float32, 0 paper, 1 full ink. All functions return new images; only `degrade`
clips them to `[0, 1]`.
"""

from collections.abc import Callable

import cv2
import numpy as np

from digits.ink import InkArray
from training.handwriting.strokes import draw_line


def grain(image: InkArray, rng: np.random.Generator) -> InkArray:
    """Add Gaussian noise to some or all pixels."""
    noise = rng.normal(0, rng.uniform(0.02, 0.25), image.shape).astype(np.float32)
    return image + noise * (rng.random(image.shape) < rng.uniform(0.1, 1))


def shot_noise(image: InkArray, rng: np.random.Generator) -> InkArray:
    """Apply Poisson noise, as in a dark room; full ink is 2 to 12 quanta."""
    quanta = rng.uniform(2, 12)
    return (rng.poisson(image * quanta) / quanta).astype(np.float32)


def impulse_noise(image: InkArray, rng: np.random.Generator) -> InkArray:
    """Apply salt-and-pepper noise to up to a fifth of the pixels."""
    hit = rng.random(image.shape) < rng.uniform(0.01, 0.2)
    return np.where(hit, rng.random(image.shape) < rng.uniform(0.2, 0.8), image).astype(np.float32)


def line_noise(image: InkArray, rng: np.random.Generator) -> InkArray:
    """Draw a straight, dashed or zigzag line over the image."""
    height, width = image.shape
    count = int(rng.integers(2, 12))
    xs = np.linspace(rng.uniform(-2, 4), width + rng.uniform(-4, 2), count)
    first, last = rng.uniform(0, height, 2)
    ys = np.linspace(first, last, count)
    ys += rng.uniform(0, 3) * np.where(np.arange(count) % 2, 1, -1) * (rng.random() < 0.6)
    places = np.column_stack([xs, ys] if rng.random() < 0.75 else [ys, xs])
    line = np.zeros((height, width), np.uint8)
    draw_line(line, places, int(rng.integers(1, 3)), shift=3)
    if rng.random() < 0.4:
        dash = int(rng.integers(1, 4))
        line[:, np.arange(width) // dash % 2 == 0] = 0
    return np.maximum(image, line * np.float32(rng.uniform(0.4, 1) / 255))


def partial_inversion(image: InkArray, rng: np.random.Generator) -> InkArray:
    """Invert the margins of the image, or its middle."""
    side = image.shape[1]
    first, last = sorted(rng.integers(0, side // 2 - 2, 2))
    parts = np.zeros(side, bool)
    parts[:first] = parts[side - last :] = True
    if rng.random() < 0.5:
        parts = ~parts
    mask = np.broadcast_to(parts, image.shape)
    return np.where(mask if rng.random() < 0.7 else mask.T, 1 - image, image).astype(np.float32)


def fog(image: InkArray, rng: np.random.Generator) -> InkArray:
    """Blend the image with clouds of several scales."""
    side = image.shape[0]
    cloud = np.zeros(image.shape, np.float32)
    for cells, weight in ((2, 1.0), (4, 0.5), (8, 0.25), (16, 0.12)):
        knots = rng.normal(0, weight, (cells, cells)).astype(np.float32)
        cloud += cv2.resize(knots, (side, side), interpolation=cv2.INTER_CUBIC)
    cloud = (cloud - cloud.min()) / max(float(np.ptp(cloud)), 1e-6)
    share = rng.uniform(0.2, 0.8)
    fogged = (1 - share) * image + share * rng.uniform(0.3, 1) * cloud
    if rng.random() < 0.5:
        fogged = (fogged - fogged.min()) / max(float(np.ptp(fogged)), 1e-6)
    return fogged


def stained(image: InkArray, rng: np.random.Generator) -> InkArray:
    """Cover parts of the image with stains of one gray level."""
    rough = cv2.GaussianBlur(rng.normal(0, 1, image.shape).astype(np.float32), (0, 0), 1.5)
    stains = rough > np.quantile(rough, rng.uniform(0.7, 0.97))
    soft = cv2.GaussianBlur(stains.astype(np.float32), (0, 0), 0.6)
    return image * (1 - soft) + np.float32(rng.uniform(0, 0.7)) * soft


KINDS: tuple[Callable[[InkArray, np.random.Generator], InkArray], ...] = (
    grain,
    shot_noise,
    impulse_noise,
    line_noise,
    partial_inversion,
    fog,
    stained,
)


def degrade(image: InkArray, rng: np.random.Generator) -> InkArray:
    """Sometimes blur, fade or shift by a pixel, and sometimes apply one of `KINDS`."""
    chance = rng.random(4)
    if chance[0] < 0.15:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.9))
    if chance[1] < 0.15:
        image = image ** rng.uniform(0.5, 1.8) * rng.uniform(0.6, 1)
    if chance[2] < 0.2:
        image = np.roll(image, rng.integers(-1, 2, 2), (0, 1))
    if chance[3] < 0.22:
        image = KINDS[rng.integers(len(KINDS))](image, rng)
    return np.clip(image, 0, 1, dtype=np.float32)

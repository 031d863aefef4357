"""Image formation: noise and blur, illumination and shadows, and the camera."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from training.synthesis import log_uniform

Field = npt.NDArray[np.float32]
"""`(H, W)` or `(H, W, 3)`, light or reflectance."""

WAVE_POINTS = 24
"""Number of points on a shadow's edge."""


def noise(size: tuple[int, ...], grain: float, rng: np.random.Generator) -> Field:
    """Return smooth noise of mean 0 and deviation about 1, with a grain in pixels."""
    return clouds([max(2, int(np.ceil(side / grain))) for side in size], size, rng)


def clouds(cells: Sequence[int], size: tuple[int, ...], rng: np.random.Generator) -> Field:
    """Return white noise of mean 0 and deviation 1 on a grid of cells, upsampled to `size`."""
    rough = rng.standard_normal(cells, dtype=np.float32)
    return cv2.resize(rough, size[::-1], interpolation=cv2.INTER_CUBIC)


def blur(field: Field, sigma: float) -> Field:
    """Apply a Gaussian blur; a wide one on a reduced copy, which is faster and looks the same."""
    step = max(1, int(sigma / 4))
    if step == 1:
        return cv2.GaussianBlur(field, (0, 0), max(sigma, 0.1))
    size = field.shape[1::-1]
    shrunk = (size[0] // step + 1, size[1] // step + 1)
    small = cv2.resize(field, shrunk, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)


def uneven_light(size: tuple[int, int], rng: np.random.Generator) -> Field:
    """Return the illumination of the paper, `(H, W, 3)` float32, 1 is full."""
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
    color = 1 + rng.normal(0, 0.05) * np.array([1.0, 0.1, -1.0])
    lit = light[..., None] * color.astype(np.float32)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.5, 0.38, 0.12]))):
        lit *= _shadow(size, rng)
    return np.asarray(lit, np.float32)


def _shadow(size: tuple[int, int], rng: np.random.Generator) -> Field:
    """Return one shadow with a hard or soft edge (a hand, the phone, a window frame)."""
    longer = max(size)
    angle = rng.uniform(0, 2 * np.pi)
    middle = rng.uniform(0.15, 0.85, 2) * size[::-1]
    wave = rng.uniform(0, 0.05) * longer * np.cumsum(rng.normal(0, 0.5, WAVE_POINTS))
    depth = rng.uniform(0.15, 0.6) * longer if rng.random() < 0.35 else 4 * longer
    sheet = shadow_shape(size, middle, angle, wave, depth)
    mask = blur(sheet, log_uniform(0.002, 0.06, rng) * longer)
    dark = rng.uniform(0.2, 0.55)
    tinted = np.array([1.0, 0.97, 0.92], np.float32)  # shadows are lit by the sky, hence bluish
    return 1 - mask[..., None] * (np.float32(dark) * tinted)


def shadow_shape(
    size: tuple[int, int],
    middle: npt.NDArray[np.float64],
    angle: float,
    wave: npt.NDArray[np.float64],
    depth: float,
) -> Field:
    """Return a mask, 1 within `depth` behind a wavy edge through `middle` and 0 elsewhere.

    `wave` is the distance of each of `WAVE_POINTS` points from the straight edge.
    """
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    t = np.linspace(-2, 2, WAVE_POINTS) * max(size)  # both ends far outside
    edge = middle + t[:, None] * along + wave[:, None] * across
    sheet = np.zeros(size, np.float32)
    outline = np.vstack([edge, edge[::-1] + depth * across])
    cv2.fillPoly(sheet, [np.round(outline).astype(np.int32)], 1.0)
    return sheet


def expose(radiance: Field, width: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Simulate a camera: exposure, focus, noise, tone and JPEG.

    Turns `(H, W, 3)` float32 light into `(H, W, 3)` uint8 RGB. Blur is limited so that a pen line
    of `width` pixels stays visible.
    """
    exposed = radiance * (rng.uniform(0.6, 1.04) / np.percentile(radiance[::8, ::8], 95))
    sharp = min(rng.uniform(0.3, 1.8), 0.45 + 0.35 * width)
    exposed = blur(exposed, sharp)
    if rng.random() < 0.2:
        exposed = _shake(exposed, min(0.6 * width + 1.5, 6.0), rng)
    exposed = _sensor(exposed, rng)
    if rng.random() < 0.5:  # sharpening by the phone
        exposed += rng.uniform(0.2, 0.8) * (exposed - blur(exposed, 1.2))
    toned = np.clip(exposed, 0, 1) ** rng.uniform(0.8, 1.15)
    return jpeg(np.round(toned * 255).astype(np.uint8), int(rng.integers(30, 96)))


def _shake(exposed: Field, length: float, rng: np.random.Generator) -> Field:
    """Apply motion blur along a short line, as from a shaking hand."""
    reach = max(1, round(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    angle = rng.uniform(0, np.pi)
    dx, dy = (round(float(v) * reach) for v in (np.cos(angle), np.sin(angle)))
    cv2.line(kernel, (reach - dx, reach - dy), (reach + dx, reach + dy), 1.0, 1)
    return cv2.filter2D(exposed, -1, kernel / kernel.sum())


def _sensor(exposed: Field, rng: np.random.Generator) -> Field:
    """Add luminance and color noise that grows with the light, sometimes smoothed."""
    level = log_uniform(0.003, 0.035, rng)
    size = exposed.shape[:2]
    gray = rng.standard_normal(size, dtype=np.float32)
    if rng.random() < 0.5:
        gray = 1.6 * blur(gray, 0.7)
    color = np.dstack([noise(size, 2.0, rng) for _ in range(3)])
    stronger = np.sqrt(np.clip(exposed[..., 1], 0.02, 1)) * np.float32(level)
    return exposed + (stronger * gray)[..., None] + (0.3 * stronger)[..., None] * color


def jpeg(picture: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    """Compress an RGB picture as JPEG and decode it."""
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

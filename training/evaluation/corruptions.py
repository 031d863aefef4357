"""The fifteen corruptions of MNIST-C, reimplemented from their published definitions.

Definitions and strengths are those of N. Mu and J. Gilmer, "MNIST-C: A Robustness Benchmark for
Computer Vision" (2019). Angles, noise and positions are drawn independently, so that figures are
comparable with theirs but not equal to them.

Every corruption takes `(N, 28, 28)` float32 images in `[0, 1]`, 1 is ink, and a generator, and
returns the same shape; `corrupt` clips the result to `[0, 1]`.
"""

import itertools
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.preprocessing import IMAGE_SIDE


def corrupt(name: str, images: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint8]:
    """Apply one of `CORRUPTIONS` to `(N, 28, 28)` uint8 images, 255 is ink.

    The same seed gives the same result; each corruption has its own random stream.

    Raises:
        KeyError: If the corruption is unknown.
    """
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    corrupted = CORRUPTIONS[name](images.astype(np.float32) / np.float32(255), rng)
    return np.round(np.clip(corrupted, 0, 1) * 255).astype(np.uint8)


def shot_noise(images: InkArray, rng: np.random.Generator) -> InkArray:
    """Sample photon counts; full ink is three photons."""
    return np.asarray(rng.poisson(images * 3.0) / 3.0, np.float32)


def impulse_noise(images: InkArray, rng: np.random.Generator) -> InkArray:
    """Set 17 % of the pixels to paper or ink."""
    hit = rng.random(images.shape, np.float32) < 0.17
    value = (rng.random(images.shape, np.float32) < 0.5).astype(np.float32)
    return np.asarray(np.where(hit, value, images), np.float32)


def glass_blur(images: InkArray, rng: np.random.Generator) -> InkArray:
    """Blur, swap pixels with a neighbor up or left in two rounds, and blur again."""
    shaken = _gaussian(images, 0.7)
    rows = np.arange(len(images))
    for _ in range(2):
        for y in range(IMAGE_SIDE - 1, 1, -1):
            for x in range(IMAGE_SIDE - 1, 1, -1):
                up, left = rng.integers(0, 2, (2, len(images)))
                swapped = rng.random(len(images)) < 0.5
                there = (rows[swapped], y - up[swapped], x - left[swapped])
                here = (rows[swapped], y, x)
                shaken[here], shaken[there] = shaken[there], shaken[here].copy()
    return _gaussian(shaken, 0.7)


def motion_blur(images: InkArray, rng: np.random.Generator) -> InkArray:
    """Smear to one side by half a Gaussian (sigma 3, cut at 20 pixels), up to 45 degrees steep."""
    steps = np.arange(21)
    weights = np.exp(-(steps**2) / (2 * 3.0**2))
    smeared = np.empty_like(images)
    for index, angle in enumerate(rng.uniform(-np.pi / 4, np.pi / 4, len(images))):
        kernel = np.zeros((41, 41), np.float32)
        dy, dx = (np.ceil(steps * v - 0.5).astype(int) for v in (np.sin(angle), np.cos(angle)))
        np.add.at(kernel, (20 + dy, 20 + dx), weights / weights.sum())
        smeared[index] = cv2.filter2D(images[index], -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return smeared


def shear(images: InkArray, rng: np.random.Generator) -> InkArray:
    """Shear by 0.4 radians in either direction."""
    angles = 0.4 * rng.choice([-1.0, 1.0], len(images))
    return _warp(images, [np.array([[1, -np.sin(a)], [0, np.cos(a)]]) for a in angles])


def scale(images: InkArray, _: np.random.Generator) -> InkArray:
    """Scale by 0.7."""
    return _warp(images, [np.eye(2) / 0.7] * len(images))


def rotate(images: InkArray, rng: np.random.Generator) -> InkArray:
    """Rotate by 0.4 radians in either direction."""
    angles = 0.4 * rng.choice([-1.0, 1.0], len(images))
    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in angles]
    return _warp(images, turns)


def brightness(images: InkArray, _: np.random.Generator) -> InkArray:
    """Add 0.5 to every pixel."""
    return np.asarray(np.clip(images + 0.5, 0, 1), np.float32)


def translate(images: InkArray, rng: np.random.Generator) -> InkArray:
    """Shift by 3 pixels along both axes, in either direction."""
    moved = np.zeros_like(images)
    for index, (dy, dx) in enumerate(3 * rng.choice([-1, 1], (len(images), 2))):
        matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        moved[index] = cv2.warpAffine(images[index], matrix, (IMAGE_SIDE, IMAGE_SIDE))
    return moved


def stripe(images: InkArray, _: np.random.Generator) -> InkArray:
    """Invert the left and right quarters."""
    striped = images.copy()
    striped[:, :, :7] = 1 - striped[:, :, :7]
    striped[:, :, 21:] = 1 - striped[:, :, 21:]
    return striped


def fog(images: InkArray, rng: np.random.Generator) -> InkArray:
    """Mix each image with three times as much of a plasma cloud."""
    most = images.max(axis=(1, 2), keepdims=True)
    fogged = (images + 3 * _plasma(len(images), rng)) * most / np.maximum(most + 3, 1e-6)
    return np.asarray(fogged, np.float32)


def spatter(images: InkArray, rng: np.random.Generator) -> InkArray:
    """Cover with dark gray drops."""
    liquid = _gaussian(rng.normal(0.65, 0.3, images.shape).astype(np.float32), 1.0)
    drops = _gaussian((liquid > 0.65).astype(np.float32), 1.5)
    drops[drops < 0.8] = 0
    return np.asarray(images * (1 - drops) + 63 / 255 * drops, np.float32)


def dotted_line(images: InkArray, rng: np.random.Generator) -> InkArray:
    """Draw a dotted line from the left to the right edge, two columns on and two off."""
    left, right = rng.integers(0, 27, (2, len(images))).astype(np.float64)
    line = _line(np.stack([np.zeros_like(left), left]), np.stack([np.full_like(right, 27), right]))
    line[:, :, np.arange(IMAGE_SIDE) % 4 < 2] = 0
    return np.asarray(np.clip(images + line, 0, 1), np.float32)


def zigzag(images: InkArray, rng: np.random.Generator) -> InkArray:
    """Draw a zigzag line across the image, with an amplitude of 2 and a step of 4 pixels."""
    left = rng.integers(0, 27, len(images)).astype(np.float64)
    right = left + rng.integers(-5, 5, len(images))
    angle = np.arctan((right - left) / 23)
    cos, sin = np.cos(angle), np.sin(angle)
    along, over = (0, 2, 6, 10, 14, 18, 22, 23 / cos), (0, 2, -2, 2, -2, 2, -2, 0)
    corners = [
        np.stack([2 + cos * a - sin * o, left + sin * a + cos * o])
        for a, o in zip(along, over, strict=True)
    ]
    for start, end in itertools.pairwise(corners):
        images = np.clip(images + _line(start, end), 0, 1)
    return images


def canny_edges(images: InkArray, _: np.random.Generator) -> InkArray:
    """Keep only the edges found by the Canny detector.

    Sigma is 1 pixel; the thresholds are 0.1 and 0.2 of a gradient that is 1 for a full step. The
    gradient of OpenCV is four times that, and in 255ths.
    """
    smooth = np.round(_gaussian(images, 1.0) * 255).astype(np.uint8)
    edges = [cv2.Canny(image, 0.1 * 4 * 255, 0.2 * 4 * 255, L2gradient=True) for image in smooth]
    return np.asarray(np.stack(edges) / 255, np.float32)


CORRUPTIONS: dict[str, Callable[[InkArray, np.random.Generator], InkArray]] = {
    function.__name__: function
    for function in (
        shot_noise, impulse_noise, glass_blur, motion_blur, shear, scale, rotate, brightness,
        translate, stripe, fog, spatter, dotted_line, zigzag, canny_edges,
    )
}  # fmt: skip


def _gaussian(images: InkArray, sigma: float) -> InkArray:
    """Blur each image with replicated borders and a kernel truncated at four sigma."""
    side = 2 * int(4 * sigma + 0.5) + 1
    repeat = cv2.BORDER_REPLICATE
    blurred = [cv2.GaussianBlur(i, (side, side), sigma, borderType=repeat) for i in images]
    return np.asarray(np.stack(blurred), np.float32)


def _warp(images: InkArray, matrices: list[npt.NDArray[np.float64]]) -> InkArray:
    """Warp images about their center, bilinear, with paper outside.

    The `(2, 2)` matrices map positions in the result to positions in the image.
    """
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = np.empty_like(images)
    center = np.full(2, (IMAGE_SIDE - 1) / 2)
    for index, matrix in enumerate(matrices):
        full = np.column_stack([matrix, center - matrix @ center])
        warped[index] = cv2.warpAffine(images[index], full, (IMAGE_SIDE, IMAGE_SIDE), flags=flags)
    return warped


def _line(start: npt.NDArray[np.float64], end: npt.NDArray[np.float64]) -> InkArray:
    """Draw one line on each of N empty images, from its left to its right end, `(2, N)` x, y.

    Ink decays with the vertical distance d as log(1 - d / 2.3) + 1.
    """
    (x0, y0), (x1, y1) = start, end
    columns = np.arange(IMAGE_SIDE)[None, :]
    slope = np.divide(y1 - y0, x1 - x0, out=np.zeros_like(x0), where=x1 != x0)
    height = slope[:, None] * (columns - x0[:, None]) + y0[:, None]
    far = np.abs(np.arange(IMAGE_SIDE)[None, :, None] - height[:, None, :])
    ink = np.clip(np.log(1 - np.minimum(far, 2.2999) / 2.3) + 1, 0, 1)
    inside = (columns >= np.floor(x0)[:, None]) & (columns < np.ceil(x1)[:, None])
    return np.asarray(ink * inside[:, None, :], np.float32)


def _plasma(count: int, rng: np.random.Generator) -> InkArray:
    """Return `(count, 28, 28)` crops of 256x256 plasma clouds, each cloud in `[0, 1]`.

    Each cloud yields sixteen crops, 64 pixels apart, which is faster than a cloud per crop.
    """
    clouds = [_cloud(rng) for _ in range(-(-count // 16))]
    corners = list(itertools.product(range(0, 256, 64), repeat=2))
    crops = [cloud[y : y + IMAGE_SIDE, x : x + IMAGE_SIDE] for cloud in clouds for y, x in corners]
    return np.stack(crops)[rng.permutation(len(crops))[:count]]


def _cloud(rng: np.random.Generator) -> InkArray:
    """Generate a cloud by midpoint displacement on a torus; the range decays by 1.4^2 per step."""
    cloud = np.zeros((1, 1), np.float32)
    reach = 1.0
    while len(cloud) < 256:
        side = 2 * len(cloud)
        grown = np.zeros((side, side), np.float32)
        grown[::2, ::2] = cloud
        square = cloud + np.roll(cloud, -1, 0)
        square = (square + np.roll(square, -1, 1)) / 4
        grown[1::2, 1::2] = square + rng.uniform(-reach, reach, square.shape)
        middles = grown[1::2, 1::2]
        flat = cloud + np.roll(cloud, -1, 1) + middles + np.roll(middles, 1, 0)
        steep = cloud + np.roll(cloud, -1, 0) + middles + np.roll(middles, 1, 1)
        grown[::2, 1::2] = flat / 4 + rng.uniform(-reach, reach, flat.shape)
        grown[1::2, ::2] = steep / 4 + rng.uniform(-reach, reach, steep.shape)
        cloud, reach = grown, reach / 1.4**2
    cloud -= cloud.min()
    return np.asarray(cloud / cloud.max(), np.float32)

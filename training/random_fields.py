"""Fields of light: noise and blur, which photographs of paper and of desks share."""

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
"""`(H, W)` or `(H, W, 3)`, light or the share of it that is reflected."""

Color = tuple[float, float, float]
"""The share of red, green and blue light that is reflected."""


def noise(size: tuple[int, int], grain: float, rng: np.random.Generator) -> Field:
    """Return smooth noise of mean 0 and deviation about 1; spots of about `grain` pixels."""
    small = [max(2, int(np.ceil(side / grain))) for side in size]
    rough = rng.standard_normal(small, dtype=np.float32)
    return np.asarray(cv2.resize(rough, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def blur(field: Field, sigma: float) -> Field:
    """Blur by a Gaussian; a wide one on a smaller copy, which looks the same and is faster."""
    step = max(1, int(sigma / 4))
    if step == 1:
        return np.asarray(cv2.GaussianBlur(field, (0, 0), max(sigma, 0.1)), np.float32)
    size = field.shape[1::-1]
    shrunk = (size[0] // step + 1, size[1] // step + 1)
    small = cv2.resize(field, shrunk, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.float32)

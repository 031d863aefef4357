"""The extractor: the network that separates the ink of digits from the rest of a picture."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import Ink, InkArray, components, resize
from digits.layers import Tensors
from digits.networks import BESIDE, EXTRACTOR
from digits.onnx_graph import open_heads
from digits.pictures import Picture
from digits.segmentation.finder import DIGIT, WRITING, Center
from digits.segmentation.letterbox import as_planes, in_color, stretch

DIGIT_HEIGHT: Final = 40
"""Approximate height of the digits that the network sees, in pixels."""

_MAX_PIXELS: Final = 320_000
"""Maximum size of the network's input."""

_MARGIN: Final = (1.6, 1.1)
"""Beside, and above and below the outermost digit centers, as a multiple of digit height."""

_FAINT: Final = 0.2
"""Ink counts from here on: the network learns strokes that are a little too broad."""

CONNECTING_INK: Final = 0.3
"""Minimum ink that connects strokes."""

_MIN_SHARE: Final = 0.2
"""Minimum share of digits in the digits and letters of a connected component to keep it."""


class Extractor:
    """The network, built from `tensors` named as in `digits.layers.shapes`; thread-safe."""

    def __init__(self, tensors: Tensors) -> None:
        self._heads = open_heads(BESIDE[EXTRACTOR], tensors, softmax=True)

    def separate(self, picture: Picture, height: float) -> tuple[npt.NDArray[np.float32], float]:
        """Classify the pixels of a picture whose digits have this height in pixels.

        Returns:
            `(4, h, w)` float32 probabilities of nothing, ink of digits, other writing and lines;
            and the pixels of the picture per pixel of it.
        """
        scale = DIGIT_HEIGHT / max(height, 1.0)
        scale = min(scale, (_MAX_PIXELS / (picture.shape[0] * picture.shape[1])) ** 0.5)
        small = stretch(in_color(resize(picture, scale)))
        tall, wide = small.shape[:2]
        rows, columns = BESIDE[EXTRACTOR].input_shape[:2]
        below, beside = -tall % rows, -wide % columns
        full = cv2.copyMakeBorder(small, 0, below, 0, beside, cv2.BORDER_REPLICATE)
        ((shares,),) = self._heads(as_planes(full))
        return shares[:, :tall, :wide], picture.shape[1] / wide


def extract(
    extractor: Extractor, picture: Picture, centers: Sequence[Center], zoom: float = 1.0
) -> Ink:
    """Return the ink of some digits and of what is near them.

    A connected component is kept or dropped as a whole. One that is cut off by the edge of the part
    of the picture that is examined is dropped, unless it holds a center.

    Args:
        extractor: The network.
        picture: The picture.
        centers: Centers of the digits, at least one, in picture pixels.
        zoom: Magnification, compared to the usual size of the network's input.
    """
    height = float(np.median([center.height for center in centers]))
    at = np.array([(center.x, center.y) for center in centers])
    size, margin = picture.shape[1::-1], height * np.array(_MARGIN)
    low = np.maximum(at.min(axis=0) - margin, 0).astype(int)
    high = np.minimum(np.ceil(at.max(axis=0) + margin), size).astype(int)
    part = picture[low[1] : high[1], low[0] : high[0]]
    shares, scale = extractor.separate(part, height / zoom)
    ink = shares[DIGIT] + shares[WRITING]
    labels, stats = components(ink > CONNECTING_INK)
    of_digits, whole = (np.bincount(labels.ravel(), each.ravel()) for each in (shares[DIGIT], ink))
    start, end = stats[:, :2], stats[:, :2] + stats[:, 2:4]
    cut = ((start == 0) & (low > 0)) | ((end == ink.shape[::-1]) & (high < size))
    held = holds(stats[:, :4], (at - low) / scale).any(axis=1)
    keep = (of_digits / (whole + 1e-6) >= _MIN_SHARE) & (held | ~cut.any(axis=1))
    keep[0] = False
    ink = np.maximum(ink - _FAINT, 0) / (1 - _FAINT)
    x, y = low.tolist()
    return Ink(mask_ink(ink, keep[labels]), scale, (x, y))


def holds(boxes: npt.NDArray[np.number], points: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which boxes, `(n, 4)`, contain which points, `(m, 2)`: `(n, m)` bool."""
    low, size = boxes[:, None, :2], boxes[:, None, 2:]
    return np.all((low <= points) & (points <= low + size), axis=2)


def mask_ink(ink: InkArray, kept: npt.NDArray[np.bool_]) -> InkArray:
    """Keep some connected components, with their soft edges, which are fainter than the rest.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`.
        kept: `(h, w)` bool, which of its pixels above `CONNECTING_INK` to keep.
    """
    edges = (cv2.dilate(kept.astype(np.uint8), None) > 0) & (ink <= CONNECTING_INK)  # 3x3
    return ink * (kept | edges)

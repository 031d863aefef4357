"""From a part of a picture to the ink of its digits, by the network that separates ink."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray, components
from digits.layers import Tensors
from digits.networks import BESIDE, EXTRACTOR
from digits.onnx_graph import open_heads
from digits.pictures import Picture
from digits.prediction import Box
from digits.segmentation.finder import DIGIT, WRITING, Centre
from digits.segmentation.letterbox import as_planes, in_color, stretch

DIGIT_HEIGHT: Final = 40
"""Height in pixels of the digits that the network sees, more or less."""

_LARGEST: Final = 320_000
"""Most pixels that the network looks at."""

_BESIDE_MARGIN: Final = 1.6
_ABOVE_MARGIN: Final = 1.1
"""What is looked at around the outermost centres, in heights of the digits."""

_FAINT: Final = 0.2
"""Ink that is none: strokes are learned a little too broad, so the range begins here."""

CONNECTING_INK: Final = 0.3
"""Ink that connects strokes."""

_LEAST_DIGIT: Final = 0.2
"""Digits' share of digits and letters below which connected ink is other writing."""

_NEIGHBOURS: Final = np.ones((3, 3), np.uint8)


class Extractor:
    """The network; safe to share between threads."""

    def __init__(self, tensors: Tensors) -> None:
        """Build the network.

        Args:
            tensors: By the names of `digits.layers.shapes`.
        """
        self._heads = open_heads(BESIDE[EXTRACTOR], tensors, softmax=True)

    def separate(self, picture: Picture, height: float) -> tuple[npt.NDArray[np.float32], float]:
        """Tell for each place what is there.

        Args:
            picture: `(H, W)` or `(H, W, 3)` uint8.
            height: Of its digits in pixels.

        Returns:
            `(4, h, w)` float32 probabilities of nothing, digits' ink, other writing and lines; and
            pixels of the picture to one of them.
        """
        tall, wide = picture.shape[:2]
        scale = min(DIGIT_HEIGHT / max(height, 1.0), (_LARGEST / (tall * wide)) ** 0.5)
        size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = stretch(in_color(cv2.resize(picture, size, interpolation=how)))
        rows, columns = BESIDE[EXTRACTOR].input_shape[:2]
        rest = -size[1] % rows, -size[0] % columns
        full = cv2.copyMakeBorder(small, 0, rest[0], 0, rest[1], cv2.BORDER_REPLICATE)
        ((shares,),) = self._heads(as_planes(full))
        return shares[:, : size[1], : size[0]], wide / size[0]


@dataclass(frozen=True, eq=False)
class DigitInk:
    """Ink of a line of digits, and of what is near it.

    Attributes:
        ink: `(h, w)` float32 in `[0, 1]`.
        scale: Pixels of the picture to one of the ink.
        corner: x and y of its top left corner, in pixels of the picture.
        centres: Of its digits, in pixels of the ink.
        others: Of digits in other lines, the same.
    """

    ink: InkArray
    scale: float
    corner: tuple[int, int]
    centres: tuple[Centre, ...]
    others: tuple[Centre, ...] = ()


def extract(
    extractor: Extractor,
    picture: Picture,
    centres: Sequence[Centre],
    others: Sequence[Centre] = (),
    zoom: float = 1.0,
) -> DigitInk:
    """Get the ink of a line of digits.

    Connected ink is a digit's or other writing as a whole. What the edge of the part that was
    looked at cuts is neither, unless it holds a centre.

    Args:
        extractor: The network.
        picture: `(H, W)` or `(H, W, 3)` uint8.
        centres: Of its digits, one at least, in pixels of the picture.
        others: Of digits in other lines, the same.
        zoom: How much larger than usual the network sees it.
    """
    height = float(np.median([centre.height for centre in centres]))
    x, y, wide, tall = _part(centres, height, picture.shape)
    shares, scale = extractor.separate(picture[y : y + tall, x : x + wide], height / zoom)
    at = [centre.moved(x, y, scale) for centre in centres]
    ink = shares[DIGIT] + shares[WRITING]
    labels, stats = components(ink > CONNECTING_INK)
    share = _sums(labels, shares[DIGIT]) / (_sums(labels, ink) + 1e-6)
    left, top, right, bottom = (*stats.T[:2], *(stats.T[:2] + stats.T[2:4]))
    held = holds(stats[:, :4], at).any(axis=1)
    rows, columns = picture.shape[:2]
    cut = ((left == 0) & (x > 0)) | ((right == ink.shape[1]) & (x + wide < columns))
    cut |= ((top == 0) & (y > 0)) | ((bottom == ink.shape[0]) & (y + tall < rows))
    keep = (share >= _LEAST_DIGIT) & (held | ~cut)
    keep[0] = False
    ink = np.maximum(ink - _FAINT, 0) / (1 - _FAINT)
    rivals = tuple(centre.moved(x, y, scale) for centre in others)
    return DigitInk(mask_ink(ink, keep[labels]), scale, (x, y), tuple(at), rivals)


def _part(centres: Sequence[Centre], height: float, shape: tuple[int, ...]) -> Box:
    """Return the part of a picture that holds some digits and a margin."""
    at = np.array([(centre.x, centre.y) for centre in centres])
    margin = np.array([_BESIDE_MARGIN, _ABOVE_MARGIN]) * height
    x, y = np.maximum(at.min(axis=0) - margin, 0).astype(int).tolist()
    right, bottom = np.minimum(np.ceil(at.max(axis=0) + margin), shape[1::-1]).astype(int).tolist()
    return x, y, right - x, bottom - y


def holds(boxes: npt.NDArray[np.number], centres: Sequence[Centre]) -> npt.NDArray[np.bool_]:
    """Tell which boxes, `(n, 4)`, hold which centres: `(n, len(centres))` bool."""
    at = np.array([[c.x, c.y] for c in centres]).reshape(-1, 2)
    low, size = boxes[:, None, :2], boxes[:, None, 2:]
    return np.all((low <= at) & (at <= low + size), axis=2)


def mask_ink(ink: InkArray, kept: npt.NDArray[np.bool_]) -> InkArray:
    """Keep some of the connected ink, with its soft edges, which are fainter than what connects.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`.
        kept: `(h, w)`: which of its pixels above `CONNECTING_INK` to keep.
    """
    edges = (cv2.dilate(kept.astype(np.uint8), _NEIGHBOURS) > 0) & (ink <= CONNECTING_INK)
    return ink * (kept | edges)


def _sums(labels: npt.NDArray[np.int32], values: InkArray) -> npt.NDArray[np.float64]:
    return np.bincount(labels.ravel(), values.ravel()).astype(np.float64)

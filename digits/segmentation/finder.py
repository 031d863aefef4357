"""The finder: the network that locates the digits of a picture, and other writing.

It sees the whole picture at low resolution and marks the ink of digits, other writing and lines,
and the center of each digit. `digits.segmentation.extractor` then separates the ink itself.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.layers import Tensors
from digits.networks import BESIDE, FINDER
from digits.onnx_graph import open_heads
from digits.pictures import Picture
from digits.prediction import Box
from digits.segmentation.letterbox import as_planes, letterbox, stretch, tiles_of, to_square

_MIN_SCORE: Final = 0.15
"""Minimum probability of a center."""

_OF_THE_BEST: Final = 0.25
"""The same as a share of the highest score: beside a clear digit, texture does not count."""

_APART: Final = 0.3
"""Minimum distance between two digit centers, as a multiple of digit height."""

_MIN_AREA: Final = 16
"""Minimum area of other writing, in pixels of the class map."""

DIGIT, WRITING = 1, 2
"""Channels of the class map, and of the extractor's; 0 is nothing, 3 lines and boxes."""


@dataclass(frozen=True)
class Center:
    """The center of a digit.

    Attributes:
        x: Column.
        y: Row.
        height: Height of the digit.
        score: Probability that there is one.
    """

    x: float
    y: float
    height: float
    score: float

    def moved(self, x: float, y: float, factor: float = 1.0) -> "Center":
        """Move the origin to (`x`, `y`), then divide by `factor`."""
        at = (self.x - x) / factor, (self.y - y) / factor
        return Center(*at, self.height / factor, self.score)


@dataclass(frozen=True)
class Found:
    """What the finder marks in a picture, in picture pixels.

    Attributes:
        centers: Centers of the digits, by falling score.
        unread: Boxes of written or printed ink that belongs to no digit.
    """

    centers: tuple[Center, ...] = ()
    unread: tuple[Box, ...] = ()


class Finder:
    """The network, built from `tensors` named as in `digits.layers.shapes`; thread-safe."""

    def __init__(self, tensors: Tensors) -> None:
        self._heads = open_heads(BESIDE[FINDER], tensors)

    def find(self, picture: Picture, region: Box) -> Found:
        """Find the digits and other writing in a region of a picture."""
        centers: list[Center] = []
        unread: list[Box] = []
        for (left, top, wide, tall), part in tiles_of(region[3], region[2]):
            x, y = region[0] + left, region[1] + top
            pixels = stretch(to_square(picture[y : y + tall, x : x + wide]))
            centers_head, classes_head = self._heads(as_planes(pixels))
            place = letterbox(tall, wide)
            for seen in _centers(centers_head[0]):
                center = seen.moved(place.left, place.top, place.scale).moved(-x, -y)
                if _within(part, center.x - region[0], center.y - region[1]):
                    centers.append(center)
            for box in _writing(classes_head[0]):
                sides = box[0] - place.left, box[1] - place.top, *box[2:]
                at_x, at_y, w, h = (round(side / place.scale) for side in sides)
                if _within(part, left + at_x + w / 2, top + at_y + h / 2):
                    unread.append((x + at_x, y + at_y, w, h))
        return Found(distinct(centers), tuple(unread))


def _within(part: Box, x: float, y: float) -> bool:
    return part[0] <= x < part[2] and part[1] <= y < part[3]


def _centers(heat: npt.NDArray[np.float32]) -> list[Center]:
    """Return the digit centers of a tile, in pixels of the square.

    Args:
        heat: `(2, SIDE / 4, SIDE / 4)` float32: logit, logarithm of the height.
    """
    logit, height = heat
    score = 1 / (1 + np.exp(-logit))
    threshold = max(_MIN_SCORE, _OF_THE_BEST * float(score.max()))
    peaks = (score >= threshold) & (score == cv2.dilate(score, None))  # 3x3
    return [
        Center(
            4 * column + 2,
            4 * row + 2,
            float(np.exp(min(height[row, column], 6.0))),
            float(score[row, column]),
        )
        for row, column in np.argwhere(peaks).tolist()
    ]


def _writing(classes: npt.NDArray[np.float32]) -> list[Box]:
    """Return the boxes of a tile's other writing, one per word, in pixels of the square.

    Args:
        classes: `(4, SIDE / 2, SIDE / 2)` float32 logits.
    """
    written = (classes.argmax(axis=0) == WRITING).astype(np.uint8)
    count, labels = cv2.connectedComponents(cv2.dilate(written, np.ones((3, 7), np.uint8)))
    labels *= written
    areas = np.bincount(labels.ravel(), minlength=count)
    boxes = []
    for label in 1 + np.flatnonzero(areas[1:] >= _MIN_AREA):
        x, y, w, h = cv2.boundingRect((labels == label).astype(np.uint8))
        boxes.append((2 * x, 2 * y, 2 * w, 2 * h))
    return boxes


def distinct(centers: list[Center]) -> tuple[Center, ...]:
    """Drop each center that lies too close to one with a higher score."""
    kept: list[Center] = []
    for center in sorted(centers, key=lambda c: -c.score):
        if all(
            np.hypot(center.x - k.x, center.y - k.y) > _APART * min(center.height, k.height)
            for k in kept
        ):
            kept.append(center)
    return tuple(kept)

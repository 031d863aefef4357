"""Where the digits of a picture are, and where there is other writing.

A network looks at the whole picture and marks digits' ink, other writing and lines coarsely, and
the centre of each digit. `digits.segmentation.extractor` gets the ink itself from there.
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
from digits.segmentation.letterbox import (
    Letterbox,
    as_planes,
    letterbox,
    stretch,
    tiles_of,
    to_square,
)

Map = npt.NDArray[np.float32]

_PEAK: Final = 0.15
"""Probability of a digit's centre above which there is one."""

_OF_THE_BEST: Final = 0.25
"""The same as a share of the most certain centre's: beside a clear digit texture is none."""

_APART: Final = 0.3
"""Least distance of two digits' centres, in heights."""

_LEAST_AREA: Final = 16
"""Pixels of the class map below which other writing is a speck."""

NOTHING, DIGIT, WRITING, LINE = 0, 1, 2, 3
"""Channels of the class map."""


@dataclass(frozen=True)
class Centre:
    """Where a digit is.

    Attributes:
        x: Of its centre.
        y: Of its centre.
        height: Of the digit.
        score: Probability that there is one.
    """

    x: float
    y: float
    height: float
    score: float

    def moved(self, x: float, y: float, factor: float = 1.0) -> "Centre":
        """Return it in other pixels: `factor` of these to one, the origin at `x`, `y`."""
        at = (self.x - x) / factor, (self.y - y) / factor
        return Centre(*at, self.height / factor, self.score)


@dataclass(frozen=True)
class Found:
    """What is written in a picture, in its pixels.

    Attributes:
        centres: Of the digits, the most certain first.
        unread: Boxes of written or printed ink that is no digit's.
    """

    centres: tuple[Centre, ...]
    unread: tuple[Box, ...]


class Finder:
    """The network; safe to share between threads."""

    def __init__(self, tensors: Tensors) -> None:
        """Build the network.

        Args:
            tensors: By the names of `digits.layers.shapes`.
        """
        self._heads = open_heads(BESIDE[FINDER], tensors)

    def find(self, picture: Picture, region: Box) -> Found:
        """Find the digits of a part of a picture.

        Args:
            picture: `(H, W)` or `(H, W, 3)` uint8, upright.
            region: The part.
        """
        x, y, width, height = region
        centres: list[Centre] = []
        unread: list[Box] = []
        for (left, top, wide, tall), rim in tiles_of(height, width):
            corner = x + left, y + top
            pixels = stretch(to_square(picture[y + top :, x + left :][:tall, :wide]))
            centres_head, classes_head = self._heads(as_planes(pixels))
            place = letterbox(tall, wide)

            def counts(at_x: float, at_y: float, rim: Box = rim) -> bool:
                return rim[0] <= at_x - x < rim[2] and rim[1] <= at_y - y < rim[3]

            centres += [c for c in _centres(centres_head[0], place, corner) if counts(c.x, c.y)]
            unread += [
                box
                for box in _unread(classes_head[0], place, corner)
                if counts(box[0] + box[2] / 2, box[1] + box[3] / 2)
            ]
        return Found(distinct(centres), tuple(unread))


def _centres(heat: Map, place: Letterbox, corner: tuple[int, int]) -> list[Centre]:
    """Return the centres of the digits of a tile.

    Args:
        heat: `(2, SIDE / 4, SIDE / 4)` float32: logit, logarithm of the height.
        place: Of the tile in the square.
        corner: Of the tile in the picture.
    """
    logit, height = heat
    score = 1 / (1 + np.exp(-logit))
    least = max(_PEAK, _OF_THE_BEST * float(score.max()))
    peaks = (score >= least) & (score == cv2.dilate(score, np.ones((3, 3), np.uint8)))
    found = []
    for row, column in np.argwhere(peaks):
        x = (4 * column + 2 - place.left) / place.scale + corner[0]
        y = (4 * row + 2 - place.top) / place.scale + corner[1]
        tall = float(np.exp(min(height[row, column], 6.0))) / place.scale
        found.append(Centre(float(x), float(y), tall, float(score[row, column])))
    return found


def _unread(classes: Map, place: Letterbox, corner: tuple[int, int]) -> list[Box]:
    """Return boxes of a tile's other writing; words are one box each.

    Args:
        classes: `(4, SIDE / 2, SIDE / 2)` float32 logits.
        place: Of the tile in the square.
        corner: Of the tile in the picture.
    """
    written = (classes.argmax(axis=0) == WRITING).astype(np.uint8)
    count, labels = cv2.connectedComponents(cv2.dilate(written, np.ones((3, 7), np.uint8)))
    labels *= written
    areas = np.bincount(labels.ravel(), minlength=count)
    boxes = []
    for label in range(1, count):
        if areas[label] >= _LEAST_AREA:
            box = np.array(cv2.boundingRect((labels == label).astype(np.uint8))) * 2.0
            box[:2] -= (place.left, place.top)
            x, y, w, h = (round(float(v) / place.scale) for v in box)
            boxes.append((x + corner[0], y + corner[1], w, h))
    return boxes


def distinct(centres: list[Centre]) -> tuple[Centre, ...]:
    """Drop centres within the digit of a more certain one."""
    kept: list[Centre] = []
    for centre in sorted(centres, key=lambda c: -c.score):
        if all(
            np.hypot(centre.x - k.x, centre.y - k.y) > _APART * min(centre.height, k.height)
            for k in kept
        ):
            kept.append(centre)
    return tuple(kept)

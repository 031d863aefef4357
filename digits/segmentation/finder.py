"""From a picture to the ink of its digits.

The network marks where digits' ink is; the ink itself is contrast with the paper around it,
computed on the picture at a finer resolution than the network's, and only there.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
from safetensors.numpy import load_file

from digits.ink import InkArray, Picture
from digits.segmentation.graph import onnx_model
from digits.segmentation.letterbox import Letterbox, boxed, letterbox

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels of the picture."""

WORK_SIDE: Final = 600
"""Larger pictures, or their tiles, are reduced to this side."""

_LONG: Final = 2.5
"""Length to breadth above which a picture is looked at in tiles, each twice as long as broad."""

_MOST_TILES: Final = 10

_OVERLAP: Final = 0.4
"""Least share of a tile that it has in common with the next."""

_MARKED: Final = 0.25
"""Probability of digits' ink from which on a place is looked at."""

_PEAK: Final = 0.3
"""Probability of a digit's centre from which on there is one."""

_APART: Final = 0.3
"""Least distance of two digits' centres, in heights."""

_FAINT: Final = 0.2
"""Contrast, as a share of the strokes' around, below which there is no ink."""

_RATHER: Final = 0.003
"""Weight of the whole paper's colour where there is hardly any around."""

_LEAST_WRITING: Final = 4
"""Pixels of the class map below which other writing is a speck."""

_NOTHING, _DIGIT, _WRITING = 0, 1, 2  # channels of the class map


@dataclass(frozen=True)
class Centre:
    """Where a digit is, in pixels of the picture.

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


@dataclass(frozen=True, eq=False)
class Found:
    """What is written in a picture.

    Attributes:
        ink: `(h, w)` float32 in `[0, 1]`: digits' ink, 0 elsewhere; the whole picture.
        scale: Pixels of the picture to one of the ink.
        centres: Of the digits, the surest first.
        unread: Boxes of written or printed ink that is none of digits.
    """

    ink: InkArray
    scale: float
    centres: tuple[Centre, ...]
    unread: tuple[Box, ...]


class Finder:
    """The network and what makes ink of its answer.

    Args:
        session: Runs the graph of `digits.segmentation.graph`.
    """

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load weights from a safetensors file."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        graph = onnx_model(load_file(path))
        return cls(onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"]))

    def find(self, picture: Picture) -> Found:
        """Find the digits of a picture.

        Args:
            picture: `(H, W)` or `(H, W, 3)` uint8, upright.
        """
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        short, long = sorted(picture.shape[:2])
        scale = max(1.0, min(long, _LONG * short) / WORK_SIDE)
        if scale > 1:
            picture = cv2.resize(
                picture, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA
            )
        height, width = picture.shape[:2]
        ink = np.zeros((height, width), np.float32)
        centres: list[Centre] = []
        unread: list[Box] = []
        for tile, (x0, y0, x1, y1) in tiles_of(height, width):
            x, y, wide, tall = tile
            look = self._look(picture[y : y + tall, x : x + wide])
            ink[y0:y1, x0:x1] = look.ink()[y0 - y : y1 - y, x0 - x : x1 - x]
            for centre in look.centres():
                at = (centre.x + x, centre.y + y)
                if x0 <= at[0] < x1 and y0 <= at[1] < y1:
                    centres.append(
                        Centre(at[0] * scale, at[1] * scale, centre.height * scale, centre.score)
                    )
            for left, top, w, h in look.unread():
                if x0 <= left + x + w / 2 < x1 and y0 <= top + y + h / 2 < y1:
                    box = ((left + x) * scale, (top + y) * scale, w * scale, h * scale)
                    unread.append((round(box[0]), round(box[1]), round(box[2]), round(box[3])))
        return Found(ink, scale, _distinct(centres), tuple(unread))

    def _look(self, part: Picture) -> "_Look":
        classes, heat = self._session.run(None, {"pixels": boxed(part)[None]})
        return _Look(part, letterbox(*part.shape[:2]), classes[0], heat[0])


def tiles_of(height: int, width: int) -> list[tuple[Box, Box]]:
    """Return the parts of a picture that are looked at one by one.

    Returns:
        For each its box, and left, top, right and bottom of what counts of it: each place of the
        picture counts in the tile that has most around it.
    """
    short, long = sorted((height, width))
    if long <= _LONG * short:
        return [((0, 0, width, height), (0, 0, width, height))]
    length = max(2 * short, round(2 * long / _MOST_TILES))
    count = 1 + int(np.ceil((long - length) / ((1 - _OVERLAP) * length)))
    starts = [round(at) for at in np.linspace(0, long - length, count)]
    seams = [0, *((a + b + length) // 2 for a, b in itertools.pairwise(starts)), long]
    tiles: list[tuple[Box, Box]] = []
    for start, (first, last) in zip(starts, itertools.pairwise(seams), strict=True):
        if width > height:
            tiles.append(((start, 0, length, height), (first, 0, last, height)))
        else:
            tiles.append(((0, start, width, length), (0, first, width, last)))
    return tiles


@dataclass(frozen=True, eq=False)
class _Look:
    """A picture, or a tile of one, and what the network says of it.

    Attributes:
        part: `(H, W, 3)` uint8.
        place: Where it lies in the square that the network saw.
        classes: `(4, SIDE / 2, SIDE / 2)` float32 probabilities.
        heat: `(2, SIDE / 4, SIDE / 4)` float32: probability, logarithm of the height.
    """

    part: Picture
    place: Letterbox
    classes: npt.NDArray[np.float32]
    heat: npt.NDArray[np.float32]

    def ink(self) -> InkArray:
        """Return contrast with the paper, where the network marks digits: `(H, W)` float32."""
        ink = np.zeros(self.part.shape[:2], np.float32)
        marked = self._on_part(self.classes[_DIGIT], (0, 0, *self.part.shape[1::-1]))
        x, y, wide, tall = cv2.boundingRect((marked > _MARKED).astype(np.uint8))
        if wide == 0:
            return ink
        edge = round(4 / self.place.scale)
        top, left = max(0, y - edge), max(0, x - edge)
        bottom, right = y + tall + edge, x + wide + edge
        seen = self.part[top:bottom, left:right]
        region = (left, top, seen.shape[1], seen.shape[0])
        paper, toward, gate = (self._on_part(field, region) for field in self._fields())
        contrast = np.maximum(((seen - paper) * toward).sum(axis=2), 0)
        reach = _kernel(self._height() / self.place.scale)
        near = gate * gate
        level = cv2.blur(contrast * near, reach) / (cv2.blur(near, reach) + 1e-4)
        share = (contrast / (level + 1) - _FAINT) / (0.9 - _FAINT)
        ink[top:bottom, left:right] = np.clip(share, 0, 1) * np.minimum(2 * gate, 1)
        return ink

    def _fields(self) -> tuple[npt.NDArray[np.float32], ...]:
        """Return the paper's colour, the direction in which ink leaves it, and the gate."""
        mark = self.classes[_DIGIT]
        side = self.classes.shape[1]
        small = cv2.resize(boxed(self.part), (side, side), interpolation=cv2.INTER_AREA)
        reach = _kernel(0.6 * self._height())
        blank = np.clip(2 * self.classes[_NOTHING] - 1, 0, 1)[..., None]
        mean = ((small * blank).sum(axis=(0, 1)) / (blank.sum() + 1)).astype(np.float32)
        paper = cv2.blur(small * blank, reach) + _RATHER * mean
        paper /= cv2.blur(blank, reach)[..., None] + _RATHER
        toward = cv2.blur((small - paper) * mark[..., None], reach)
        toward /= np.linalg.norm(toward, axis=2, keepdims=True) + 1e-6
        return paper, toward, cv2.dilate(mark, np.ones((3, 3), np.uint8))

    def _on_part(self, field: npt.NDArray[np.float32], region: Box) -> npt.NDArray[np.float32]:
        """Enlarge a field of the network's map to a region of the part."""
        factor = self.place.scale / 2  # from a pixel of the part to one of the map
        x = (region[0] + 0.5) * factor + self.place.left / 2 - 0.5
        y = (region[1] + 0.5) * factor + self.place.top / 2 - 0.5
        matrix = np.array([[factor, 0, x], [0, factor, y]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        edge = cv2.BORDER_REPLICATE
        return cv2.warpAffine(field, matrix, region[2:], flags=flags, borderMode=edge)

    def _height(self) -> float:
        """Return the height of the digits in pixels of the square."""
        heights = [centre.height for centre in self.centres()]
        if heights:
            return float(np.median(heights)) * self.place.scale
        rows = np.flatnonzero((self.classes[_DIGIT] > _MARKED).any(axis=1))
        return 2.0 * (np.ptp(rows) + 1)

    def centres(self) -> list[Centre]:
        """Return the centres of digits, in pixels of the part."""
        heat, height = self.heat
        top = (heat >= _PEAK) & (heat == cv2.dilate(heat, np.ones((3, 3), np.uint8)))
        found = []
        for row, column in np.argwhere(top):
            x = (4 * column + 2 - self.place.left) / self.place.scale
            y = (4 * row + 2 - self.place.top) / self.place.scale
            tall = float(np.exp(min(height[row, column], 6.0))) / self.place.scale
            found.append(Centre(float(x), float(y), tall, float(heat[row, column])))
        return found

    def unread(self) -> list[Box]:
        """Return boxes of other writing, in pixels of the part; what is near is one box."""
        written = (self.classes.argmax(axis=0) == _WRITING).astype(np.uint8)
        count, labels = cv2.connectedComponents(cv2.dilate(written, np.ones((3, 7), np.uint8)))
        labels *= written
        areas = np.bincount(labels.ravel(), minlength=count)
        boxes = []
        for label in range(1, count):
            if areas[label] >= _LEAST_WRITING:
                corner = np.array(cv2.boundingRect((labels == label).astype(np.uint8))) * 2.0
                corner[:2] -= (self.place.left, self.place.top)
                x, y, w, h = (round(float(v) / self.place.scale) for v in corner)
                boxes.append((x, y, w, h))
        return boxes


def _kernel(reach: float) -> tuple[int, int]:
    """Return the sides of a kernel that reaches about so far."""
    side = 2 * int(np.clip(reach / 2, 3, 100)) + 1
    return side, side


def _distinct(centres: list[Centre]) -> tuple[Centre, ...]:
    """Drop centres that lie within the digit of a surer one."""
    kept: list[Centre] = []
    for centre in sorted(centres, key=lambda c: -c.score):
        if all(
            np.hypot(centre.x - k.x, centre.y - k.y) > _APART * min(centre.height, k.height)
            for k in kept
        ):
            kept.append(centre)
    return tuple(kept)

"""From a picture to the ink of its digits.

The network marks where digits' ink is; the ink itself is contrast with the paper around it,
computed on the picture at a finer resolution than the network's, and only there.
"""

from collections.abc import Sequence
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
from digits.segmentation.letterbox import boxed, letterbox

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels of the picture."""

WORK_SIDE: Final = 600
"""Larger pictures are reduced to this side before ink is computed."""

_LONG: Final = 2.5
"""Length to breadth above which a picture is looked at in tiles, each twice as long as broad."""

_MOST_TILES: Final = 10

_MARKED: Final = 0.25
"""Probability of digits' ink from which on a place is looked at."""

_PEAK: Final = 0.3
"""Probability of a digit's centre from which on there is one."""

_FAINT: Final = 0.2
"""Contrast, as a share of the strokes' around, below which there is no ink."""

_DIGIT, _WRITING = 1, 2  # channels of the class map


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
            picture = np.repeat(picture[..., None], 3, axis=2)
        tiles = tiles_of(*picture.shape[:2])
        scale = max(1.0, max(tiles[0][2:]) / WORK_SIDE)
        size = [max(1, round(side / scale)) for side in picture.shape[:2]]
        total, weight = np.zeros(size, np.float32), np.full(size, 1e-6, np.float32)
        centres: list[Centre] = []
        unread: list[Box] = []
        for x, y, wide, tall in tiles:
            part = picture[y : y + tall, x : x + wide]
            square = boxed(part)
            classes, heat = (v[0] for v in self._session.run(None, {"pixels": square[None]}))
            look = _Look(part, square, classes, heat, scale)
            look.add_ink(
                total, weight, (x, y), _ramp(size, (x, y, wide, tall), scale, whole=len(tiles) == 1)
            )
            centres += look.centres(x, y)
            unread += look.unread(x, y)
        return Found(total / weight, scale, _distinct(centres), _merged(unread))


def tiles_of(height: int, width: int) -> list[Box]:
    """Return the parts of a picture that are looked at one by one."""
    short, long = sorted((height, width))
    if long <= _LONG * short:
        return [(0, 0, width, height)]
    length = max(2 * short, round(2 * long / _MOST_TILES))
    count = 1 + int(np.ceil((long - length) / (0.7 * length)))
    starts = [round(at) for at in np.linspace(0, long - length, count)]
    if width > height:
        return [(start, 0, length, height) for start in starts]
    return [(0, start, width, length) for start in starts]


def _ramp(size: Sequence[int], tile: Box, scale: float, *, whole: bool) -> npt.NDArray[np.float32]:
    """Return how much a tile's ink counts: little at its ends, where digits may be cut."""
    if whole:
        return np.ones(size, np.float32)
    x, y, wide, tall = tile
    axis, start, length = (1, x, wide) if wide >= tall else (0, y, tall)
    at = (np.arange(size[axis], dtype=np.float32) * scale - start) / length
    ramp = np.clip(np.minimum(at, 1 - at) * 2, 0, None) + np.float32(1e-4)
    return np.broadcast_to(ramp[None, :] if axis == 1 else ramp[:, None], tuple(size))


@dataclass(frozen=True, eq=False)
class _Look:
    """One tile and what the network says of it.

    Attributes:
        part: `(H, W, 3)` uint8.
        square: `(SIDE, SIDE, 3)` uint8, what the network saw.
        classes: `(4, SIDE / 2, SIDE / 2)` float32 probabilities.
        heat: `(2, SIDE / 4, SIDE / 4)` float32: probability, logarithm of the height.
        scale: Pixels of the picture to one of the ink.
    """

    part: Picture
    square: Picture
    classes: npt.NDArray[np.float32]
    heat: npt.NDArray[np.float32]
    scale: float

    def add_ink(
        self,
        total: InkArray,
        weight: InkArray,
        corner: tuple[int, int],
        ramp: npt.NDArray[np.float32],
    ) -> None:
        """Add the tile's ink to the picture's, and the ramp, by which it counts, to the weight."""
        x, y = (round(v / self.scale) for v in corner)
        tall, wide = (max(1, round(v / self.scale)) for v in self.part.shape[:2])
        part = (slice(y, y + tall), slice(x, x + wide))
        tall, wide = total[part].shape
        weight[part] += ramp[part]
        region = self._marked(tall, wide)
        if region is not None:
            total[part][region] += self._ink(tall, wide, region) * ramp[part][region]

    def _marked(self, tall: int, wide: int) -> tuple[slice, slice] | None:
        """Return the rows and columns of the ink within which the network marks digits."""
        ys, xs = np.nonzero(self.classes[_DIGIT] > _MARKED)
        if ys.size == 0:
            return None
        place = letterbox(*self.part.shape[:2])
        slices = []
        for at, start, length, size in (
            (ys, place.top, place.size[0], tall),
            (xs, place.left, place.size[1], wide),
        ):
            low, high = (2 * at.min() - start - 6) / length, (2 * at.max() - start + 8) / length
            slices.append(
                slice(int(np.clip(low, 0, 1) * size), int(np.ceil(np.clip(high, 0, 1) * size)))
            )
        if slices[0].stop <= slices[0].start or slices[1].stop <= slices[1].start:
            return None
        return slices[0], slices[1]

    def _ink(self, tall: int, wide: int, region: tuple[slice, slice]) -> InkArray:
        """Return contrast with the paper, where the network marks digits, within a region."""
        rows, columns = region
        small = cv2.resize(self.square, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        fields = self._fields(small.astype(np.float32))
        place = letterbox(*self.part.shape[:2])
        # From a pixel of the region to the network's map, centre to centre.
        fx, fy = place.size[1] / wide / 2, place.size[0] / tall / 2
        left = (place.left + (columns.start + 0.5) * 2 * fx) / 2 - 0.5
        top = (place.top + (rows.start + 0.5) * 2 * fy) / 2 - 0.5
        matrix = np.array([[fx, 0, left], [0, fy, top]])
        size = (columns.stop - columns.start, rows.stop - rows.start)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        paper, toward, gate = (
            cv2.warpAffine(f, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
            for f in fields
        )
        ys = (
            round(rows.start * self.part.shape[0] / tall),
            round(rows.stop * self.part.shape[0] / tall),
        )
        xs = (
            round(columns.start * self.part.shape[1] / wide),
            round(columns.stop * self.part.shape[1] / wide),
        )
        cut = self.part[ys[0] : max(ys[1], ys[0] + 1), xs[0] : max(xs[1], xs[0] + 1)]
        how = cv2.INTER_AREA if self.scale > 1 else cv2.INTER_LINEAR
        seen = cut if cut.shape[1::-1] == size else cv2.resize(cut, size, interpolation=how)
        contrast = np.maximum(((seen - paper) * toward).sum(axis=2), 0)
        reach = _odd(self._height() * tall / place.size[0])
        strong = gate * gate
        level = cv2.blur(contrast * strong, (reach, reach)) / (
            cv2.blur(strong, (reach, reach)) + 1e-4
        )
        ink = (contrast / (level + 1) - _FAINT) / (0.9 - _FAINT)
        return np.clip(ink, 0, 1) * np.minimum(2 * gate, 1)

    def _fields(self, small: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], ...]:
        """Return the paper's colour, the direction in which ink leaves it, and the gate."""
        mark = self.classes[_DIGIT]
        reach = (_odd(self._height() / 2 * 1.2),) * 2
        blank = np.clip(2 * self.classes[0] - 1, 0, 1)
        mean = (small * blank[..., None]).sum(axis=(0, 1)) / (blank.sum() + 1e-3)
        paper = cv2.blur(small * blank[..., None], reach) + 0.003 * mean.astype(np.float32)
        paper /= (cv2.blur(blank, reach) + 0.003)[..., None]
        toward = cv2.blur((small - paper) * mark[..., None], reach)
        toward /= np.linalg.norm(toward, axis=2, keepdims=True) + 1e-6
        return paper, toward, cv2.dilate(mark, np.ones((3, 3), np.uint8))

    def _height(self) -> float:
        """Return the height of the digits in pixels of the square."""
        peaks = [peak for peak in self._peaks() if peak[3] >= _PEAK]
        if peaks:
            return float(np.median([peak[2] for peak in peaks]))
        rows = np.flatnonzero((self.classes[_DIGIT] > _MARKED).any(axis=1))
        return float(2 * (np.ptp(rows) + 1)) if rows.size else 32.0

    def _peaks(self) -> list[tuple[float, float, float, float]]:
        """Return x, y, height and probability of local maxima, in pixels of the square."""
        heat, height = self.heat
        top = (heat >= _PEAK) & (heat == cv2.dilate(heat, np.ones((3, 3), np.uint8)))
        return [
            (4 * x + 2.0, 4 * y + 2.0, float(np.exp(min(height[y, x], 6.0))), float(heat[y, x]))
            for y, x in np.argwhere(top)
        ]

    def centres(self, x: int, y: int) -> list[Centre]:
        """Return the tile's centres in pixels of the picture."""
        place = letterbox(*self.part.shape[:2])
        factor = 1 / place.scale
        return [
            Centre(x + (px - place.left) * factor, y + (py - place.top) * factor, h * factor, score)
            for px, py, h, score in self._peaks()
        ]

    def unread(self, x: int, y: int) -> list[Box]:
        """Return boxes of other writing in pixels of the picture; what is near is one box."""
        place = letterbox(*self.part.shape[:2])
        written = (self.classes.argmax(axis=0) == _WRITING).astype(np.uint8)
        joined = cv2.dilate(written, np.ones((3, 7), np.uint8))
        _, labels = cv2.connectedComponents(joined)
        boxes = []
        for label in range(1, labels.max() + 1):
            ys, xs = np.nonzero((labels == label) & (written > 0))
            if ys.size < 4:
                continue
            left, right = (2 * xs.min() - place.left, 2 * xs.max() + 2 - place.left)
            top, bottom = (2 * ys.min() - place.top, 2 * ys.max() + 2 - place.top)
            corner = (x + int(left / place.scale), y + int(top / place.scale))
            size = (int((right - left) / place.scale), int((bottom - top) / place.scale))
            boxes.append((*corner, *size))
        return boxes


def _odd(value: float) -> int:
    """Return an odd side of a kernel."""
    return 2 * int(np.clip(value / 2, 3, 100)) + 1


def _distinct(centres: list[Centre]) -> tuple[Centre, ...]:
    """Drop centres that lie within a digit of a surer one."""
    kept: list[Centre] = []
    for centre in sorted(centres, key=lambda c: -c.score):
        reach = 0.3 * centre.height
        if all(np.hypot(centre.x - k.x, centre.y - k.y) > min(reach, 0.3 * k.height) for k in kept):
            kept.append(centre)
    return tuple(kept)


def _merged(boxes: list[Box]) -> tuple[Box, ...]:
    """Join boxes that overlap: tiles may see parts of the same writing."""
    merged: list[Box] = []
    for box in sorted(boxes):
        x, y, w, h = box
        if merged:
            px, py, pw, ph = merged[-1]
            if x <= px + pw and y <= py + ph and py <= y + h:
                low = (px, min(py, y))
                end = (max(px + pw, x + w), max(py + ph, y + h))
                merged[-1] = (*low, end[0] - low[0], end[1] - low[1])
                continue
        merged.append(box)
    return tuple(merged)

"""From a picture to the ink of its digits.

The network marks digits' ink, other writing and lines at half of its resolution. The first two gate
the ink itself: contrast with the paper around, computed on the picture at a finer resolution, and
only where something is marked. Connected ink then is a digit's or other writing as a whole.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.layer_graph import Weights
from digits.onnx_graph import open_session
from digits.pictures import Picture
from digits.prediction import Box
from digits.segmentation.graph import build
from digits.segmentation.letterbox import (
    MAX_ASPECT,
    Letterbox,
    in_color,
    letterbox,
    stretch,
    tiles_of,
    to_square,
)

Map = npt.NDArray[np.float32]

WORK_SIDE: Final = 600
"""Larger pictures, or their tiles, are reduced to this side."""

_LEAST_SHARE: Final = 0.35
"""Share of digits and letters in what is drawn, below which none of it is ink."""

_NEARLY_NOTHING: Final = 0.15
"""Probability of anything drawn at which half of that share counts."""

_MARKED: Final = 0.25
"""Mark above which the ink of a place is computed."""

_PEAK: Final = 0.2
"""Probability of a digit's centre above which there is one."""

_APART: Final = 0.3
"""Least distance of two digits' centres, in heights."""

_WIDEST: Final = 0.4
"""Breadth in heights of the digits above which what is dark is no stroke, such as a shadow."""

_LEAST_CONTRAST: Final = 0.2
"""Contrast, as a share of that of the strokes around, below which there is no ink."""

_LEAST_ON_LINES: Final = 0.8
"""The same where ruled lines and boxes are, so that only strokes that cross them are kept."""

_PRIOR: Final = 0.003
"""Weight of the whole paper's colour where hardly any paper is around."""

_LEAST_AREA: Final = 4
"""Pixels of the class map below which other writing is a speck."""

CONNECTING_INK: Final = 0.3
"""Ink that connects strokes."""

_LEAST_DIGIT: Final = 0.35
"""Digits' share of digits and letters below which connected ink is other writing."""

_LEAST_AT_CENTRE: Final = 0.2
"""The same where a digit's centre is seen."""

_LEAST_BESIDE: Final = 0.03
"""The same for ink beside a digit, at its level and of its height, that may be a digit too."""

_BESIDE: Final = 0.8
"""Distance in heights within which ink is beside a digit."""

_LEVEL: Final = 0.35
"""Distance in heights between the middles of two digits of a line at most."""

_ALIKE: Final = 0.45
"""Logarithm of the ratio of their heights at most."""

_LEAST_MEAN_MARK: Final = 0.3
"""Mean mark of all that is connected, such as a box, below which only digits' centres count."""

_NEIGHBOURS: Final = np.ones((3, 3), np.uint8)

_NOTHING, _DIGIT, _WRITING, _LINE = 0, 1, 2, 3  # channels of the class map


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
        ink: `(h, w)` float32 in `[0, 1]`: digits' ink, 0 elsewhere; the whole picture, or the part
            that was looked at closely.
        scale: Pixels of the picture to one of the ink.
        corner: x and y of the ink's top left corner, in pixels of the picture.
        centres: Of the digits, the most certain first.
        unread: Boxes of written or printed ink that is no digit's.
    """

    ink: InkArray
    scale: float
    centres: tuple[Centre, ...]
    unread: tuple[Box, ...]
    corner: tuple[int, int] = (0, 0)


class Finder:
    """The network, and what turns its output into ink; safe to share between threads."""

    def __init__(self, weights: Weights) -> None:
        """Build the network.

        Args:
            weights: By the names of `digits.segmentation.network.shapes`.
        """
        self._session = open_session(build(weights))

    def find(self, picture: Picture) -> Found:
        """Find the digits of a picture.

        Args:
            picture: `(H, W)` or `(H, W, 3)` uint8, upright.
        """
        short, long = sorted(picture.shape[:2])
        scale = max(1.0, min(long, MAX_ASPECT * short) / WORK_SIDE)
        if scale > 1:
            picture = cv2.resize(
                picture, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA
            )
        height, width = picture.shape[:2]
        ink = np.zeros((height, width), np.float32)
        centres: list[Centre] = []
        unread: list[Box] = []
        for (x, y, wide, tall), (x0, y0, x1, y1) in tiles_of(height, width):
            tile = self._run(picture[y : y + tall, x : x + wide])
            digits, doubtful = tile.digits()
            ink[y0:y1, x0:x1] = digits[y0 - y : y1 - y, x0 - x : x1 - x]
            for centre in (*tile.centres, *doubtful):
                at = (centre.x + x, centre.y + y)
                if x0 <= at[0] < x1 and y0 <= at[1] < y1:
                    centres.append(
                        Centre(at[0] * scale, at[1] * scale, centre.height * scale, centre.score)
                    )
            for left, top, w, h in tile.unread():
                if x0 <= left + x + w / 2 < x1 and y0 <= top + y + h / 2 < y1:
                    box = ((left + x) * scale, (top + y) * scale, w * scale, h * scale)
                    unread.append((round(box[0]), round(box[1]), round(box[2]), round(box[3])))
        return Found(ink, scale, _distinct(centres), tuple(unread))

    def _run(self, picture: Picture) -> "_Tile":
        square = to_square(picture)
        classes, heat = self._session.run(None, {"pixels": stretch(square)[None]})
        return _Tile(picture, letterbox(*picture.shape[:2]), square, classes[0], heat[0])


@dataclass(frozen=True, eq=False)
class _Tile:
    """A picture, or a tile of one, and the network's output for it.

    Attributes:
        picture: `(H, W)` or `(H, W, 3)` uint8.
        place: Where it lies in the square.
        square: `(SIDE, SIDE, 3)` uint8, the picture there.
        classes: `(4, SIDE / 2, SIDE / 2)` float32 probabilities.
        heat: `(2, SIDE / 4, SIDE / 4)` float32: probability, logarithm of the height.
    """

    picture: Picture
    place: Letterbox
    square: Picture
    classes: Map
    heat: Map

    def digits(self) -> tuple[InkArray, list[Centre]]:
        """Return digits' contrast with the paper, and the centres of what may be digits.

        Returns:
            `(H, W)` float32 in `[0, 1]`; centres of ink that was taken for other writing.
        """
        ink = np.zeros(self.picture.shape[:2], np.float32)
        marked = self._enlarge(self._mark, (0, 0, *self.picture.shape[1::-1]))
        x, y, wide, tall = cv2.boundingRect((marked > _MARKED).astype(np.uint8))
        if wide == 0:
            return ink, []
        edge = round(4 / self.place.scale)
        top, left = max(0, y - edge), max(0, x - edge)
        bottom, right = y + tall + edge, x + wide + edge
        seen = in_color(self.picture[top:bottom, left:right])
        region = (left, top, seen.shape[1], seen.shape[0])
        direction, gate = (self._enlarge(each, region) for each in self._direction_and_gate())
        darkness = (seen * direction).sum(axis=2)
        height = self._height / self.place.scale
        around = cv2.getStructuringElement(cv2.MORPH_RECT, _kernel(_WIDEST * height, 1))
        contrast = cv2.morphologyEx(darkness, cv2.MORPH_TOPHAT, around)
        reach = _kernel(height)
        near = gate * gate
        level = cv2.blur(contrast * near, reach) / (cv2.blur(near, reach) + 1e-4)
        lines = self._enlarge(cv2.dilate(self.classes[_LINE], _NEIGHBOURS), region)
        stricter = (_LEAST_ON_LINES - _LEAST_CONTRAST) * np.minimum(2 * lines, 1)
        least = _LEAST_CONTRAST + stricter
        share = (contrast / (level + 1) - least) / (0.9 - least)
        drawn = self._enlarge(cv2.dilate(1 - self.classes[_NOTHING], _NEIGHBOURS), region)
        drawn = np.clip(share, 0, 1) * np.minimum(2 * drawn, 1)
        gated = drawn * np.minimum(2 * gate, 1)
        mark = marked[top:bottom, left:right]
        ink[top:bottom, left:right], doubtful = self._digits_only(drawn, gated, mark, region)
        return ink, doubtful

    def _digits_only(
        self, drawn: InkArray, gated: InkArray, mark: Map, region: Box
    ) -> tuple[InkArray, list[Centre]]:
        """Drop connected ink as a whole: other writing, and what leaks from boxes and surfaces.

        Args:
            drawn: `(h, w)` float32: contrast wherever anything is drawn.
            gated: `(h, w)` float32: the same where ink is marked.
            mark: `(h, w)` float32: the mark itself.
            region: Where both lie in the picture.
        """
        count, labels, stats, _ = cv2.connectedComponentsWithStats(
            (gated > CONNECTING_INK).astype(np.uint8)
        )
        whole = cv2.connectedComponents((drawn > CONNECTING_INK).astype(np.uint8))[1]
        digit, writing = (self._enlarge(self.classes[c], region) for c in (_DIGIT, _WRITING))
        marked = _sums(whole, drawn * mark) / (_sums(whole, drawn) + 1e-6)
        of_whole = np.zeros(count, np.intp)
        of_whole[labels.ravel()] = whole.ravel()
        of_digit = _sums(labels, gated * digit)
        share = of_digit / (of_digit + _sums(labels, gated * writing) + 1e-6)
        is_written = marked[of_whole] >= _LEAST_MEAN_MARK
        is_written[0] = False
        keep = (share >= _LEAST_DIGIT) & is_written
        for centre in self.centres:
            x, y = centre.x - region[0], centre.y - region[1]
            left, top, wide, tall, _ = stats.T
            holds = (left <= x) & (x <= left + wide) & (top <= y) & (y <= top + tall)
            keep |= holds & (share >= _LEAST_AT_CENTRE)
        keep[0] = False
        beside = _beside_digits(stats, share * is_written, keep)
        keep[beside] = True
        doubtful = [
            Centre(x + w / 2 + region[0], y + h / 2 + region[1], h, of_digits)
            for (x, y, w, h, _), of_digits in zip(
                stats[beside].tolist(), share[beside].tolist(), strict=True
            )
        ]
        return mask_ink(gated, keep[labels]), doubtful

    @cached_property
    def _mark(self) -> Map:
        """Digits' and letters' share of whatever is drawn; contrast tells whether anything is."""
        drawn = 1 - self.classes[_NOTHING]
        share = (self.classes[_DIGIT] + self.classes[_WRITING]) / (drawn + _NEARLY_NOTHING)
        return np.clip((share - _LEAST_SHARE) / (1 - 2 * _LEAST_SHARE), 0, 1)

    def _direction_and_gate(self) -> tuple[Map, Map]:
        """Return the direction in which ink's colour leaves the paper's, and the gate."""
        side = self.classes.shape[1]
        small = cv2.resize(self.square, (side, side), interpolation=cv2.INTER_AREA)
        reach = _kernel(0.5 * self._height)
        blank = np.clip(2 * self.classes[_NOTHING] - 1, 0, 1)[..., None]
        mean = ((small * blank).sum(axis=(0, 1)) / (blank.sum() + 1)).astype(np.float32)
        paper = cv2.blur(small * blank, reach) + _PRIOR * mean
        paper /= cv2.blur(blank, reach)[..., None] + _PRIOR
        direction = cv2.blur((small - paper) * self._mark[..., None], reach)
        direction /= np.linalg.norm(direction, axis=2, keepdims=True) + 1e-6
        gate = cv2.dilate(self._mark, _NEIGHBOURS)
        return direction, gate

    def _enlarge(self, field: Map, region: Box) -> Map:
        """Enlarge a field of the network's resolution to a region of the picture."""
        factor = self.place.scale / 2  # from a pixel of the picture to one of the map
        x = (region[0] + 0.5) * factor + self.place.left / 2 - 0.5
        y = (region[1] + 0.5) * factor + self.place.top / 2 - 0.5
        matrix = np.array([[factor, 0, x], [0, factor, y]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        edge = cv2.BORDER_REPLICATE
        return cv2.warpAffine(field, matrix, region[2:], flags=flags, borderMode=edge)

    @cached_property
    def _height(self) -> float:
        """Height of the digits in pixels of the square."""
        if self.centres:
            return float(np.median([c.height for c in self.centres])) * self.place.scale
        rows = np.flatnonzero((self._mark > _MARKED).any(axis=1))
        return 2.0 * (np.ptp(rows) + 1)

    @cached_property
    def centres(self) -> list[Centre]:
        """Centres of digits, in pixels of the picture."""
        heat, height = self.heat
        peaks = (heat >= _PEAK) & (heat == cv2.dilate(heat, np.ones((3, 3), np.uint8)))
        found = []
        for row, column in np.argwhere(peaks):
            x = (4 * column + 2 - self.place.left) / self.place.scale
            y = (4 * row + 2 - self.place.top) / self.place.scale
            tall = float(np.exp(min(height[row, column], 6.0))) / self.place.scale
            found.append(Centre(float(x), float(y), tall, float(heat[row, column])))
        return found

    def unread(self) -> list[Box]:
        """Return boxes of other writing, in pixels of the picture; words are one box each."""
        written = (self.classes.argmax(axis=0) == _WRITING).astype(np.uint8)
        count, labels = cv2.connectedComponents(cv2.dilate(written, np.ones((3, 7), np.uint8)))
        labels *= written
        areas = np.bincount(labels.ravel(), minlength=count)
        boxes = []
        for label in range(1, count):
            if areas[label] >= _LEAST_AREA:
                corner = np.array(cv2.boundingRect((labels == label).astype(np.uint8))) * 2.0
                corner[:2] -= (self.place.left, self.place.top)
                x, y, w, h = (round(float(v) / self.place.scale) for v in corner)
                boxes.append((x, y, w, h))
        return boxes


def mask_ink(ink: InkArray, kept: npt.NDArray[np.bool_]) -> InkArray:
    """Keep some of the connected ink, with its soft edges, which are fainter than what connects.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`.
        kept: `(h, w)`: which of its pixels above `CONNECTING_INK` to keep.
    """
    edges = (cv2.dilate(kept.astype(np.uint8), _NEIGHBOURS) > 0) & (ink <= CONNECTING_INK)
    return ink * (kept | edges)


def _beside_digits(
    stats: npt.NDArray[np.int32], share: npt.NDArray[np.float64], digits: npt.NDArray[np.bool_]
) -> npt.NDArray[np.intp]:
    """Return the indices of other writing that stands beside a digit, and like one.

    A 1 between other digits and a bracket look alike: the reader decides.

    Args:
        stats: `(n, 5)` boxes of connected ink, as OpenCV tells them.
        share: `(n,)` digits' share of each; 0 for what is no writing.
        digits: `(n,)` which of it is digits' ink.
    """
    left, top, wide, tall = stats[:, :4].T.astype(np.float64)
    middle = top + tall / 2

    def is_like_a_neighbour(index: int) -> bool:
        gap = np.maximum(left - left[index] - wide[index], left[index] - left - wide) / tall
        size = np.abs(np.log(tall[index] / tall))
        level = np.abs(middle - middle[index]) / tall
        return bool((digits & (gap < _BESIDE) & (level < _LEVEL) & (size < _ALIKE)).any())

    doubtful = np.flatnonzero(~digits & (share >= _LEAST_BESIDE))
    return np.array([index for index in doubtful if is_like_a_neighbour(int(index))], np.intp)


def _sums(labels: npt.NDArray[np.int32], values: Map) -> npt.NDArray[np.float64]:
    return np.bincount(labels.ravel(), values.ravel()).astype(np.float64)


def _kernel(reach: float, least: int = 3) -> tuple[int, int]:
    """Return the sides of a kernel of about this reach."""
    side = 2 * int(np.clip(reach / 2, least, 100)) + 1
    return side, side


def _distinct(centres: list[Centre]) -> tuple[Centre, ...]:
    """Drop centres within the digit of a more certain one."""
    kept: list[Centre] = []
    for centre in sorted(centres, key=lambda c: -c.score):
        if all(
            np.hypot(centre.x - k.x, centre.y - k.y) > _APART * min(centre.height, k.height)
            for k in kept
        ):
            kept.append(centre)
    return tuple(kept)

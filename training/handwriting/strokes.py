"""Pen strokes: loaded, measured, transformed and drawn with a pen of any width.

A sample is a list of strokes, each an `(n, 2)` float array of x (right) and y (down); one point is
a dot. The larger side of its bounding box is `UNIT`.
"""

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digits.prediction import Box
from training.console import UserError

Points = npt.NDArray[np.float64]
Strokes = list[Points]

UNIT = 1000.0
PAD = 500  # side of the sketchpad in pixels
_SHIFT = 4  # fractional bits of the coordinates that OpenCV is given
_SOFT_EDGE = 1.4  # excess width of OpenCV's anti-aliased lines in pixels


@dataclass(frozen=True)
class Sample:
    """A recorded character.

    Attributes:
        source: Where it was recorded; writers within a source are not distinguished.
        label: The intended character.
        strokes: Fitted to `UNIT`.
    """

    source: str
    label: str
    strokes: Strokes


def load(folder: Path, name: str) -> list[Sample]:
    """Load recorded handwriting, in the order of the file.

    Args:
        folder: Contains `NAME.json.gz`, a list of `{"source", "label", "strokes"}`.
        name: `digits` or `letters`.

    Raises:
        UserError: If the file is missing, corrupt or contains something else.
    """
    path = folder / f"{name}.json.gz"
    try:
        records = json.loads(gzip.decompress(path.read_bytes()))
        return [Sample(r["source"], r["label"], fit(as_strokes(r["strokes"]))) for r in records]
    except FileNotFoundError as error:
        message = f"no {path.name} in {folder}: pass the folder that contains the drawn samples"
        raise UserError(message) from error
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        message = f"{path} is not a list of drawn samples: fetch it again ({error})"
        raise UserError(message) from error


def as_strokes(raw: Sequence[Sequence[Sequence[float]]]) -> Strokes:
    """Convert lists of `[x, y]` points to arrays; empty strokes are dropped.

    Raises:
        ValueError: If there are no points, or a point is not a pair.
    """
    strokes = [np.asarray(stroke, np.float64) for stroke in raw if len(stroke)]
    if not strokes or any(stroke.ndim != 2 or stroke.shape[1] != 2 for stroke in strokes):
        raise ValueError("Expected strokes of (n, 2) points. Received: no point, or other shapes.")
    return strokes


def box(strokes: Sequence[npt.NDArray[np.floating]]) -> tuple[Points, Points]:
    """Return the top left and the bottom right corner of all points, each `(2,)`."""
    points = np.concatenate(strokes)
    return points.min(axis=0), points.max(axis=0)


def pixel_box(strokes: Strokes, width: float, size: tuple[int, int]) -> Box:
    """Return the bounding box of a drawing, clipped to a picture of height and width."""
    low, high = box(strokes)
    x0, y0 = np.floor(np.maximum(low - width / 2, 0)).astype(int)
    x1, y1 = np.ceil(np.minimum(high + width / 2, (size[1], size[0]))).astype(int)
    return int(x0), int(y0), int(x1 - x0), int(y1 - y0)


def fit(strokes: Strokes) -> Strokes:
    """Move strokes to the origin and scale the larger side of their bounding box to `UNIT`."""
    low, high = box(strokes)
    scale = UNIT / ((high - low).max() or UNIT)
    return [(stroke - low) * scale for stroke in strokes]


def transform(strokes: Strokes, matrix: npt.NDArray[np.floating]) -> Strokes:
    """Map all points by a `(3, 3)` homography."""
    mapped = []
    for stroke in strokes:
        lifted = np.column_stack([stroke, np.ones(len(stroke))]) @ matrix.T
        mapped.append(lifted[:, :2] / lifted[:, 2:])
    return mapped


def interpolate(
    points: npt.NDArray[np.floating], places: Points, known: Points | None = None
) -> Points:
    """Interpolate a line at `places`: fractional indices, or positions in the unit of `known`.

    `known` is the position of each of the line's own points.
    """
    at = np.arange(len(points)) if known is None else known
    return np.column_stack([np.interp(places, at, points[:, axis]) for axis in (0, 1)])


def rotation(radians: float) -> Points:
    """Return the `(3, 3)` matrix that rotates points about the origin, from x towards y."""
    cos, sin = np.cos(radians), np.sin(radians)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def translation(offset: npt.ArrayLike) -> Points:
    """Return the `(3, 3)` matrix that moves points by x and y."""
    matrix = np.eye(3)
    matrix[:2, 2] = offset
    return matrix


def draw(strokes: Strokes, size: tuple[int, int], width: float) -> npt.NDArray[np.float32]:
    """Draw strokes with a round pen.

    Args:
        strokes: In pixels of the result; clipped to it.
        size: Height and width of the result.
        width: Pen width in pixels; lines are at least a quarter of a pixel wide.

    Returns:
        `size` float32 in `[0, 1]`; 0 is paper, 1 is covered by the pen.
    """
    finer = 4 if width < 10 else 2
    sheet = np.zeros((size[0] * finer, size[1] * finer), np.uint8)
    # OpenCV draws odd widths like the next even one.
    pen = max(1, 2 * round((width * finer - _SOFT_EDGE) / 2))
    for stroke in strokes:
        draw_line(sheet, (stroke + 0.5) * finer - 0.5, pen)
    covered = cv2.resize(sheet, size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(covered, np.float32) / np.float32(255)


def draw_line(sheet: npt.NDArray[np.uint8], points: Points, pen: int, shift: int = _SHIFT) -> None:
    """Draw one stroke, in place.

    Args:
        sheet: `(h, w)` uint8; the line is 255.
        points: `(n, 2)` x and y in pixels; a single point, or equal points, are a dot.
        pen: Pen width in pixels.
        shift: Fractional bits that points are rounded to.
    """
    fixed = np.round(points * (1 << shift)).astype(np.int32)
    if (fixed == fixed[0]).all():
        radius = max(1, pen << (shift - 1))
        cv2.circle(sheet, fixed[0].tolist(), radius, 255, cv2.FILLED, cv2.LINE_AA, shift)
    else:
        cv2.polylines(sheet, [fixed], False, 255, pen, cv2.LINE_AA, shift)  # noqa: FBT003 - OpenCV's


def place(strokes: Strokes, side: float, brush: float, rng: np.random.Generator) -> Strokes:
    """Place a sample, fitted to `UNIT`, on a square sheet for a brush of that width.

    Its larger side becomes 35 to 85 % of the sheet's; size and position are random.
    """
    scale = side * rng.uniform(0.35, 0.85) / UNIT
    grown = [stroke * scale for stroke in strokes]
    room = side - brush - box(grown)[1]
    corner = np.maximum(brush / 2, room * rng.uniform(0.1, 0.9, 2))
    return [stroke + corner for stroke in grown]


def sketch(strokes: Strokes, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw a sample as on a sketchpad, with a brush of 14 to 28 pixels.

    Returns:
        `(PAD, PAD)` uint8; 255 is paper, 0 is ink.
    """
    brush = int(rng.integers(14, 29))
    ink = np.zeros((PAD, PAD), np.uint8)
    for stroke in place(strokes, PAD, brush, rng):
        draw_line(ink, stroke, brush)
    return 255 - ink

"""The ink of a picture on plain paper, such as a canvas or a clean scan.

No network is needed to see it: paper is the colour of the picture's border, and ink is what leaves
that colour in the direction in which the strongest pixels leave it, darker or lighter.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import Ink, InkArray, border, components, full_contrast, reduce
from digits.pictures import Picture

SMALL: Final = 32
"""Pictures with a shorter side are MNIST's own or the like: any border is plain paper."""

_PLAIN_STEP: Final = 3.0
"""Gray levels that plain paper's border wavers at most."""

_PLAIN_BORDER: Final = 0.85
"""Share of plain paper's border that is plain: strokes may run over the edge."""

_EVEN_BORDER: Final = 0.5
"""The same where it is of exactly one colour, as no camera sees it."""

_PAPER_STEP: Final = 6.0
"""Gray levels that plain paper may waver within, as JPEG leaves it around ink."""

_MIN_CONTRAST: Final = 14.0
"""Gray levels between paper and ink at the least."""

_STRONG: Final = 0.3
"""Ink that is certainly written; fainter ink counts where it is connected to some."""


def plain_ink(picture: Picture) -> Ink | None:
    """Return the ink of a picture on plain paper.

    Args:
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.

    Returns:
        The ink, reduced as `digits.ink.reduce` does; None where the paper is not plain, or blank.
    """
    planes, scale = reduce(picture)
    edge = border(planes).astype(np.float32)
    paper = np.median(edge, axis=0)
    away = np.abs(edge - paper).max(axis=1)
    plain = np.mean(away <= _PLAIN_STEP) > _PLAIN_BORDER or np.mean(away == 0) > _EVEN_BORDER
    if not plain and min(planes.shape[:2]) >= SMALL:
        return None
    low, high = np.ceil(paper - _PAPER_STEP), np.floor(paper + _PAPER_STEP)
    left, top, width, height = cv2.boundingRect(~cv2.inRange(planes, low, high))
    if not width:
        return None
    array = np.zeros(planes.shape[:2], np.float32)
    part = slice(top, top + height), slice(left, left + width)
    array[part] = _ink(_contrast(planes[part], paper))
    return Ink(array, scale) if array.any() else None


def _ink(contrast: InkArray) -> InkArray:
    """Turn contrast in gray levels into ink; drop what is only faint."""
    strong = contrast[contrast > _MIN_CONTRAST]
    if not strong.size:
        return np.zeros_like(contrast)
    full = full_contrast(strong)
    low = min(_PAPER_STEP, 0.5 * full)
    ink = np.clip((contrast - low) / (full - low), 0, 1)
    labels, boxes = components(contrast > low)
    keep = np.zeros(len(boxes), bool)
    keep[labels[ink > _STRONG]] = True  # Canny's hysteresis
    return ink * keep[labels]


def _contrast(planes: Picture, paper: npt.NDArray[np.float32]) -> InkArray:
    """Project on the direction in which ink leaves the paper's colour: positive is ink.

    Args:
        planes: `(h, w, depth)` uint8.
        paper: `(depth,)`.

    Returns:
        `(h, w)` float32 in gray levels.
    """
    height, width, depth = planes.shape
    scalar = (*paper.tolist(), 0.0, 0.0, 0.0)[:4]
    away = cv2.absdiff(planes, scalar).reshape(-1, depth)
    size = cv2.reduce(away, 1, cv2.REDUCE_MAX).reshape(height, width)
    # A histogram finds the strongest few without sorting the whole picture.
    at_least = np.cumsum(cv2.calcHist([size], [0], None, [256], [0, 256])[::-1])[::-1]
    count = min(max(8, height * width // 2000), size.size)
    level = float(np.flatnonzero(at_least >= count)[-1])
    direction = np.array(cv2.mean(planes, cv2.inRange(size, level, 255.0))[:depth]) - paper
    length = float(np.linalg.norm(direction))
    if length == 0:
        return np.zeros((height, width), np.float32)
    axis = direction / (length * np.sqrt(depth))
    projection = np.append(axis, -axis @ paper).astype(np.float32)
    return cv2.transform(planes.astype(np.float32), projection[None]).reshape(height, width)

"""The ink of a picture on plain paper, such as a canvas or a clean scan.

No network is needed: the paper has the color of the picture's border, and ink differs from it in
the direction of the strongest pixels, darker or lighter.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import Ink, InkArray, border, components
from digits.pictures import Picture

_WORK_SIDE: Final = 800
"""Larger pictures are reduced to this side: a digit of a tenth of it still has 80 pixels."""

_SMALL: Final = 32
"""Pictures with a shorter side are MNIST-sized: any border counts as plain paper."""

_PLAIN_STEP: Final = 3.0
"""Maximum deviation of the border of plain paper, in gray levels."""

_PLAIN_BORDER: Final = 0.85
"""Minimum share of the border within that deviation: strokes may run over the edge."""

_EVEN_BORDER: Final = 0.5
"""The same for a border of exactly one color, which no camera produces."""

_PAPER_STEP: Final = 6.0
"""Maximum deviation of plain paper, in gray levels; JPEG artifacts around ink reach it."""

_MIN_CONTRAST: Final = 14.0
"""Minimum contrast between paper and ink, in gray levels."""

_STRONG: Final = 0.3
"""Ink that is certainly written; fainter ink counts only where it is connected to such ink."""


def plain_ink(picture: Picture) -> Ink | None:
    """Return the ink of a picture on plain paper.

    Returns:
        The ink, its longer side at most `_WORK_SIDE`; None if the paper is not plain, or blank.
    """
    scale = max(1.0, max(picture.shape[:2]) / _WORK_SIDE)
    size = [max(1, round(length / scale)) for length in picture.shape[1::-1]]
    planes = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).reshape(*size[::-1], -1)
    edge = border(planes).astype(np.float32)
    paper = np.median(edge, axis=0)
    away = np.abs(edge - paper).max(axis=1)
    plain = np.mean(away <= _PLAIN_STEP) > _PLAIN_BORDER or np.mean(away == 0) > _EVEN_BORDER
    if not plain and min(size) >= _SMALL:
        return None
    low, high = np.ceil(paper - _PAPER_STEP), np.floor(paper + _PAPER_STEP)
    left, top, width, height = cv2.boundingRect(~cv2.inRange(planes, low, high))
    if not width:
        return None
    part = slice(top, top + height), slice(left, left + width)
    contrast = _contrast(planes[part], paper)
    strong = contrast[contrast > _MIN_CONTRAST]
    if not strong.size:
        return None
    full = float(np.quantile(strong[:: 1 + strong.size // 5000], 0.8))  # amid the strokes
    ink = np.clip((contrast - _PAPER_STEP) / (full - _PAPER_STEP), 0, 1)
    labels, boxes = components(contrast > _PAPER_STEP)
    keep = np.bincount(labels[ink > _STRONG], minlength=len(boxes)) > 0  # Canny's hysteresis
    array = np.zeros(size[::-1], np.float32)
    array[part] = ink * keep[labels]
    return Ink(array, scale)


def _contrast(planes: Picture, paper: npt.NDArray[np.float32]) -> InkArray:
    """Project onto the direction in which ink differs from the paper; ink is positive.

    Args:
        planes: `(h, w, depth)` uint8.
        paper: `(depth,)`.

    Returns:
        `(h, w)` float32 in gray levels.
    """
    depth = len(paper)
    scalar = (*paper.tolist(), 0.0, 0.0, 0.0)[:4]
    away = cv2.absdiff(planes, scalar).reshape(-1, depth)
    size = cv2.reduce(away, 1, cv2.REDUCE_MAX).reshape(planes.shape[:2])
    count = min(max(8, size.size // 2000), size.size)
    level = float(np.partition(size, -count, axis=None)[-count])
    direction = np.array(cv2.mean(planes, cv2.inRange(size, level, 255.0))[:depth]) - paper
    axis = direction / max(float(np.linalg.norm(direction)) * np.sqrt(depth), 1e-9)
    projection = np.append(axis, -axis @ paper).astype(np.float32)
    return cv2.transform(planes.astype(np.float32), projection[None]).reshape(size.shape)

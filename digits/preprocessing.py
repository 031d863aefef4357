"""Preprocessing of ink: the (28, 28) image that MNIST's authors would have produced.

`digits.plain` and `digits.segmentation` find the ink; `normalize` fits it into MNIST's frame. Ink
is `(h, w)` float32 in `[0, 1]`, 0 for paper and 1 for full ink.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from digits.ink import BlankPictureError, Ink, InkArray, components, resize, stroke_width
from digits.prediction import Box

IMAGE_SIDE = 28

BOX_SIDE = 20
"""MNIST fits the ink into 20x20 and puts its center of mass at the center of 28x28
(LeCun, Cortes, Burges, "The MNIST database of handwritten digits")."""

MIN_STROKE = 1.7
"""Minimum stroke width after normalizing, in pixels of the 28x28 image. A fine pen on a large sheet
would fade to a gray shadow in 20x20; strokes in MNIST are rarely thinner."""

_EDGE = 0.1
"""Minimum ink inside the bounding box: fainter fringes of a blurred stroke do not count."""

_FAINT = 0.02
"""The same for the bounding box that is shown to the user."""

_FILLED = 0.85
"""Maximum share of its bounding box that a character fills, whatever the pen."""

_REACH = 0.2
"""Maximum distance between strokes of one character, as a share of the largest one's size."""

_FINE = 4
"""Resolution at which the stroke width is set, as a multiple of the final one."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """The ink of a digit in MNIST's frame.

    Attributes:
        image: `(28, 28)` float32 in `[0, 1]`, 0 paper, 1 full ink.
        box: Bounding box of the ink in picture pixels; None if unknown.
        alone: Whether there is nothing else on the plain paper.
    """

    image: InkArray
    box: Box | None = None
    alone: bool = False


def preprocess_candidates(ink: Ink) -> list[Candidate]:
    """Fit the ink of a picture on plain paper into MNIST's frame.

    A 28x28 picture may already be in MNIST's frame, so that noise or a line at its edge must not
    move the digit; or it may be any small picture. The network decides.

    Returns:
        The normalized ink; for a 28x28 picture, preceded by the ink as it is.
    """
    box = _box(ink.array, ink.scale)
    normalized = Candidate(normalize(ink.array), box, _is_alone(ink.array))
    if ink.array.shape == (IMAGE_SIDE, IMAGE_SIDE):
        return [Candidate(ink.array, box), normalized]
    return [normalized]


def _is_alone(ink: InkArray) -> bool:
    """Return whether these may be the strokes of one character.

    They are if they are close to each other, none surrounds another and none is cut off.
    """
    mask = (ink > _EDGE).astype(np.uint8)
    boxes = components(mask)[1][1:]
    low, size = boxes[:, :4].reshape(-1, 2, 2).transpose(1, 0, 2)
    if (low == 0).any() or (low + size == ink.shape[::-1]).any():
        return False
    largest = size.max(axis=1).argmax()
    if boxes[largest, cv2.CC_STAT_AREA] > _FILLED * size[largest].prod():
        return False  # a card or a photo rather than strokes
    within = (low > low[largest]) & (low + size < low[largest] + size[largest])
    reach = 1 + int(_REACH * size.max())
    near = len(components(cv2.dilate(mask, np.ones((reach, reach), np.uint8)))[1]) <= 2
    return near and not within.all(axis=1).any()


def _box(array: InkArray, scale: float) -> Box:
    x, y, width, height = cv2.boundingRect((array > _FAINT).astype(np.uint8))
    return round(x * scale), round(y * scale), round(width * scale), round(height * scale)


def center_of_mass(ink: InkArray) -> tuple[float, float]:
    """Return row and column of the center of mass, as indices; there must be some ink."""
    mass = ink.sum()
    height, width = ink.shape
    row = float(ink.sum(axis=1) @ np.arange(height) / mass)
    return row, float(ink.sum(axis=0) @ np.arange(width) / mass)


def normalize(ink: InkArray) -> InkArray:
    """Fit ink of any size into 20x20, keep its aspect ratio and center its mass in 28x28.

    Raises:
        BlankPictureError: If there is no ink.
    """
    return center_by_mass(fit_to_box(thicken(crop(ink))))


def has_ink(ink: InkArray) -> bool:
    """Return whether there is any ink that `normalize` can fit into the frame."""
    return bool((ink > _EDGE).any())


def crop(ink: InkArray) -> InkArray:
    """Crop to the bounding box of the ink.

    Raises:
        BlankPictureError: If there is no ink.
    """
    x, y, width, height = cv2.boundingRect((ink > _EDGE).astype(np.uint8))
    if not width:
        raise BlankPictureError("Expected ink. Received: an array without any")
    return ink[y : y + height, x : x + width]


def thicken(ink: InkArray) -> InkArray:
    """Widen strokes of cropped ink that would be thinner than `MIN_STROKE` in the (28, 28) image.

    Returns:
        The ink, at no more than `_FINE` times the final size.
    """
    side = max(ink.shape)
    fine = BOX_SIDE * _FINE
    if side > fine:
        ink = _resize(ink, fine / side)
        side = fine
    width = stroke_width(ink) * BOX_SIDE / side
    missing = round((MIN_STROKE - width) * side / BOX_SIDE)
    if missing < 1:
        return ink
    ink = np.pad(ink, missing)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (missing + 1, missing + 1))
    return crop(cv2.dilate(ink / ink.max(), kernel))


def fit_to_box(ink: InkArray) -> InkArray:
    """Scale cropped ink so that its longer side is 20 pixels; the aspect ratio is kept."""
    return _resize(ink, BOX_SIDE / max(ink.shape))


def center_by_mass(box: InkArray) -> InkArray:
    """Place ink of up to 20x20 so that its center of mass is the center of 28x28.

    It is moved by whole pixels, and never beyond the edge.
    """
    height, width = box.shape
    row, column = center_of_mass(box)
    # The centers of mass in MNIST are within half a pixel of index 14, hence the rounding.
    top = int(np.clip(np.floor(IMAGE_SIDE / 2 - row + 0.5), 0, IMAGE_SIDE - height))
    left = int(np.clip(np.floor(IMAGE_SIDE / 2 - column + 0.5), 0, IMAGE_SIDE - width))
    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32)
    image[top : top + height, left : left + width] = box
    return image


def _resize(ink: InkArray, factor: float) -> InkArray:
    return np.clip(resize(ink, factor, cv2.INTER_CUBIC), 0, 1)

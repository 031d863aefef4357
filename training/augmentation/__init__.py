"""Augmentation of MNIST's digits for input by mouse, finger, pen and camera.

Three in four digits are varied on a canvas `pen.FINE` times finer than the network's image and then
pass through `digits.preprocessing.normalize`, as in inference.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.preprocessing import normalize
from training.augmentation.degradation import degrade
from training.augmentation.hand import elastic_affine
from training.augmentation.pen import FINE, as_ink, break_strokes, draw_strokes, vary_stroke_width
from training.augmentation.styles import add_missing_strokes
from training.handwriting.movement import join, vary
from training.handwriting.templates import write
from training.handwriting.tracing import trace

_TEMPLATE_SHARE = 0.22
"""Share of varied digits that are written from `training.handwriting.templates`."""

_TRACED_SHARE = 0.28
"""Share of varied digits that are traced, so that the pen's movement can be varied."""

_HOLES = {0: 1, 6: 1, 8: 2, 9: 1}
"""Number of holes by digit."""

_MIN_INK = 12.0
"""Ink of a sample, in fine pixels, up to which it counts as destroyed and is generated again."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Parts of the augmentation; each can be disabled for an ablation.

    Attributes:
        hand: Slant, stretch, rotation, tilt and elastic distortion.
        movement: Hooks, loops, gaps, overshoot, shifted bars and other stroke proportions.
        pen: Wider, thinner, even, outlined and broken strokes.
        styles: Styles missing from MNIST (flags, feet, slashes, bars), and digits from templates.
        degradation: Blur, fading, shifts and damage.
        non_digits: Share of non-digits in each batch, in `[0, 1)`.
    """

    hand: bool = True
    movement: bool = True
    pen: bool = True
    styles: bool = True
    degradation: bool = True
    non_digits: float = 0.15


EVERYTHING = Augmentation()


def augment(
    image: npt.NDArray[np.uint8],
    label: int,
    rng: np.random.Generator,
    parts: Augmentation = EVERYTHING,
) -> InkArray:
    """Vary one MNIST digit, as if from another hand, pen and camera.

    The image, `(28, 28)` uint8, 255 ink, becomes `(28, 28)` float32 in `[0, 1]`, normalized as in
    inference.
    """
    if rng.random() < 0.25:
        return normalize(as_ink(image))
    while True:
        ink = _another_hand(image, label, rng, parts)
        if parts.styles:
            ink = add_missing_strokes(ink, label, rng)
        if parts.pen:
            ink = vary_stroke_width(ink, rng)
            if rng.random() < 0.05:
                ink = break_strokes(ink, rng)
        if ink.sum() > _MIN_INK:
            return degrade(normalize(ink), rng) if parts.degradation else normalize(ink)


def _another_hand(
    image: npt.NDArray[np.uint8], label: int, rng: np.random.Generator, parts: Augmentation
) -> InkArray:
    strength = 1.0 if parts.hand else 0.0
    kind = rng.random()
    if parts.styles and kind < _TEMPLATE_SHARE:
        strokes = write(str(label), rng)
    elif parts.movement and kind > 1 - _TRACED_SHARE and is_traceable(image, label):
        strokes = join(trace(image))
    else:
        return elastic_affine(as_ink(image), FINE, rng, strength)
    if parts.movement:
        strokes = vary(strokes, str(label), rng)
    return elastic_affine(draw_strokes(strokes, rng), 1.0, rng, strength)


def is_traceable(image: npt.NDArray[np.uint8], label: int) -> bool:
    """Return whether the center lines of the ink still show the digit.

    The center line of a loop filled with ink is a plain line, which turns a 6 into a 1.
    """
    if label not in _HOLES:
        return True
    mask = (image > 100).astype(np.uint8)
    _, tree = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return int((tree[0, :, 3] >= 0).sum()) >= _HOLES[label]

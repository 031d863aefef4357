"""Synthetic non-digits, from which the network learns rejection.

Natural pictures and noise are easy to reject; pen strokes are the hard and relevant case: letters
and signs, mirrored digits, pairs of digits, scribbles, dots and lines.
"""

from collections.abc import Callable, Container

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.preprocessing import IMAGE_SIDE, normalize
from training.augmentation.degradation import degrade
from training.augmentation.hand import elastic_affine
from training.augmentation.pen import (
    FINE,
    SIDE,
    as_ink,
    break_strokes,
    draw_strokes,
    vary_stroke_width,
)
from training.handwriting.movement import vary
from training.handwriting.strokes import interpolate
from training.handwriting.templates import OTHERS, write

HERSHEY = "ACEFHJKLMNPRTUVWXYQacdefhjkmnprtuvwxy?#+=*&@%<>$"
"""Characters of OpenCV's Hershey fonts that do not look like digits, as O, I, l, Z, S, B, b, G, g
and q do."""

_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)

_MIRRORS = {3: (1,), 4: (1,), 6: (1, 0), 7: (1, 0), 9: (1, 0)}
"""Digits whose mirror images are non-digits, with OpenCV's flip codes: 1 left to right, 0 upside
down. The others are their own mirror image, or another digit's (2 and 5)."""

_HALVES = (0, 2, 5)
"""Digits whose halves are non-digits: half an 8 may be a 3, of a 4 a 6 or 1, of a 7 or 9 a 1."""

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]
_Maker = Callable[[Images, Labels, np.random.Generator], InkArray]


def non_digit(images: Images, labels: Labels, rng: np.random.Generator) -> InkArray:
    """Generate one non-digit, `(28, 28)` float32 in `[0, 1]`, normalized as in inference.

    Some are built from digits: `images`, `(N, 28, 28)` uint8, 255 ink, with `(N,)` labels.
    """
    odds = [share for _, share in _SHARES]
    while True:
        make = _SHARES[rng.choice(len(_SHARES), p=odds)][0]
        ink = make(images, labels, rng)
        if make is _noise:
            return ink
        ink = vary_stroke_width(ink, rng)
        if rng.random() < 0.05:
            ink = break_strokes(ink, rng)
        if ink.sum() > FINE * FINE:
            return degrade(normalize(ink), rng)


def _sign(_images: Images, _labels: Labels, rng: np.random.Generator) -> InkArray:
    label = _NAMES[rng.integers(len(_NAMES))]
    return elastic_affine(draw_strokes(vary(write(label, rng), label, rng), rng), 1.0, rng)


_NAMES = tuple(name for name, templates in OTHERS.items() for _ in templates)
"""Each name once per template: common letters have many."""


def _printed_sign(_images: Images, _labels: Labels, rng: np.random.Generator) -> InkArray:
    text = HERSHEY[rng.integers(len(HERSHEY))]
    font = _FONTS[rng.integers(len(_FONTS))]
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    (width, height), below = cv2.getTextSize(text, font, 1, 1)
    size = 22 * FINE / max(height, width)
    corner = (int((SIDE - width * size) / 2), int((SIDE + height * size) / 2 - below * size / 3))
    thickness = int(rng.integers(FINE, 4 * FINE))
    cv2.putText(canvas, text, corner, font, size, 255, thickness, cv2.LINE_AA)
    return elastic_affine(as_ink(canvas), 1.0, rng, strength=1.3)


def _mirrored(images: Images, labels: Labels, rng: np.random.Generator) -> InkArray:
    image, label = _one_of(_MIRRORS, images, labels, rng)
    flips = _MIRRORS[label]
    flipped = cv2.flip(image, flips[rng.integers(len(flips))])
    return elastic_affine(as_ink(flipped), FINE, rng, strength=0.7)


def _one_of(
    wanted: Container[int], images: Images, labels: Labels, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], int]:
    """Choose an image of one of the wanted digits; return it and its label."""
    while True:
        i = int(rng.integers(len(images)))
        if int(labels[i]) in wanted:
            return images[i], int(labels[i])


def _two_digits(images: Images, _labels: Labels, rng: np.random.Generator) -> InkArray:
    """Two digits side by side, sometimes touching, sometimes one of them cropped."""
    left, right = (as_ink(images[i]) for i in rng.integers(len(images), size=2))
    distance = int(rng.integers(9, 24))
    pair = np.zeros((IMAGE_SIDE, IMAGE_SIDE + distance), np.float32)
    pair[:, :IMAGE_SIDE] = left
    shift = int(rng.integers(-4, 5))
    pair[:, distance:] = np.maximum(pair[:, distance:], np.roll(right, shift, 0))
    if rng.random() < 0.25:
        cut = int(rng.integers(10, 16))
        pair = pair[:, cut:] if rng.random() < 0.5 else pair[:, :-cut]
    return elastic_affine(pair, FINE * 0.6, rng, strength=0.7)


def _piece(images: Images, labels: Labels, rng: np.random.Generator) -> InkArray:
    """The left or right half of a digit, as after wrong segmentation."""
    image, _ = _one_of(_HALVES, images, labels, rng)
    columns = np.flatnonzero(image.any(axis=0))
    cut = int(columns[0] + np.ptp(columns) * rng.uniform(0.35, 0.65))
    part = image.copy()
    if rng.integers(2) == 0:
        part[:, cut:] = 0
    else:
        part[:, :cut] = 0
    return elastic_affine(as_ink(part), FINE, rng, strength=0.7)


def _scribble(_images: Images, _labels: Labels, rng: np.random.Generator) -> InkArray:
    """Smooth or angular strokes through random points."""
    strokes = []
    for _ in range(int(rng.integers(1, 4))):
        count = int(rng.integers(2, 12))
        corners = rng.uniform(0, 100, (count, 2))
        if count > 3 and rng.random() < 0.6:
            corners = interpolate(corners, np.linspace(0, count - 1, count * 6))
            corners = cv2.GaussianBlur(corners, (1, 9), 2)
        strokes.append(corners)
    if len(strokes) == 1 and len(strokes[0]) < 6:
        strokes.append(rng.uniform(0, 100, (5, 2)))
    return elastic_affine(draw_strokes(strokes, rng), 1.0, rng)


def _dots(_images: Images, _labels: Labels, rng: np.random.Generator) -> InkArray:
    count = int(rng.integers(1, 7))
    return draw_strokes([rng.uniform(5, 95, (1, 2)) for _ in range(count)], rng)


def _noise(_images: Images, _labels: Labels, rng: np.random.Generator) -> InkArray:
    grain = int(rng.integers(3, IMAGE_SIDE + 1))
    noise = rng.random((grain, grain)).astype(np.float32) ** rng.uniform(0.5, 4)
    if rng.random() < 0.3:
        noise[:] = rng.random()
    how = int(rng.integers(0, 3))
    return np.clip(cv2.resize(noise, (IMAGE_SIDE, IMAGE_SIDE), interpolation=how), 0, 1)


_SHARES: tuple[tuple[_Maker, float], ...] = (
    (_sign, 0.38),
    (_printed_sign, 0.17),
    (_mirrored, 0.09),
    (_two_digits, 0.18),
    (_piece, 0.04),
    (_scribble, 0.09),
    (_dots, 0.03),
    (_noise, 0.02),
)
"""Makers and their probabilities; noise is used as it is."""

"""Training pages for the finder, with their labels.

    python -m training.synthesis.pages OUT.png --hands runs/finder/hands.npz --seed 1

draws a sheet of pages and their labels for inspection.
"""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.segmentation.letterbox import SIDE, letterbox, stretch, to_square
from training import console
from training.synthesis import write_sheet
from training.synthesis.composition import compose
from training.synthesis.page import DIGIT, Digit, Page
from training.synthesis.writing import Hands, load_hands

_COVERED: Final = 90
"""Minimum coverage of a pixel, out of 255, that gives it a class."""

_TINY: Final = 7.0
"""Height in pixels of the square up to which a digit is indistinguishable from other writing."""

_LEAST_CONTRAST: Final = 14.0
"""Contrast of digit ink with its surroundings, in gray levels, up to which it is illegible."""

COLORS: Final = ((0, 0, 0), (0, 220, 0), (255, 60, 60), (70, 110, 255))
"""RGB of each class in figures."""


@dataclass(frozen=True, eq=False)
class Made:
    """A training sample for the finder.

    Attributes:
        picture: `(SIDE, SIDE, 3)` uint8 RGB.
        classes: `(SIDE / 2, SIDE / 2)` uint8: 0 background, 1 digit ink, 2 other writing, 3 lines
            and boxes.
        digits: Their boxes are in pixels of the square.
        kind: Names of the page's parts, joined by `+`.
    """

    picture: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.uint8]
    digits: tuple[Digit, ...]
    kind: str


def make(hands: Hands, seed: int, index: int) -> Made:
    """Generate the page of a seed and an index; deterministic."""
    rng = np.random.default_rng([seed, index])
    return _without_unseen(_squared(compose(hands, rng)))


def _without_unseen(made: Made) -> Made:
    """Drop digits that are too faint or hidden; relabel tiny ones as other writing."""
    ink = (made.classes == 1).astype(np.float32)
    if not made.digits:
        return made
    picture = cv2.resize(made.picture, ink.shape, interpolation=cv2.INTER_AREA).astype(np.float32)
    paper = (cv2.dilate(ink, np.ones((3, 3), np.uint8)) == 0).astype(np.float32)
    near = cv2.blur(picture * paper[..., None], (15, 15))
    around = near / np.maximum(cv2.blur(paper, (15, 15)), 0.02)[..., None]
    contrast = picture - around
    seen, dropped = [], []
    others = np.ones(ink.shape, bool)  # outside of all visible digits
    for digit in made.digits:
        x, y, w, h = (round(v / 2) for v in digit.box)
        part = (slice(max(0, y), y + h + 1), slice(max(0, x), x + w + 1))
        inked = contrast[part][ink[part] > 0]
        tall = digit.box[3] > _TINY
        if tall and len(inked) >= 4 and np.abs(inked.mean(axis=0)).max() > _LEAST_CONTRAST:
            seen.append(digit)
            others[part] = False
        else:
            dropped.append((part, 0 if tall else 2))
    for part, instead in dropped:
        made.classes[part][(made.classes[part] == 1) & others[part]] = instead
    return replace(made, digits=tuple(seen))


def _squared(page: Page) -> Made:
    height, width = page.size
    place = letterbox(height, width)
    layers = cv2.resize(page.layers, place.size[::-1], interpolation=cv2.INTER_AREA)
    covers = np.zeros((SIDE, SIDE, 3), np.uint8)
    covers[place.top :, place.left :][: place.size[0], : place.size[1]] = layers
    # Halve by the maximum of four pixels, so that thin strokes keep their class.
    covers = np.maximum(covers[::2], covers[1::2])
    covers = np.maximum(covers[:, ::2], covers[:, 1::2])
    # Digit ink takes precedence over what crosses it.
    covers[..., DIGIT] = np.where(covers[..., DIGIT] >= _COVERED, 255, 0)
    classes = np.where(covers.max(axis=2) >= _COVERED, 1 + covers.argmax(axis=2), 0)
    factors = np.array([place.size[1] / width, place.size[0] / height] * 2)
    digits = []
    for digit in page.digits:
        x, y, w, h = (np.array(digit.box) * factors + (place.left, place.top, 0, 0)).tolist()
        digits.append(replace(digit, box=(x, y, w, h)))
    picture = stretch(to_square(page.picture))
    return Made(picture, classes.astype(np.uint8), tuple(digits), "+".join(page.kind))


def _with_labels(made: Made) -> npt.NDArray[np.uint8]:
    """Show the picture and its labels side by side."""
    classes = cv2.resize(made.classes, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    shown = (0.45 * made.picture + 60).astype(np.uint8)
    shown[classes > 0] = np.array(COLORS, np.uint8)[classes[classes > 0]]
    for digit in made.digits:
        x, y, w, h = (int(v) for v in digit.box)
        cv2.rectangle(shown, (x, y), (x + w, y + h), (255, 255, 0), 1)
        cv2.putText(
            shown, str(digit.digit), (x, max(10, y - 2)), cv2.FONT_HERSHEY_PLAIN, 0.8, (255, 255, 0)
        )
    cv2.putText(shown, made.kind, (2, 10), cv2.FONT_HERSHEY_PLAIN, 0.8, (255, 255, 255))
    return np.hstack([made.picture, shown])


def main() -> None:
    """Draw a sheet of pages."""
    arguments = console.sheet_arguments("training.synthesis.pages", __doc__, 24)
    hands = load_hands(arguments.hands)
    tiles = [_with_labels(make(hands, arguments.seed, index)) for index in range(arguments.count)]
    write_sheet(arguments.file, tiles, 3)


if __name__ == "__main__":
    console.run(main)

"""Training crops for the extractor, with their labels.

    python -m training.synthesis.crops OUT.png --hands runs/extractor/hands.npz --seed 1

draws a sheet of crops for inspection.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.segmentation.extractor import DIGIT_HEIGHT
from digits.segmentation.letterbox import SIDE, stretch
from training import console
from training.synthesis import camera, log_uniform, write_sheet
from training.synthesis.composition import compose, photo
from training.synthesis.page import DIGIT, Page
from training.synthesis.pages import COLORS
from training.synthesis.writing import Hands, load_hands

SIZE: Final = (80, 160)
"""Height and width of a crop."""

_OF_A_PAGE: Final = 3
"""Maximum number of crops per page."""

_PHOTOGRAPHED: Final = 0.35
"""Share of additional photographs of paper, where ink is hardest to distinguish from ruled lines
and shadow edges."""

_SPREAD: Final = 0.35
"""Standard deviation of the log height of digits, which the finder only estimates."""

_LEAST_CONTRAST: Final = 10.0
"""Contrast of digit ink with its surroundings, in gray levels, up to which it is illegible."""

_SHIFT: Final = 0.35
"""Maximum distance between the centers of digit and crop, as a share of the crop's size."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A part of a page.

    Attributes:
        picture: `SIZE` and RGB, uint8.
        layers: `SIZE` and three layers, uint8; see `training.synthesis.page.Page`.
    """

    picture: npt.NDArray[np.uint8]
    layers: npt.NDArray[np.uint8]


def crops_of(page: Page, rng: np.random.Generator) -> list[Crop]:
    """Return crops around some digits of a page, or one random crop if it has none."""
    height, width = page.size
    if not page.digits:
        tall = max(page.size) * log_uniform(12 / SIDE, 0.5, rng)
        return [_cut(page, rng.uniform(0, 1, 2) * (width, height), tall, rng)]
    count = min(_OF_A_PAGE, 1 + len(page.digits))
    crops = []
    for index in rng.permutation(max(count, len(page.digits)))[:count] % len(page.digits):
        x, y, w, h = page.digits[index].box
        crops.append(_cut(page, np.array([x + w / 2, y + h / 2]), max(h, 0.6 * w), rng))
    return crops


def _cut(
    page: Page, middle: npt.NDArray[np.float64], tall: float, rng: np.random.Generator
) -> Crop:
    """Return a crop near a point, scaled for digits of that height."""
    scale = DIGIT_HEIGHT / max(tall, 4.0) * float(np.exp(rng.normal(0, _SPREAD)))
    size = np.maximum(np.round(np.array(SIZE[::-1]) / scale), 4).astype(int)
    middle = middle + rng.uniform(-_SHIFT, _SHIFT, 2) * size
    room = np.array(page.size[::-1]) - size
    corner = np.round(middle - size / 2).astype(int)
    corner = np.where(room > 0, np.clip(corner, 0, np.maximum(room, 0)), corner)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture, layers = (
        cv2.resize(_part(field, corner, size), SIZE[::-1], interpolation=how)
        for field in (page.picture, page.layers)
    )
    return Crop(stretch(picture), layers)


def _part(
    field: npt.NDArray[np.uint8], corner: npt.NDArray[np.int_], size: npt.NDArray[np.int_]
) -> npt.NDArray[np.uint8]:
    """Return a rectangle; beyond the page, its edge is repeated."""
    columns, rows = map(np.arange, corner, corner + size)
    return field.take(rows, axis=0, mode="clip").take(columns, axis=1, mode="clip")


def _is_seen(crop: Crop) -> bool:
    """Return whether digit ink, if any, differs from its surroundings."""
    ink = (crop.layers[..., DIGIT] > 127).astype(np.uint8)
    around = (cv2.dilate(ink, np.ones((5, 5), np.uint8)) > 0) & (crop.layers[..., DIGIT] < 20)
    if not (ink.any() and around.any()):
        return True
    contrast = crop.picture[ink > 0].mean(axis=0) - crop.picture[around].mean(axis=0)
    return bool(np.abs(contrast).max() > _LEAST_CONTRAST)


def make_crops(hands: Hands, seed: int, index: int, count: int) -> list[Crop]:
    """Generate crops of new pages; deterministic."""
    rng = np.random.default_rng([seed, index])
    crops: list[Crop] = []
    while len(crops) < count:
        photographed = rng.random() < _PHOTOGRAPHED
        page = camera.saved(photo(hands, rng), rng) if photographed else compose(hands, rng)
        crops += filter(_is_seen, crops_of(page, rng))
    return crops[:count]


def main() -> None:
    """Draw a sheet of crops."""
    arguments = console.sheet_arguments("training.synthesis.crops", __doc__)
    crops = make_crops(load_hands(arguments.hands), arguments.seed, 0, arguments.count)
    colors = np.array(COLORS[1:], np.float32)
    tiles = []
    for crop in crops:
        labels = np.clip(crop.layers.astype(np.float32) / 255 @ colors, 0, 255)
        tiles.append(np.vstack([crop.picture, labels.astype(np.uint8)]))
    write_sheet(arguments.file, tiles, 6)


if __name__ == "__main__":
    console.run(main)

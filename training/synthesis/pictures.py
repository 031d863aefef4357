"""Natural pictures, cropped from photographs in Python packages, and objects lying on pages.

The photographs are scikit-image's (`skimage/data`, each in the public domain or CC0 according to
`skimage.data`) and one of matplotlib's (public domain). They are read from the installed packages;
nothing of them is kept but what a network learns.
"""

from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from training.synthesis import log_uniform
from training.synthesis.optics import clouds, noise
from training.synthesis.page import Page, Picture

_PICTURES: Final = (
    ("skimage", "data/*.png"),
    ("skimage", "data/*.jpg"),
    ("matplotlib", "mpl-data/sample_data/*.jpg"),
)
_LEFT_OUT: Final = ("page", "text", "logo", "color", "chessboard", "phantom", "motorcycle")
"""Writing, drawings, and one whose license is unclear."""

_SKINS: Final = ((245, 208, 180), (228, 180, 145), (198, 140, 105), (150, 98, 68), (95, 60, 45))
_LARGEST: Final = 700


@lru_cache
def photographs() -> tuple[Picture, ...]:
    """Return the photographs, each `(H, W, 3)` uint8 RGB."""
    found = []
    for path in package_files(*_PICTURES):
        if path.stem.startswith(_LEFT_OUT):
            continue
        picture = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)
        factor = min(1.0, _LARGEST / max(picture.shape[:2]))
        picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        found.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    return tuple(found)


def package_files(*patterns: tuple[str, str]) -> Iterator[Path]:
    """Find files of installed packages by package and pattern; skip missing packages."""
    for package, pattern in patterns:
        spec = find_spec(package)
        if spec and spec.origin:
            yield from sorted(Path(spec.origin).parent.glob(pattern))


def natural(size: tuple[int, int], rng: np.random.Generator) -> Picture:
    """Return a natural picture of height and width: a crop, sometimes mixed or recolored."""
    picture = _crop(size, rng)
    if rng.random() < 0.15:
        other = _crop(size, rng)
        picture = cv2.addWeighted(picture, 0.6, other, 0.4, 0)
    if rng.random() < 0.3:
        picture = np.ascontiguousarray(picture[..., rng.permutation(3)])
    gain, lift = rng.uniform(0.5, 1.3), rng.uniform(-40, 40)
    return np.clip(picture * np.float32(gain) + np.float32(lift), 0, 255).astype(np.uint8)


def _crop(size: tuple[int, int], rng: np.random.Generator) -> Picture:
    pictures = photographs()
    kind = rng.random()
    if kind < 0.25:
        return texture(size, rng)
    if not pictures or kind < 0.37:
        return clutter(size, rng)
    picture = pictures[int(rng.integers(len(pictures)))]
    least = max(size[0] / picture.shape[0], size[1] / picture.shape[1])
    scale = least * rng.uniform(1.0, 4.0)
    angle = rng.choice([0.0, rng.normal(0, 0.3), rng.uniform(0, 6.3)], p=[0.5, 0.3, 0.2])
    flip = rng.choice([-1.0, 1.0])
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.array([[cos * flip, -sin], [sin * flip, cos]])
    source = rng.uniform(0.35, 0.65, 2) * picture.shape[1::-1]
    shift = np.array(size[::-1]) / 2 - turn @ source
    matrix = np.column_stack([turn, shift])
    return cv2.warpAffine(picture, matrix, size[::-1], borderMode=cv2.BORDER_REFLECT_101)


def texture(size: tuple[int, int], rng: np.random.Generator) -> Picture:
    """Return a texture like wood, cloth, stone, carpet, stripes or noise."""
    picture = np.empty((*size, 3), np.float32)
    picture[:] = rng.uniform(20, 235) + rng.normal(0, 25, 3)
    colored, sharp = rng.random() < 0.2, rng.random() < 0.2
    for _ in range(int(rng.integers(1, 4))):
        reach = np.exp(rng.uniform(0, np.log(0.3 * max(size)), 2))
        if rng.random() < 0.5:
            reach[:] = reach[0]
        across = tuple(int(max(2, side / r)) for side, r in zip(size, reach, strict=True))
        shape = (*across, 3) if colored else across
        field = clouds(shape, size, rng).reshape(*size, -1)
        strength = np.exp(rng.uniform(np.log(2), np.log(90))) * rng.normal(1, 0.1, 3)
        picture += (np.sign(field) if sharp else field) * strength.astype(np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)


def clutter(size: tuple[int, int], rng: np.random.Generator) -> Picture:
    """Return unevenly lit patches, bars and discs of any color, roughly like rooms and shelves."""
    height, width = size
    picture = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(int(rng.integers(4, 30))):
        color = rng.integers(0, 256, 3).tolist()
        place = (rng.uniform(-0.1, 1.1, 2) * (width, height)).astype(int)
        x, y = place.tolist()
        reach = log_uniform(0.02, 0.5, rng) * max(size)
        kind = rng.random()
        if kind < 0.35:
            angle = rng.choice([0, 0, 90, rng.uniform(0, 180)])
            flat = (reach * 2, reach * rng.uniform(0.05, 1.5))
            corners = cv2.boxPoints(((x, y), flat, float(angle))).astype(np.int32)
            cv2.fillPoly(picture, [corners], color, cv2.LINE_AA)
        elif kind < 0.6:
            end = (place + rng.normal(0, reach, 2)).astype(int).tolist()
            thick = int(max(1, reach * rng.uniform(0.02, 0.3)))
            cv2.line(picture, (x, y), end, color, thick, cv2.LINE_AA)
        elif kind < 0.85:
            axes = (int(reach), int(reach * rng.uniform(0.3, 1)))
            thick = -1 if rng.random() < 0.6 else int(max(1, reach * 0.1))
            cv2.ellipse(picture, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, color, thick)
        else:
            points = place + rng.normal(0, reach, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(picture, [points.astype(np.int32)], color, cv2.LINE_AA)
    light = 1 + 0.25 * noise(size, max(size) / 3, rng)
    return np.clip(picture * light[..., None], 0, 255).astype(np.uint8)


def lay_hand(page: Page, rng: np.random.Generator) -> None:
    """Lay a hand on the page: a palm and fingers, straight or bent, and an arm from outside."""
    height, width = page.size
    side = max(page.size)
    cover = np.zeros((height, width), np.uint8)
    palm = rng.uniform(0.2, 0.8, 2) * (width, height)
    reach = rng.uniform(0.08, 0.2) * side
    turn = rng.uniform(0, 2 * np.pi)
    center = palm.astype(int).tolist()
    cv2.circle(cover, center, int(reach), 255, -1, cv2.LINE_AA)
    for index in range(5):
        angle = turn + (index - 2) * rng.uniform(0.25, 0.45)
        length = reach * (rng.uniform(1.6, 2.6) if rng.random() < 0.6 else 1.0)
        tip = (palm + length * np.array([np.cos(angle), np.sin(angle)])).astype(int).tolist()
        thick = max(2, int(reach * rng.uniform(0.3, 0.45)))
        cv2.line(cover, center, tip, 255, thick, cv2.LINE_AA)
    wrist = (palm - 3 * side * np.array([np.cos(turn), np.sin(turn)])).astype(int).tolist()
    cv2.line(cover, center, wrist, 255, max(2, int(1.5 * reach)), cv2.LINE_AA)
    shade(page, cover, rng)
    skin = np.array(_SKINS[rng.integers(5)]) * rng.uniform(0.85, 1.1) + rng.normal(0, 6, 3)
    page.paint(cover, (0, 0), skin.clip(20, 255), None)
    edges = cv2.morphologyEx(cover, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    page.paint((edges * np.float32(0.4)).astype(np.uint8), (0, 0), (70, 45, 40), None)


def lay_pen(page: Page, rng: np.random.Generator) -> None:
    """Lay a pen, a ruler, a stick or a cable on the page."""
    height, width = page.size
    side = max(page.size)
    cover = np.zeros((height, width), np.uint8)
    start = rng.uniform(0.0, 1.0, 2) * (width, height)
    along = rng.normal(0, 1, 2)
    along /= np.hypot(*along)
    length, thick = rng.uniform(0.2, 0.9) * side, max(2, int(rng.uniform(0.006, 0.05) * side))
    color = rng.integers(0, 256, 3) * rng.choice([0.3, 1.0])
    points = start + np.outer(np.linspace(0, length, 8), along)
    if rng.random() < 0.2:
        points += np.cumsum(rng.normal(0, 0.03 * side, points.shape), axis=0)
    fixed = np.round(points).astype(np.int32)
    cv2.polylines(cover, [fixed], False, 255, thick, cv2.LINE_AA)  # noqa: FBT003
    tip = start - along * thick * 1.8
    across = np.array([-along[1], along[0]]) * thick / 2
    cv2.fillPoly(cover, [np.round([start + across, tip, start - across]).astype(np.int32)], 255)
    shade(page, cover, rng)
    page.paint(cover, (0, 0), color, None)
    if rng.random() < 0.6:  # a cap, a clip or a bright edge along it
        part = slice(int(rng.integers(1, 4)), int(rng.integers(5, 9)))
        mark = np.zeros_like(cover)
        cv2.polylines(mark, [fixed[part]], False, 255, max(1, thick // 3), cv2.LINE_AA)  # noqa: FBT003
        page.paint(mark, (0, 0), rng.integers(0, 256, 3), None)


def lay_thing(page: Page, rng: np.random.Generator) -> None:
    """Lay an object (a coin, a cup, a phone) on the page: an outline filled with a picture."""
    side = max(page.size)
    reach = int(rng.uniform(0.04, 0.25) * side) + 4
    cover = np.zeros((2 * reach, 2 * reach), np.uint8)
    if rng.random() < 0.5:
        axes = (reach - 2, int((reach - 2) * rng.uniform(0.4, 1)))
        cv2.ellipse(cover, (reach, reach), axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    else:
        flat = (1.3 * reach, 1.3 * reach * rng.uniform(0.2, 1.0))
        corners = cv2.boxPoints(((reach, reach), flat, float(rng.uniform(0, 180))))
        cv2.fillPoly(cover, [corners.astype(np.int32)], 255, cv2.LINE_AA)
    x, y = (int(v) for v in rng.uniform(-0.1, 1.0, 2) * page.size[::-1] - (reach / 2, reach / 2))
    world = Page.blank(natural((2 * reach, 2 * reach), rng), "thing")
    dark = cv2.GaussianBlur(cover, (0, 0), max(1.0, reach / 12))
    shadow = (dark * np.float32(0.4)).astype(np.uint8)
    page.paint(shadow, (x + reach // 15, y + reach // 12), (20, 20, 20), None)
    page.paste(world, (x, y), cover)


def shade(page: Page, cover: np.ndarray, rng: np.random.Generator) -> None:
    """Draw the shadow of an object."""
    side = max(page.size)
    blurred = cv2.GaussianBlur(cover[::2, ::2], (0, 0), max(1.0, side * rng.uniform(0.003, 0.015)))
    blurred = cv2.resize(blurred, cover.shape[::-1], interpolation=cv2.INTER_LINEAR)
    shift = (int(rng.normal(0, 0.015) * side), int(rng.normal(0, 0.015) * side))
    dark = (blurred * np.float32(rng.uniform(0, 0.5))).astype(np.uint8)
    moved = np.roll(dark, shift[::-1], (0, 1))
    page.picture[:] = page.picture * (1 - moved[..., None] * np.float32(1 / 255))

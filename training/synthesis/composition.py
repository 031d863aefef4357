"""Complete pages: a surface, its contents, their surroundings, and how the page was captured."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.segmentation.letterbox import SIDE
from training.handwriting.strokes import rotation, translation
from training.synthesis import camera, log_uniform, photos, pictures
from training.synthesis.contents import CONTENTS, number, surround
from training.synthesis.marks import Mark, Pen, box_of, draw, placed
from training.synthesis.page import LINE, Cover, Page
from training.synthesis.rasters import cell, plot, raster
from training.synthesis.surfaces import SURFACES, pen_for
from training.synthesis.surroundings import SURROUNDINGS
from training.synthesis.writing import Hands, print_text

_LEAST_HEIGHT: Final = 11.0
"""Minimum intended height of a digit, in pixels of the square."""

_FAINT: Final = 0.2
"""Opacity of a ruled line up to which it is not labeled."""

_UNDER_ODDS: Final = (0.31, 0.21, 0.1, 0.12, 0.04, 0.22)
"""Probabilities of `SURFACES` below another page."""

_SIGNS: Final = ("STOP", "!", "P", "H", "ZONE", "30", "50", "80", "100", "TAXI", "i", "km", "A 7")
_BLACK: Final = (0.0, 0.0, 0.0)


def _pick(table: Mapping[str, tuple[object, float]], rng: np.random.Generator) -> str:
    odds = np.array([odd for _, odd in table.values()])
    return str(rng.choice(list(table), p=odds / odds.sum()))


def compose(hands: Hands, rng: np.random.Generator) -> Page:
    """Compose a random page."""
    name = _pick(_KINDS, rng)
    page = _KINDS[name][0](hands, rng)
    page.kind.insert(0, name)
    return camera.saved(page, rng)


def _page_size(rng: np.random.Generator, aspect: float | None = None) -> tuple[int, int]:
    longer = round(log_uniform(260, 640, rng))
    if aspect is None:
        aspect = float(rng.choice([1.0, 4 / 3, 4 / 3, 3 / 2, 16 / 9, 2.2]))
        if rng.random() < 0.5:
            aspect = 1 / aspect
    if aspect > 1:
        return round(longer / aspect), longer
    return longer, max(40, round(longer * aspect))


def _written(
    hands: Hands,
    rng: np.random.Generator,
    size: tuple[int, int] | None = None,
    name: str | None = None,
) -> Page:
    """Write something on a surface, before it is captured."""
    name = name or _pick(CONTENTS, rng)
    marks = CONTENTS[name][0](hands, rng)
    parts = [name]
    if name in ("single", "number", "printed", "words") and rng.random() < 0.35:
        added, what = surround(marks, rng)
        marks, parts = [*marks, *added], [name, what]
    extent = np.maximum(np.ptp(box_of(marks), axis=0), 0.2) if marks else np.ones(2)
    if size is None:
        aspect = None
        if marks and rng.random() < 0.4:
            wide, tall = extent + extent.min() * rng.uniform(0.1, 1.2)
            aspect = float(np.clip(wide / tall, 0.3, 4.0))
        size = _page_size(rng, aspect)
    surface = _pick(SURFACES, rng)
    page = SURFACES[surface][0](size, rng)
    page.kind += parts
    if marks:
        _write(page, marks, extent, rng)
    return page


def _write(
    page: Page, marks: list[Mark], extent: npt.NDArray[np.float64], rng: np.random.Generator
) -> None:
    """Choose the position and size of marks on the page, and draw them."""
    height, width = page.size
    most = min(0.93 * width / extent[0], 0.93 * height / extent[1])
    least = min(most, _LEAST_HEIGHT * max(page.size) / SIDE)
    least = max(least, 0.14 * most)
    unit = float(np.exp(np.log(least) + (np.log(most) - np.log(least)) * rng.beta(2.0, 1.0)))
    pen = pen_for(page, unit, rng)
    printed = page.kind[0] in ("screen", "scan", "canvas") and rng.random() < 0.3
    angle = 0.0 if printed else rng.normal(0, 0.05)
    if len(page.digits) == 0 and len(marks) == 1 and rng.random() < 0.1:
        angle = rng.normal(0, 0.35)
    upright = printed or any(mark.width is not None for mark in marks)
    slant = 0.0 if upright else rng.normal(0, 0.12)
    shaped = placed(marks, unit, (0, 0), angle, slant)
    low, high = box_of(shaped)
    shrink = min(1.0, *(0.96 * np.array([width, height]) / np.maximum(high - low + pen.width, 1)))
    room = np.maximum(np.array([width, height]) - (high - low) * shrink - pen.width, 0)
    corner = room * rng.uniform(0.0, 1.0, 2) + pen.width / 2
    if rng.random() < 0.3:
        corner = room / 2 + pen.width / 2
    _draw_lines_first(page, placed(shaped, shrink, corner), pen, rng)


def _draw_lines_first(page: Page, marks: list[Mark], pen: Pen, rng: np.random.Generator) -> None:
    """Draw ruled boxes in their own color, then the writing."""
    ruled = [mark for mark in marks if mark.width is not None]
    if ruled:
        ground = np.median(page.picture[::9, ::9].reshape(-1, 3), axis=0)
        ink = np.array(pen.color) if rng.random() < 0.4 else rng.uniform(0, 220, 3)
        draw(page, ruled, Pen(1.0, ground + (ink - ground) * rng.uniform(0.25, 1.0)), rng)
    draw(page, [mark for mark in marks if mark.width is None], pen, rng)


def _surrounded(page: Page, hands: Hands, rng: np.random.Generator) -> None:
    for _ in range(rng.choice([0, 1, 2, 3], p=[0.5, 0.3, 0.12, 0.08])):
        name = _pick(SURROUNDINGS, rng)
        SURROUNDINGS[name][0](page, hands, rng)
        page.kind.append(name)


def _taken(page: Page, rng: np.random.Generator) -> Page:
    """Photograph or scan the page, or neither, depending on its surface."""
    odds = {"paper": 0.85, "board": 0.85, "wall": 0.7, "scan": 0.15, "screen": 0.12, "canvas": 0.06}
    if rng.random() < odds[page.kind[0]]:
        return camera.photograph(page, rng)
    return camera.scanned(page, rng) if page.kind[0] in ("scan", "paper") else page


def plain(hands: Hands, rng: np.random.Generator) -> Page:
    """A single page."""
    page = _written(hands, rng)
    _surrounded(page, hands, rng)
    page = _taken(page, rng)
    return _cut(page, rng) if rng.random() < 0.12 else page


def _cut(page: Page, rng: np.random.Generator) -> Page:
    """Crop a page, as on a phone; writing may be cut by the edge."""
    height, width = page.size
    tall, wide = int(height * rng.uniform(0.5, 1.0)), int(width * rng.uniform(0.4, 1.0))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    return page.crop(left, top, wide, tall)


def photo(hands: Hands, rng: np.random.Generator) -> Page:
    """A photograph of writing on paper; see `training.synthesis.photos`."""
    marks = number(hands, rng, 1 if rng.random() < 0.5 else None)
    marks = [mark for mark in marks if mark.image is None]
    if not marks:
        return plain(hands, rng)
    parts = [mark.strokes for mark in marks]
    shot = photos.photograph(parts, rng, on_desk=rng.random() < 0.5, longest=900)
    page = Page.blank(shot.picture, "paper")
    for ruling in shot.rulings:
        if ruling.cover > _FAINT:
            ruled = [Mark([line], LINE) for line in ruling.lines]
            draw(page, ruled, Pen(ruling.width, _BLACK, opacity=0), rng)
    written = [replace(m, strokes=s) for m, s in zip(marks, shot.strokes, strict=True)]
    draw(page, written, Pen(shot.pen_width, _BLACK, opacity=0), rng)
    page.kind.append("single" if len(marks) == 1 else "number")
    return page


def nested(hands: Hands, rng: np.random.Generator) -> Page:
    """A card, a photograph, a polaroid or a window on top of another page."""
    size = _page_size(rng)
    share = float(rng.choice([rng.uniform(0.25, 0.6), rng.uniform(0.6, 0.97)]))
    if rng.random() < 0.4:
        tall = wide = share * min(size)
    else:
        tall, wide = (share * side * rng.uniform(0.7, 1.0) for side in size)
    inner = _written(hands, rng, (max(40, int(tall)), max(40, int(wide))))
    if rng.random() < 0.25:
        _surrounded(inner, hands, rng)
    if rng.random() < 0.6:
        inner = camera.photograph(inner, rng)
    page = SURFACES[str(rng.choice(list(SURFACES), p=_UNDER_ODDS))][0](size, rng)
    askew = rng.random() < 0.35
    cover = None
    if askew:
        inner, cover = _turned(inner, float(rng.normal(0, 0.2)))
    room = np.array(page.size[::-1]) - inner.size[::-1]
    at = room / 2 if rng.random() < 0.5 else room * rng.uniform(0, 1, 2)
    corner = (int(at[0]), int(at[1]))
    if not askew:
        _framed(page, inner, corner, rng)
    page.paste(inner, corner, cover)
    _surrounded(page, hands, rng)
    return _taken(page, rng) if rng.random() < 0.4 else page


def _turned(page: Page, angle: float) -> tuple[Page, Cover]:
    """Rotate a page about its center; return it and its coverage of the new bounding box."""
    height, width = page.size
    cos, sin = abs(np.cos(angle)), abs(np.sin(angle))
    size = (int(height * cos + width * sin), int(width * cos + height * sin))
    middle, new_middle = np.array([width, height]) / 2, np.array(size[::-1]) / 2
    matrix = translation(new_middle) @ rotation(angle) @ translation(-middle)
    cover = cv2.warpPerspective(np.full(page.size, 255, np.uint8), matrix, size[::-1])
    return page.warp(matrix, size, _BLACK), cover


def _framed(page: Page, inner: Page, corner: tuple[int, int], rng: np.random.Generator) -> None:
    """Sometimes draw a polaroid's card, a border or a shadow below the inner page."""
    kind = rng.random()
    (x, y), (tall, wide) = corner, inner.size
    if kind < 0.25:
        rim = int(rng.uniform(0.03, 0.12) * max(inner.size))
        foot = int(rng.uniform(1, 4) * rim)
        card = np.full((tall + rim + foot, wide + 2 * rim), 255, np.uint8)
        page.paint(card, (x - rim, y - rim), [rng.uniform(225, 255)] * 3, None)
    elif kind < 0.5:
        thick = int(rng.integers(1, 4))
        card = np.full((tall + 2 * thick, wide + 2 * thick), 255, np.uint8)
        page.paint(card, (x - thick, y - thick), [rng.uniform(0, 200)] * 3, LINE)
        page.layers[max(0, y) : y + tall, max(0, x) : x + wide] = 0
    elif kind < 0.65:
        cover = np.zeros(page.size, np.uint8)
        cv2.rectangle(cover, corner, (x + wide, y + tall), 255, -1)
        pictures.shade(page, cover, rng)


def small(hands: Hands, rng: np.random.Generator) -> Page:
    """A low-resolution picture: an MNIST image, or a similarly small digit."""
    if rng.random() < 0.5:
        return raster(hands, rng)
    page = _taken(_written(hands, rng, (160, 160), "single"), rng)
    return page.resize(int(rng.integers(28, 80)), cv2.INTER_AREA)


def world(hands: Hands, rng: np.random.Generator) -> Page:
    """A picture without handwritten digits: scenes, objects, hands, signs, printed pages."""
    size = _page_size(rng)
    page = Page.blank(pictures.natural(size, rng), "wall")
    kind = rng.random()
    if kind < 0.25:
        if rng.random() < 0.6:
            page.picture[:] = camera.light(size, rng) * np.float32(rng.uniform(60, 240))
        pictures.lay_hand(page, rng)
    elif kind < 0.4:
        for _ in range(int(rng.integers(1, 4))):
            (pictures.lay_thing, pictures.lay_pen)[int(rng.integers(2))](page, rng)
    elif kind < 0.55:
        _lay_sign(page, rng)
    elif kind < 0.65:
        page = SURFACES["paper"][0](size, rng)
        for _ in range(int(rng.integers(0, 4))):
            SURROUNDINGS[_pick(SURROUNDINGS, rng)][0](page, hands, rng)
    page.kind.append("no_digit")
    return camera.photograph(page, rng) if rng.random() < 0.5 else page


def _lay_sign(page: Page, rng: np.random.Generator) -> None:
    """Draw a road sign: a disc, a polygon or a plate with a border and a printed text."""
    height, width = page.size
    reach = rng.uniform(0.12, 0.48) * min(page.size)
    center = rng.uniform(0.3, 0.7, 2) * (width, height)
    sides = int(rng.choice([3, 4, 8, 40]))
    turn = rng.choice([0, np.pi / sides]) - np.pi / 2
    border = rng.choice([(190, 20, 30), (20, 60, 160), (30, 30, 30), (250, 250, 250)])
    inner = rng.uniform(0.75, 0.92)
    plate = rng.choice([(250, 250, 250), (250, 200, 30), (20, 60, 160), (190, 20, 30)])
    for share, color in ((1.0, border), (inner, plate)):
        angle = turn + np.arange(sides) * 2 * np.pi / sides
        points = center + share * reach * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        cover = np.zeros(page.size, np.uint8)
        cv2.fillPoly(cover, [np.round(points).astype(np.int32)], 255, cv2.LINE_AA)
        page.paint(cover, (0, 0), color, None)
    mark = print_text(str(rng.choice(_SIGNS)), rng)
    extent = np.ptp(box_of([mark]), axis=0)
    tall = 0.9 * reach / extent.max()
    ink = Pen(1.0, [20.0 if rng.random() < 0.6 else 245.0] * 3)
    draw(page, placed([mark], tall, center - extent * tall / 2), ink, rng)


_KINDS: Final[dict[str, tuple[Callable[[Hands, np.random.Generator], Page], float]]] = {
    "plain": (plain, 0.36),
    "photo": (photo, 0.28),
    "nested": (nested, 0.14),
    "plot": (plot, 0.03),
    "small": (small, 0.05),
    "cell": (cell, 0.08),
    "world": (world, 0.06),
}
"""Maker and probability by name."""

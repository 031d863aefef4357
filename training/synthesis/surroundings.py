"""Surroundings of the digits on a page, such as print, other handwriting, stains and objects.

Each maker adds one kind to free parts of a page, before the page is captured.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from training.synthesis import log_uniform, pictures
from training.synthesis.contents import word
from training.synthesis.marks import Mark, Pen, box_of, draw, line, placed, rectangle
from training.synthesis.page import DIGIT, WRITING, Color, Page, Vector
from training.synthesis.surfaces import pen_for
from training.synthesis.writing import Hands, print_text, write_text

_TEXT: Final = (0.018, 0.055)
"""Minimum and maximum cap height of print, as a share of the page's longer side."""

_Style = tuple[float, Color]
"""Cap height in pixels, and color."""


def _style(page: Page, rng: np.random.Generator) -> _Style:
    """Choose a style of print."""
    return max(4.5, log_uniform(*_TEXT, rng) * max(page.size)), _ink(page, rng)


def _ink(page: Page, rng: np.random.Generator) -> Color:
    """Choose a color for print that differs from the background, strongly or halfway."""
    ground = np.median(page.picture[::9, ::9].reshape(-1, 3), axis=0)
    dark = ground.mean() > 120
    full = np.array([0.0] * 3 if dark else [255.0] * 3)
    if rng.random() < 0.25:
        full = rng.uniform(0, 160, 3) if dark else rng.uniform(110, 255, 3)
    return ground + (full - ground) * rng.uniform(0.45, 1.0)


def free(page: Page, corner: Vector, size: Vector, margin: float = 3.0) -> bool:
    """Return whether there is no writing in a box of width and height on the page."""
    (x, y), (width, height) = corner, size
    rows = slice(max(0, int(y - margin)), max(0, int(y + height + margin)))
    columns = slice(max(0, int(x - margin)), max(0, int(x + width + margin)))
    return not bool((page.layers[rows, columns, : WRITING + 1] > 60).any())


def _put(page: Page, marks: list[Mark], pen: Pen, rng: np.random.Generator) -> None:
    """Draw marks, given in pixels, if that part of the page is free."""
    low, high = box_of(marks)
    if free(page, low, high - low):
        draw(page, marks, pen, rng)


def _put_text(
    page: Page, text: str, share: Vector, style: _Style, rng: np.random.Generator
) -> None:
    """Print a line of text with the given shares of the free room to its left and above it."""
    tall, color = style
    mark = print_text(text, rng)
    extent = np.ptp(box_of([mark]), axis=0)
    tall = min(tall, page.size[1] / extent[0])
    if tall < 4:
        return
    at = (page.size[::-1] - extent * tall) * share
    angle = rng.normal(0, 0.01) if rng.random() < 0.3 else 0.0
    _put(page, placed([mark], tall, at, angle), Pen(1.0, color), rng)


def _date_text(rng: np.random.Generator) -> str:
    y, m, d = int(rng.integers(1990, 2030)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    h, s = int(rng.integers(24)), int(rng.integers(60))
    forms = (
        f"{y}-{m:02}-{d:02}",
        f"{d:02}.{m:02}.{y}",
        f"{m}/{d}/{y % 100:02}",
        f"{h:02}:{s:02}",
        f"{y}-{m:02}-{d:02} {h:02}:{s:02}",
        f"No. {d}{m}{s}",
        f"{h}:{s:02} PM",
    )
    return str(rng.choice(forms))


def _sentence(rng: np.random.Generator, longest: int = 6) -> str:
    words = [word(rng, 3) for _ in range(int(rng.integers(1, longest + 1)))]
    if rng.random() < 0.3:
        words.insert(int(rng.integers(len(words) + 1)), str(rng.integers(1, 200)))
    return " ".join(words) + str(rng.choice(["", "", ":", ".", "?"]))


def page_number(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """A page number at the top or bottom."""
    down = rng.choice([rng.uniform(0.93, 0.99), rng.uniform(0.01, 0.07)])
    share = (rng.choice([0.05, 0.5, 0.95]), down)
    n = rng.choice([rng.integers(1, 30), rng.integers(1, 400)])
    of = f"{n} / {n + rng.integers(9)}"
    shown = str(rng.choice([f"{n}", f"- {n} -", f"Page {n}", of, f"Seite {n}", f"p. {n}"]))
    _put_text(page, shown, share, _style(page, rng), rng)


def date_stamp(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """A date, a time or a number in a corner."""
    share = rng.choice([0.03, 0.5, 0.97], 2, p=[0.4, 0.2, 0.4]) + rng.normal(0, 0.01, 2)
    tall, color = _style(page, rng)
    if rng.random() < 0.2:  # like the date stamp of old cameras
        color = (255.0, 140.0, 20.0)
    _put_text(page, _date_text(rng), share, (tall, color), rng)


def title(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """A title at the top or a caption at the bottom."""
    down = rng.choice([rng.uniform(0.02, 0.15), rng.uniform(0.85, 0.98)])
    share = (rng.choice([0.05, 0.5]), down)
    _put_text(page, _sentence(rng), share, _style(page, rng), rng)


def text(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """One to twelve lines of printed text."""
    tall, color = _style(page, rng)
    tall = max(4.5, 0.7 * tall)
    pitch = tall * rng.uniform(1.6, 2.6)
    left = rng.uniform(0.02, 0.4)
    start = rng.uniform(0, 0.9) * page.size[0]
    count = int(rng.choice([1, 2, 4, 12]))
    for index in range(count):
        y = start + index * pitch
        if y > page.size[0] - tall:
            break
        share = y / max(page.size[0] - 1.3 * tall, 1)
        _put_text(page, _sentence(rng, 9), (left, share), (tall, color), rng)


def name_line(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """A label followed by a rule, as on a form."""
    tall, color = _style(page, rng)
    mark = print_text(word(rng, 2).capitalize() + ":", rng)
    end = box_of([mark])[1][0]
    rule = line([[end + 0.3, 1.0], [end + rng.uniform(3, 15), 1.0]], 0.08)
    share = rng.choice([rng.uniform(0.02, 0.15), rng.uniform(0.02, 0.98)])
    at = (rng.uniform(0.02, 0.3) * page.size[1], share * (page.size[0] - 2 * tall))
    _put(page, placed([mark, rule], tall, at), Pen(1.0, color), rng)


def handwriting(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """One or two handwritten words."""
    tall = rng.uniform(0.04, 0.12) * max(page.size)
    marks = write_text(" ".join(word(rng, 2) for _ in range(int(rng.integers(1, 3)))), rng)
    room = np.maximum(page.size[::-1] - np.ptp(box_of(marks), axis=0) * tall, 0)
    made = placed(marks, tall, room * rng.uniform(0, 1, 2), rng.normal(0, 0.03))
    _put(page, made, pen_for(page, tall, rng), rng)


def punch_holes(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """Punch holes along an edge, or those of a spiral binding."""
    height, width = page.size
    count = int(rng.choice([2, 2, 3, 4, 14]))
    radius = rng.uniform(0.006, 0.025) * max(page.size)
    upright = rng.random() < 0.7
    off = rng.uniform(1.3, 4) * radius
    tone = rng.choice([rng.uniform(0, 60), rng.uniform(60, 200)])
    first = rng.uniform(0.04, 0.3)
    disc = np.zeros((int(2 * radius) + 3,) * 2, np.uint8)
    cv2.circle(disc, (disc.shape[0] // 2,) * 2, int(radius), 255, -1, cv2.LINE_AA)
    for share in np.linspace(first, 1 - first, count):
        x, y = (off, share * height) if upright else (share * width, off)
        at = (int(x - radius), int(y - radius))
        if free(page, at, disc.shape):
            page.paint(disc, at, [tone] * 3, None)


def buttons(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """A row of an app's buttons at the top or bottom."""
    count = int(rng.integers(1, 5))
    tall = rng.uniform(0.05, 0.1) * max(page.size)
    wide = rng.uniform(1.8, 5) * tall
    down = rng.choice([rng.uniform(0.0, 0.08), rng.uniform(0.85, 0.97)]) * page.size[0]
    colors = np.array([rng.uniform(0, 255, 3), [33, 118, 210], [235, 235, 235]])
    color = colors[rng.integers(3)]
    lettering = Pen(1.0, [255.0 if color.mean() < 140 else 20.0] * 3)
    x = rng.uniform(0.02, 0.4) * page.size[1]
    for _ in range(count):
        if x + wide > page.size[1] or not free(page, (x, down), (wide, tall)):
            return
        cover = np.full((int(tall), int(wide)), 255, np.uint8)
        page.paint(cover, (int(x), int(down)), color, None)
        mark = print_text(word(rng, 2).capitalize(), rng)
        size = min(tall * 0.45, 0.8 * wide / box_of([mark])[1][0])
        draw(page, placed([mark], size, (x + 0.12 * wide, down + 0.3 * tall)), lettering, rng)
        x += wide * rng.uniform(1.1, 1.6)


def bars(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """Bars with text across the page: a phone's status bar, a title bar, black bands."""
    height, width = page.size
    tall = int(rng.uniform(0.03, 0.2) * height)
    tone = rng.choice([rng.uniform(0, 255, 3), np.zeros(3)])
    lettering = Pen(1.0, [240.0 if sum(tone) < 380 else 20.0] * 3)
    for top in (0, height - tall):
        if rng.random() < 0.7 and free(page, (0, top), (width, tall)):
            page.paint(np.full((tall, width), 255, np.uint8), (0, top), tone, None)
            mark = print_text(_date_text(rng), rng)
            size = max(5.0, min(0.4 * tall, 0.03 * max(page.size)))
            at = (rng.uniform(0.02, 0.7) * width, top + 0.3 * tall)
            draw(page, placed([mark], size, at), lettering, rng)


def slivers(page: Page, hands: Hands, rng: np.random.Generator) -> None:
    """Other writing, cut off by the edges of the picture."""
    height, width = page.size
    tall = rng.uniform(0.1, 0.6) * min(page.size)
    pen = pen_for(page, tall, rng)
    for _ in range(int(rng.integers(1, 5))):
        made = [hands.digit(rng)] if rng.random() < 0.6 else write_text(word(rng, 2), rng)
        marks = [Mark(m.strokes, WRITING, image=m.image) for m in made]
        extent = np.ptp([v * tall for v in box_of(marks)], axis=0)
        seen = rng.uniform(0.03, 0.3)
        along = rng.uniform(-0.1, 1.0)
        at = (
            (-(1 - seen) * extent[0], along * height),
            (width - seen * extent[0], along * height),
            (along * width, -(1 - seen) * extent[1]),
            (along * width, height - seen * extent[1]),
        )[rng.integers(4)]
        _put(page, placed(marks, tall, at), pen, rng)


def edges(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """Dark or light borders: a scanner's lid, the table, a frame, the edge of a screen."""
    height, width = page.size
    tone = rng.choice([rng.uniform(0, 80), rng.uniform(150, 255)])
    cover = np.zeros(page.size, np.uint8)
    for side in range(4):
        if rng.random() < 0.4:
            deep = rng.uniform(0.005, 0.08) * max(page.size)
            lean = rng.normal(0, 0.3) * deep
            quads = (
                [[0, 0], [width, 0], [width, deep + lean], [0, deep]],
                [[0, height], [width, height], [width, height - deep + lean], [0, height - deep]],
                [[0, 0], [deep, 0], [deep + lean, height], [0, height]],
                [[width, 0], [width - deep, 0], [width - deep + lean, height], [width, height]],
            )
            quad = np.array(quads[side], np.float64).round().astype(np.int32)
            cv2.fillPoly(cover, [quad], 255, cv2.LINE_AA)
    if page.layers[..., DIGIT][cover > 0].max(initial=0) < 60:
        page.paint(cover, (0, 0), [tone] * 3, None)


def rules(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """Long lines and empty boxes: a table's rules, a fold, a checkbox, a cutting line."""
    height, width = page.size
    pen = Pen(max(0.7, rng.uniform(0.001, 0.008) * max(page.size)), _ink(page, rng))
    for _ in range(int(rng.integers(1, 5))):
        place = rng.uniform(0, 1, 2) * (width, height)
        if rng.random() < 0.6:
            across = rng.random() < 0.6
            long = rng.uniform(0.45, 2.0)
            reach = np.array([long * width, 0.0] if across else [0.0, long * height])
            marks = [line(place + np.array([-reach, reach]) + rng.normal(0, 1, (2, 2)))]
        else:
            marks = [rectangle(*place, *rng.uniform(0.03, 0.4, 2) * max(page.size))]
        low, high = box_of(marks)
        low, high = np.maximum(low, 0), np.minimum(high, (width, height))
        if free(page, low, high - low, 4.0):
            draw(page, marks, pen, rng)


def specks(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """Dust, blots, stains, rings of a cup."""
    for _ in range(int(rng.integers(1, 12))):
        radius = log_uniform(0.7, 0.04 * max(page.size), rng)
        disc = np.zeros((int(2 * radius) + 5,) * 2, np.uint8)
        middle = disc.shape[0] // 2
        thick = -1 if radius < 5 else int(max(1, radius / 6))
        axes = (int(radius) + 1, int(radius * rng.uniform(0.4, 1)) + 1)
        cv2.ellipse(disc, (middle, middle), axes, float(rng.uniform(0, 180)), 0, 360, 255, thick)
        at = (rng.uniform(0, 1, 2) * page.size[::-1]).astype(int).tolist()
        if free(page, at, disc.shape):
            faint = (disc * np.float32(rng.uniform(0.2, 0.9))).astype(np.uint8)
            page.paint(faint, at, _ink(page, rng), None)


def things(page: Page, _hands: Hands, rng: np.random.Generator) -> None:
    """A pen, a hand or another object on the page; removed if it hides digits."""
    lay = (pictures.lay_pen, pictures.lay_pen, pictures.lay_thing, pictures.lay_hand)
    before = page.layers[..., DIGIT].copy()
    kept = page.picture.copy(), page.layers.copy()
    lay[int(rng.integers(4))](page, rng)
    lost = (before > 128) & (page.layers[..., DIGIT] < 60)
    if lost.sum() > 0.02 * max(1, (before > 128).sum()):
        page.picture[:], page.layers[:] = kept


SURROUNDINGS: Final[dict[str, tuple[Callable[[Page, Hands, np.random.Generator], None], float]]] = {
    "page_number": (page_number, 0.1),
    "date_stamp": (date_stamp, 0.08),
    "title": (title, 0.14),
    "text": (text, 0.1),
    "name_line": (name_line, 0.06),
    "handwriting": (handwriting, 0.08),
    "punch_holes": (punch_holes, 0.07),
    "buttons": (buttons, 0.07),
    "bars": (bars, 0.04),
    "slivers": (slivers, 0.08),
    "edges": (edges, 0.05),
    "rules": (rules, 0.07),
    "specks": (specks, 0.05),
    "things": (things, 0.12),
}
"""Maker and relative frequency by name."""

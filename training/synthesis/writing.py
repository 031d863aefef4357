"""Handwritten and printed digits, letters, signs and words, each of height 1.

A digit is a traced MNIST training image, the image itself, or written from a template of
`training.handwriting.templates`.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from training.handwriting import movement
from training.handwriting import strokes as pen_strokes
from training.handwriting import templates as handwriting
from training.handwriting.strokes import Points, Strokes
from training.handwriting.tracing import trace
from training.synthesis.marks import Mark, moved
from training.synthesis.page import DIGIT, WRITING, Cover
from training.synthesis.pictures import package_files

# Signs, and characters that the templates omit because they look like digits. Coordinates are in
# hundredths of the line height; descenders and ascenders extend beyond 0 to 100.
_LETTERS: Final[dict[str, tuple[str, ...]]] = {
    "B": ("16,0 16,100 / 16,2 60,0 74,22 54,46 16,48 / 54,46 82,66 74,94 16,98",),
    "D": ("16,0 16,100 / 16,2 56,6 84,40 76,80 46,98 16,98",),
    "I": ("50,0 50,100 / 28,0 72,0 / 28,100 72,100", "50,0 50,100"),
    "O": (
        "50,2 16,24 8,56 30,92 62,96 90,62 84,24 50,2",
        "56,4 20,16 12,60 40,98 84,80 88,30 50,4",
    ),
    "S": ("82,14 50,0 20,20 46,46 80,70 54,100 14,86", "74,8 30,8 26,34 70,60 66,92 20,94"),
    "Z": ("12,4 86,4 86,4 12,96 12,96 90,96",),
    "b": ("20,0 18,98 18,98 24,60 56,48 74,74 52,98 20,92",),
    "g": ("72,56 44,42 20,60 36,88 70,74 74,46 72,110 44,130 20,116",),
    "i": ("50,44 50,98 / 52,20", "46,46 48,90 62,98 / 50,16"),
    "l": ("50,0 50,100", "46,60 62,20 50,2 42,30 44,86 60,98"),
    "o": ("50,42 24,60 28,90 56,98 78,76 68,46 50,42",),
    "q": ("72,54 42,44 22,66 40,90 70,74 74,46 74,46 74,134",),
    "s": ("74,50 46,42 30,56 66,76 58,98 24,92",),
    "z": ("26,46 74,46 74,46 26,96 26,96 78,96",),
}
_SIGNS: Final[dict[str, tuple[str, ...]]] = {
    "/": ("92,-8 8,108", "84,-16 16,116", "96,0 4,100"),
    "\\": ("34,0 66,100",),
    "(": ("64,-6 42,24 38,64 62,106", "60,-4 36,50 60,104"),
    ")": ("36,-6 58,24 62,64 38,106", "40,-4 64,50 40,104"),
    "[": ("66,-2 40,-2 40,-2 40,102 40,102 66,102",),
    "]": ("34,-2 60,-2 60,-2 60,102 60,102 34,102",),
    "+": ("50,22 50,82 / 20,52 80,52", "50,14 50,90 / 12,52 88,52"),
    "-": ("22,54 78,54", "30,52 70,56"),
    "=": ("20,40 80,40 / 20,66 80,66", "14,44 86,42 / 14,62 86,62"),
    "x": ("26,30 76,84 / 74,30 24,84",),
    "*": ("50,20 50,70 / 28,32 72,58 / 72,32 28,58",),
    ":": ("50,34 / 50,92", "30,54 70,54 / 50,34 / 50,74"),
    ".": ("50,97",),
    ",": ("52,92 42,112", "54,94 54,102 40,114"),
    "'": ("54,-4 48,20",),
    "<": ("76,22 24,52 24,52 76,82",),
    ">": ("24,22 76,52 76,52 24,82",),
    "?": ("24,22 46,2 76,18 58,46 50,70 / 50,96",),
    "!": ("52,0 50,70 / 50,96",),
    "#": ("38,4 28,98 / 72,4 62,98 / 10,36 92,34 / 8,68 90,66",),
    "°": ("50,-2 38,8 48,22 62,12 50,-2",),
    "~": ("16,56 34,42 62,62 84,48",),
    "^": ("26,36 50,6 50,6 74,36",),
}
SIGNS: Final = (*_SIGNS, *"$%€£√")
BETWEEN: Final = "//--..,,::++==xx%()$"
"""Signs that occur within numbers; frequent ones are repeated."""

SHAPES: Final = ("triangle", "star", "heart", "arrow", "check", "wave", "spiral", "house", "face")

_FONTS: Final = (
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans*.ttf"),
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSerif*.ttf"),
    ("matplotlib", "mpl-data/fonts/ttf/STIXGeneral*.ttf"),
    ("gradio", "templates/node/build/client/_app/immutable/assets/KaTeX_Typewriter*.ttf"),
    ("gradio", "templates/node/build/client/_app/immutable/assets/KaTeX_SansSerif*.ttf"),
    ("gradio", "templates/node/build/client/_app/immutable/assets/KaTeX_Main*.ttf"),
)


class Hands:
    """A source of handwritten digits.

    Args:
        images: `(N, 28, 28)` uint8, 255 ink: MNIST images.
        labels: `(N,)` uint8.
        traced: The strokes of each image.

    Attributes:
        by_digit: For each digit, the indices of its images.
    """

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.uint8],
        traced: Sequence[Strokes],
    ) -> None:
        self.images = images
        self.traced = traced
        self.by_digit = [np.flatnonzero(labels == digit) for digit in range(10)]

    def digit(self, rng: np.random.Generator, digit: int | None = None) -> Mark:
        """Write one digit of height 1 on the baseline y = 1, starting at x = 0."""
        digit = int(rng.integers(10)) if digit is None else digit
        source = rng.random()
        index = int(rng.choice(self.by_digit[digit]))
        if source < 0.1:
            return self._raster(index, digit)
        if source < 0.7:
            strokes, least_width = self.traced[index], 0.1
        else:
            strokes, least_width = handwriting.write(str(digit), rng, rng.uniform(1.5, 5.0)), 0.05
        if rng.random() < 0.35:
            strokes = movement.vary(strokes, str(digit), rng)
        return Mark(stand(strokes, least_width), DIGIT, digit)

    def _raster(self, index: int, digit: int) -> Mark:
        """Return an MNIST image as a mark."""
        x, y, width, height = cv2.boundingRect(self.images[index])
        high = 1.0 if height >= 0.6 * width else height / width
        ends = np.array([[0.0, 1.0 - high], [high * width / height, 1.0]])
        return Mark([ends], DIGIT, digit, self.images[index][y : y + height, x : x + width])


def save_hands(path: Path, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> None:
    """Trace images and save them with their strokes to an `.npz` file, which workers load quickly.

    See `Hands` for images and labels.
    """
    traced = [trace(image) for image in images]
    strokes = [stroke for sample in traced for stroke in sample]
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        images=images,
        labels=labels,
        strokes=np.array([len(sample) for sample in traced]),
        lengths=np.array([len(stroke) for stroke in strokes]),
        points=np.concatenate(strokes).astype(np.float32),
    )
    partial.replace(path)


def load_hands(path: Path) -> Hands:
    """Load a file written by `save_hands`."""
    with np.load(path) as kept:
        points = np.split(kept["points"].astype(np.float64), np.cumsum(kept["lengths"])[:-1])
        ends = np.cumsum(kept["strokes"])
        traced = [
            points[end - count : end] for end, count in zip(ends, kept["strokes"], strict=True)
        ]
        return Hands(kept["images"], kept["labels"], traced)


def stand(strokes: Strokes, least_width: float) -> Strokes:
    """Scale strokes to height 1 and move them to the baseline y = 1, starting at x = 0."""
    low, high = pen_strokes.box(strokes)
    extent = high - low
    scale = 1 / max(extent[1], 0.6 * extent[0], 1e-6)
    margin = max(0.0, least_width - extent[0] * scale) / 2
    return [(s - (low[0], high[1])) * scale + (margin, 1.0) for s in strokes]


def write_text(text: str, rng: np.random.Generator) -> list[Mark]:
    """Write letters and signs by hand, as one line of height 1; none is labeled as a digit."""
    marks: list[Mark] = []
    x, gap = 0.0, rng.uniform(0.06, 0.25)
    jitter = rng.uniform(1.0, 4.0)
    for character in text:
        if character == " ":
            x += rng.uniform(0.4, 0.8)
            continue
        mark = write_character(character, rng, jitter)
        low, high = pen_strokes.box(mark.strokes)
        marks.append(moved(mark, x - low[0], 0.0))
        x += high[0] - low[0] + gap
    return marks


def write_character(character: str, rng: np.random.Generator, jitter: float = 3.0) -> Mark:
    """Write a letter, a sign or a shape of `SHAPES` by hand, at height 1."""
    templates = _SIGNS.get(character) or _LETTERS.get(character)
    if templates:
        template = templates[int(rng.integers(len(templates)))]
        strokes = [
            _rounded(points + rng.normal(0, jitter, points.shape)) / 100
            for points, _ in handwriting.parse(template)
        ]
        narrow = rng.uniform(0.6, 0.9)
    else:
        known = character if character in handwriting.OTHERS else character.swapcase()
        known = known if known in handwriting.OTHERS else "x"
        strokes = [stroke / 100 for stroke in handwriting.write(known, rng, jitter)]
        narrow = rng.uniform(0.5, 0.9)
        if character.islower():
            tall = character in "bdfhklt"
            low = np.array([0.0, 0.35 if character in "gjpqy" else 0.0])
            strokes = [s + low if tall else s * (0.9, 0.6) + low + (0, 0.4) for s in strokes]
    return Mark([s * (narrow, 1.0) for s in strokes], WRITING)


def _rounded(points: Points) -> Points:
    """Cut corners twice (Chaikin); repeated points stay corners."""
    for _ in range(2):
        if len(points) < 3:
            return points
        near, far = 0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]
        inner = np.stack([near, far], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], inner, points[-1:]])
    return points


def print_character(character: str, font: str) -> Strokes:
    """Return the center lines of an ASCII character in a font of `pick_font`, at height 1."""
    return [stroke.copy() for stroke in _traced(character, font)]


@lru_cache(4096)
def _traced(character: str, font: str) -> Strokes:
    cover, tall, above = _printed(character, font)
    strokes = trace(cover)
    low, high = pen_strokes.box(strokes)
    x, y, width, height = cv2.boundingRect((cover > 100).astype(np.uint8))
    scale = np.array([width, height]) / np.maximum(high - low, 1.0) / tall  # a dot has no extent
    middle = np.array([x + width / 2, y + height / 2 - above]) / tall
    return [(s - (low + high) / 2) * scale + middle for s in strokes]


def pick_font(rng: np.random.Generator) -> str:
    """Choose the file of a font that ships with an installed package."""
    fonts = _fonts()
    return fonts[int(rng.integers(len(fonts)))]


def print_text(text: str, rng: np.random.Generator, layer: int = WRITING) -> Mark:
    """Print text in a random font whose capitals have height 1."""
    cover, tall, above = _printed(text, pick_font(rng))
    low = np.array([0.0, -above / tall])
    return Mark([np.array([low, low + np.array(cover.shape[::-1]) / tall])], layer, image=cover)


@lru_cache
def _fonts() -> tuple[str, ...]:
    return tuple(str(path) for path in package_files(*_FONTS) if "Display" not in path.name)


@lru_cache(64)
def _font(name: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(name, 40)


@lru_cache(512)
def _printed(text: str, name: str) -> tuple[Cover, float, float]:
    """Render text; return its coverage, the cap height and how far it extends above the caps."""
    font = _font(name)
    left, top, right, bottom = (int(v) for v in font.getbbox(text))
    image = Image.new("L", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(image).text((2 - left, 2 - top), text, 255, font)
    _, high, _, foot = font.getbbox("H")
    return np.asarray(image, np.uint8), float(foot - high), float(high - top + 2)

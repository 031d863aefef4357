"""Synthetic lines of ink for the line reader, with labels and their positions.

    python -m training.synthesis.lines OUT.png --hands runs/line_reader/hands.npz --seed 1

draws a sheet of lines for inspection.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.networks import NOT_A_DIGIT
from digits.numbers.frame import FRAME_EDGE, HEIGHT, fit_line
from training import console
from training.handwriting import movement
from training.handwriting import strokes as pen_strokes
from training.handwriting import templates as handwriting
from training.handwriting.strokes import UNIT, Strokes
from training.synthesis import log_uniform, write_sheet
from training.synthesis.contents import word
from training.synthesis.damage import damage, with_edges
from training.synthesis.numbers import next_start
from training.synthesis.writing import (
    BETWEEN,
    SHAPES,
    SIGNS,
    Hands,
    load_hands,
    pick_font,
    print_character,
    stand,
    write_character,
)

_COUNTS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12)
_COUNT_ODDS: Final = (0.18, 0.15, 0.17, 0.15, 0.11, 0.08, 0.06, 0.05, 0.03, 0.02)
_BEFORE: Final = "$$$€£-+#<?"
_AMID: Final = "".join(sign for sign in BETWEEN if sign not in "()")  # these come in pairs
_BEHIND: Final = "%€°'!$.,?"

_PRINTED_WORDS: Final = 0.5
_PRINTED_NUMBERS: Final = 0.08
_PRINTED_SIGNS: Final = 0.25
"""Shares that are printed in a font."""

_STRAIGHT: Final = 0.25
"""Share of handwritten 1s that are a single straight stroke."""

_LIKE_DIGITS: Final = "BGIOSZbgiloqsz"

_OVERLAP: Final = 0.18
"""Maximum horizontal overlap of neighbors, as a multiple of their height."""


@dataclass(frozen=True, eq=False)
class Written:
    """A training sample for the line reader.

    Attributes:
        ink: `(HEIGHT, w)` float32 in `[0, 1]`, in the line reader's frame.
        labels: From left to right, 0 to 9 or `NOT_A_DIGIT`.
        spans: `(len(labels), 2)` float64: first and last column of each character.
    """

    ink: InkArray
    labels: tuple[int, ...]
    spans: npt.NDArray[np.float64]


_Character = tuple[Strokes, int]
"""Strokes about `UNIT` high on the baseline y = 0, and their label."""


def write_line(hands: Hands, rng: np.random.Generator) -> Written:
    """Generate a line: a number, one with signs, a word, or a drawing."""
    while True:
        makers = _KINDS[int(rng.choice(len(_KINDS), p=[share for _, share in _KINDS]))][0]
        characters = [character for make in makers for character in make(hands, rng)]
        pen = log_uniform(0.03, 0.3, rng)
        placed = _place([strokes for strokes, _ in characters], pen, rng)
        written = _drawn(placed, [label for _, label in characters], pen, rng)
        if written is not None:
            return written


def _word(_hands: Hands, rng: np.random.Generator) -> list[_Character]:
    """Write a word of at least four letters; in a shorter one, o and l would be read as digits."""
    if rng.random() < 0.5:
        case = rng.choice([string.ascii_lowercase, string.ascii_uppercase])
        return _others("".join(rng.choice(list(case), int(rng.integers(4, 9)))), rng)
    text = ""
    while len(text) < 4:
        text = word(rng, 3)
    return _others(text, rng)


def _letters(_hands: Hands, rng: np.random.Generator) -> list[_Character]:
    """Write letters that do not look like digits: lowercase, uppercase or mixed."""
    case = rng.choice([string.ascii_lowercase, string.ascii_uppercase, string.ascii_letters])
    letters = [letter for letter in case if letter not in _LIKE_DIGITS]
    return _others("".join(rng.choice(letters, int(rng.integers(2, 7)))), rng)


def _signs(_hands: Hands, rng: np.random.Generator) -> list[_Character]:
    return [_other(str(sign), rng) for sign in rng.choice(SIGNS, 2)]


def _shape(_hands: Hands, rng: np.random.Generator) -> list[_Character]:
    return [_other(str(rng.choice(SHAPES)), rng)]


def _number(hands: Hands, rng: np.random.Generator) -> list[_Character]:
    """Write a number, sometimes printed; signs in a handwritten one are sometimes printed, too."""
    count = int(rng.choice(_COUNTS, p=_COUNT_ODDS))
    font = pick_font(rng) if rng.random() < _PRINTED_NUMBERS else None
    zeros = rng.random() < 0.08
    signs = rng.random() < 0.4
    sign_font = pick_font(rng) if font is None and rng.random() < _PRINTED_SIGNS else font
    written: list[_Character] = []
    if signs and rng.random() < 0.3:
        written.append(_other(str(rng.choice(list(_BEFORE))), rng, sign_font))
    inner: list[int] = []
    if signs and rng.random() < 0.25:
        whole = rng.random() < 0.5
        inner = [0, count] if whole else sorted(rng.choice(count + 1, 2, replace=False).tolist())
    for index in range(count):
        if index in inner:
            written.append(_other("(" if index == inner[0] else ")", rng, sign_font))
        digit = 0 if zeros and index and rng.random() < 0.8 else None
        written.append(_digit(hands, rng, digit, font))
        is_last = index == count - 1
        if signs and rng.random() < (0.3 if is_last else 0.35):
            sign = str(rng.choice(list(_BEHIND if is_last else _AMID)))
            written.append(_other(sign, rng, sign_font))
    if count in inner:
        written.append(_other(")", rng, sign_font))
    return written


_KINDS: Final = (
    ((_number,), 0.74),
    ((_word,), 0.115),
    ((_letters,), 0.075),
    ((_signs,), 0.02),
    ((_shape,), 0.01),
    ((_word, _number), 0.02),
    ((_number, _word), 0.02),
)
"""What is written side by side, and its probability."""


def _digit(
    hands: Hands, rng: np.random.Generator, digit: int | None, font: str | None
) -> _Character:
    if digit is None:
        digit = int(rng.choice([*range(10), 1]))  # 1s vary most
    if font is not None:
        return _sized(print_character(str(digit), font), rng), digit
    if digit == 1 and rng.random() < _STRAIGHT:
        strokes = [np.array([[0.0, 0.0], [rng.normal(0, 0.08), 1.0]])]
    elif rng.random() < 0.45:
        strokes = handwriting.write(str(digit), rng, rng.uniform(1.5, 5.0))
    else:
        strokes = hands.traced[int(rng.choice(hands.by_digit[digit]))]
    if rng.random() < 0.5:
        strokes = movement.vary(strokes, str(digit), rng)
    return _sized(stand(strokes, 0.0), rng), digit


def _others(text: str, rng: np.random.Generator) -> list[_Character]:
    """Write letters by hand or print them in one font."""
    font = pick_font(rng) if rng.random() < _PRINTED_WORDS else None
    return [_other(character, rng, font) for character in text]


def _other(character: str, rng: np.random.Generator, font: str | None = None) -> _Character:
    if font is not None and character.isascii():
        return _sized(print_character(character, font), rng), NOT_A_DIGIT
    return _sized(write_character(character, rng, 2.5).strokes, rng), NOT_A_DIGIT


def _sized(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Scale strokes of height 1 on the baseline y = 1 to about `UNIT`, roughly on y = 0."""
    size = UNIT * float(np.clip(rng.normal(1, 0.13), 0.6, 1.4))
    lift = np.array([0.0, UNIT * rng.normal(0, 0.06)])
    return [(stroke - (0, 1)) * size + lift for stroke in strokes]


def _place(characters: Sequence[Strokes], pen: float, rng: np.random.Generator) -> list[Strokes]:
    """Arrange characters side by side; sometimes neighbors touch, overlap or are joined."""
    gap = float(rng.choice([rng.uniform(0.03, 0.15), rng.uniform(0.08, 0.45), rng.uniform(0.4, 1)]))
    touching = rng.random() < 0.35
    joined = rng.random() < 0.12
    placed: list[Strokes] = []
    for character in characters:
        touches = touching and rng.random() < 0.6
        apart = rng.uniform(-0.9, 0.2) * pen if touches else max(0.02, gap + rng.normal(0, 0.05))
        low = pen_strokes.box(character)[0]
        strokes = [s - (low[0], 0) for s in character]
        start = next_start(placed[-1], strokes, (apart + pen) * UNIT, _OVERLAP) if placed else 0.0
        strokes = [s + np.array([start, 0]) for s in strokes]
        if joined and placed and rng.random() < 0.6:
            strokes.insert(0, _joint(placed[-1][-1][-1], strokes[0][0], rng))
        placed.append(strokes)
    slope, slant = np.clip(rng.normal(0, 1, 2) * (0.06, 0.15), -0.4, 0.4)
    stretch = np.clip(np.exp(rng.normal(0, 0.2)), 0.6, 1.7)
    matrix = np.array([[stretch, -slant, 0], [slope, 1, 0], [0, 0, 1]], np.float64)
    if len(placed) == 1:
        matrix = matrix @ pen_strokes.rotation(np.clip(rng.normal(0, 0.2), -0.5, 0.5))
    return [pen_strokes.transform(part, matrix) for part in placed]


def _joint(
    start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return the connecting stroke between two characters."""
    middle = (start + end) / 2 + (0, UNIT * rng.uniform(-0.05, 0.2))
    t = np.linspace(0, 1, 8)[:, None]
    return np.asarray((1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end)


def _drawn(
    placed: Sequence[Strokes], labels: Sequence[int], pen: float, rng: np.random.Generator
) -> Written | None:
    """Draw a line and damage its ink; return None if too little is left."""
    tall = log_uniform(13, 110, rng)
    scale = tall / UNIT
    low, high = pen_strokes.box([stroke for part in placed for stroke in part])
    free = max(1.5, pen * tall)
    wide, deep = np.ceil((high - low) * scale + 2 * free).astype(int)
    beside = int(tall * rng.uniform(0.1, 1.2)) if rng.random() < 0.08 else 0
    before = beside if rng.random() < 0.5 else 0
    at = [[(s - low) * scale + (free + before, free) for s in part] for part in placed]
    ink = pen_strokes.draw([s for part in at for s in part], (deep, wide + beside), pen * tall)
    ink = damage(ink, tall, pen * tall, rng)
    if beside:
        ink = with_edges(ink, tall, beside / 2 + (0 if before else wide), rng)
    ink[ink < 0.05] = 0
    if ink.max() < 0.4:
        return None
    reach = pen * tall / 2
    spans = np.array([pen_strokes.box(part) for part in at])[:, :, 0] + (-reach, reach)
    order = np.argsort(spans.sum(axis=1), kind="stable")
    return framed(ink, [labels[i] for i in order], spans[order])


def framed(ink: InkArray, labels: Sequence[int], spans: npt.NDArray[np.float64]) -> Written:
    """Fit a line's ink, `(h, w)` float32 in `[0, 1]` and not blank, to the frame.

    See `Written` for labels and spans; here, spans are in columns of `ink`.
    """
    frame, factor, left = fit_line(ink)
    spans = np.clip((spans - left) * factor + FRAME_EDGE, 0, frame.shape[1] - 1)
    return Written(frame, tuple(labels), spans)


def draw_sheet(file: Path, lines: Sequence[Written]) -> None:
    """Write a PNG sheet of lines and their labels."""
    tiles = []
    for written in lines:
        tile = np.full((3 * HEIGHT + 14, 900), 60, np.uint8)
        shown = cv2.resize(written.ink, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
        tile[: 3 * HEIGHT, : min(900, shown.shape[1])] = (255 * shown[:, :900]).astype(np.uint8)
        for label, span in zip(written.labels, written.spans, strict=True):
            name = "x" if label == NOT_A_DIGIT else str(label)
            place = (int(3 * span.mean()) - 4, 108)
            cv2.putText(tile, name, place, cv2.FONT_HERSHEY_PLAIN, 0.9, 255)
        tiles.append(tile)
    write_sheet(file, tiles, 2)


def main() -> None:
    """Draw a sheet of lines."""
    arguments = console.sheet_arguments("training.synthesis.lines", __doc__)
    hands, rng = load_hands(arguments.hands), np.random.default_rng(arguments.seed)
    draw_sheet(arguments.file, [write_line(hands, rng) for _ in range(arguments.count)])


if __name__ == "__main__":
    console.run(main)

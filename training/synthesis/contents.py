"""Contents of a page: a digit, a number, rows, sums, boxes, words, or nothing.

Every maker returns marks in units of the line height; they are placed on the page later.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from training.synthesis.marks import Mark, box_of, line, moved
from training.synthesis.page import DIGIT, LINE
from training.synthesis.writing import (
    BETWEEN,
    SHAPES,
    SIGNS,
    Hands,
    print_text,
    write_character,
    write_text,
)

_LETTERS: Final = "ACEFHJKLMNPRTUVWXYacdefhjkmnprtuvwxy"
"""Letters that do not look like a digit on their own."""
_SYLLABLES: Final = (
    "an ba co de el fi go hu in ka lo mi no or pa qu re so ti un va we xi yo za st tr ch sch"
)


def word(rng: np.random.Generator, longest: int = 4) -> str:
    """Invent a word in lowercase, uppercase or capitalized."""
    text = "".join(rng.choice(_SYLLABLES.split()) for _ in range(int(rng.integers(1, longest + 1))))
    return str(rng.choice([text, text.upper(), text.capitalize()]))


def number(hands: Hands, rng: np.random.Generator, count: int | None = None) -> list[Mark]:
    """Write digits side by side, sometimes with signs between them."""
    if count is None:
        count = int(rng.choice([2, 3, 4, 5, 6, 8, 10], p=[0.2, 0.25, 0.2, 0.15, 0.1, 0.06, 0.04]))
    signs = rng.random() < 0.4
    joined = rng.random() < 0.3
    gap = rng.uniform(-0.14, 0.02) if joined else rng.uniform(0.05, 0.5)
    zeros = joined and rng.random() < 0.4
    marks: list[Mark] = []
    x = 0.0
    if signs and rng.random() < 0.25:
        x = _append(marks, write_character(str(rng.choice(list("$€£(-+#"))), rng), x, rng)
    for index in range(count):
        digit = 0 if zeros and index and rng.random() < 0.8 else None
        mark = hands.digit(rng, digit)
        size = float(np.clip(rng.normal(1, 0.08), 0.75, 1.25))
        lift = 1 - size + rng.normal(0, 0.04)
        placed = moved(mark, x, lift, size)
        marks.append(placed)
        x = box_of([placed])[1][0] + max(gap + rng.normal(0, 0.05), -0.2)
        last = index == count - 1
        if signs and rng.random() < (0.3 if last else 0.35):
            sign = str(rng.choice(list("%)€°'!$" if last else BETWEEN)))
            x = _append(marks, write_character(sign, rng, 2.5), x + abs(gap) * 0.5, rng) + 0.04
    return marks


def _append(marks: list[Mark], mark: Mark, x: float, rng: np.random.Generator) -> float:
    """Append a sign at x; return x after it."""
    low, high = box_of([mark])
    marks.append(moved(mark, x - low[0], rng.normal(0, 0.03)))
    return float(x + high[0] - low[0] + rng.uniform(0.03, 0.2))


def single(hands: Hands, rng: np.random.Generator) -> list[Mark]:
    """Write one digit."""
    return [hands.digit(rng)]


def line_of_digits(hands: Hands, rng: np.random.Generator) -> list[Mark]:
    """Write one number, sometimes with a word before or after it."""
    marks = number(hands, rng)
    if rng.random() < 0.15:
        text = write_text(word(rng, 2), rng)
        before = rng.random() < 0.5
        left, right = (text, marks) if before else (marks, text)
        shift = box_of(left)[1][0] - box_of(right)[0][0] + rng.uniform(0.3, 0.9)
        marks = [*left, *(moved(mark, shift, 0.0) for mark in right)]
    return marks


def rows(hands: Hands, rng: np.random.Generator) -> list[Mark]:
    """Write rows of numbers or single digits, aligned left, right or centered."""
    count = int(rng.integers(2, 6))
    pitch = rng.uniform(1.15, 2.4)
    length = int(rng.choice([1, 2, 3, 4, 5], p=[0.25, 0.2, 0.25, 0.2, 0.1]))
    aligned = rng.random()
    marks: list[Mark] = []
    for row in range(count):
        size = length if rng.random() < 0.7 else int(rng.integers(1, 6))
        made = number(hands, rng, size)
        low, high = box_of(made)
        start = (high[0] - low[0]) * (0.0 if aligned < 0.6 else -1.0 if aligned < 0.8 else -0.5)
        start += rng.normal(0, 0.15)
        marks += [moved(mark, start - low[0], row * pitch + rng.normal(0, 0.04)) for mark in made]
    return marks


def grid_of_digits(hands: Hands, rng: np.random.Generator) -> list[Mark]:
    """Write digits in columns and rows without lines, regularly or scattered."""
    down, across = int(rng.integers(2, 6)), int(rng.integers(2, 7))
    pitch = rng.uniform(1.3, 2.5, 2)
    loose = rng.choice([0.05, 0.3])
    filled = rng.uniform(0.4, 1.0)
    marks = []
    for row, column in itertools.product(range(down), range(across)):
        if rng.random() < filled:
            at = np.array([column, row]) * pitch + rng.normal(0, loose, 2).clip(-0.4, 0.4)
            marks.append(moved(hands.digit(rng), at[0], at[1], rng.uniform(0.8, 1.1)))
    return marks or single(hands, rng)


def column_sum(hands: Hands, rng: np.random.Generator) -> list[Mark]:
    """Write a column sum, difference or product, with or without its result."""
    marks: list[Mark] = []
    count = int(rng.integers(2, 4))
    pitch = rng.uniform(1.2, 1.7)
    left = 0.0
    for row in range(count):
        made, right = _plain_number(hands, rng, int(rng.integers(1, 5)))
        marks += [moved(mark, -right + rng.normal(0, 0.08), row * pitch) for mark in made]
        left = min(left, -right)
    sign = write_character(str(rng.choice(list("++--x"))), rng)
    at = left - rng.uniform(0.9, 1.6)
    marks.append(moved(sign, at, (count - 1) * pitch + rng.normal(0, 0.1)))
    foot = (count - 1) * pitch + 1 + rng.uniform(0.15, 0.4)
    tilt = rng.normal(0, 0.05)
    marks.append(line([[at - rng.uniform(0, 0.3), foot], [rng.uniform(0.1, 0.4), foot + tilt]]))
    if rng.random() < 0.5:
        made, right = _plain_number(hands, rng, int(rng.integers(1, 5)))
        marks += [moved(mark, -right, foot + rng.uniform(0.15, 0.4)) for mark in made]
    return marks


def _plain_number(hands: Hands, rng: np.random.Generator, count: int) -> tuple[list[Mark], float]:
    """Write digits side by side; return them and their right edge."""
    marks: list[Mark] = []
    end, gap = 0.0, rng.uniform(0.1, 0.5)
    for index in range(count):
        start = end + gap if index else 0.0
        marks.append(moved(hands.digit(rng), start, rng.normal(0, 0.04)))
        end = box_of(marks)[1][0]
    return marks, end


def fraction(hands: Hands, rng: np.random.Generator) -> list[Mark]:
    """Write a fraction, or sometimes an operation on two."""
    marks: list[Mark] = []
    x = 0.0
    for index in range(int(rng.choice([1, 2], p=[0.8, 0.2]))):
        if index:
            x += 0.3
            sign = write_character(str(rng.choice(list("+-x=:"))), rng)
            marks.append(moved(sign, x, 0.85))
            x += 1.3
        above = _plain_number(hands, rng, int(rng.integers(1, 3)))
        below = _plain_number(hands, rng, int(rng.integers(1, 3)))
        wide = max(above[1], below[1]) + rng.uniform(0.2, 0.8)
        middle = 1 + rng.uniform(0.15, 0.5)
        for (part, end), top in ((above, 0.0), (below, middle + rng.uniform(0.15, 0.5))):
            marks += [moved(mark, x + (wide - end) / 2, top) for mark in part]
        marks.append(line([[x, middle], [x + wide, middle + rng.normal(0, 0.05)]]))
        x += wide
    return marks


def boxes(hands: Hands, rng: np.random.Generator) -> list[Mark]:
    """Draw form boxes, joined or separate, or a grid of cells, and write digits in them."""
    grid = rng.random() < 0.3
    down = int(rng.integers(2, 10)) if grid else 1
    across = int(rng.choice([1, 2, 3, 4, 5, 6, 8, 9, 10])) if not grid else int(rng.integers(2, 10))
    cell = np.array([rng.uniform(1.0, 1.8), rng.uniform(1.15, 1.8)])
    gap = 0.0 if grid or rng.random() < 0.6 else float(rng.uniform(0.06, 0.7))
    filled = rng.uniform(0.15, 0.6) if grid and rng.random() < 0.7 else rng.choice([1.0, 1.0, 0.7])
    width = float(rng.uniform(0.015, 0.09))
    marks: list[Mark] = []
    pitch = cell + gap
    places = list(itertools.product(range(down), range(across)))
    if gap:
        corners = [np.array([column, row]) * pitch for row, column in places]
        marks += [_box(corner, cell, width, rng) for corner in corners]
    else:
        marks += _grid(down, across, cell, width, rng)
    if rng.random() < 0.1 and not grid and not gap:  # a comb: |_|_|_|
        marks = [mark for mark in marks if mark.strokes[0][:, 1].any()]
    for row, column in places:
        if rng.random() >= filled:
            continue
        size = rng.uniform(0.55, 0.95) * min(cell[1], 1.5 * cell[0])
        mark = hands.digit(rng)
        low, high = box_of([mark])
        size = min(size, rng.uniform(0.75, 1.02) * cell[0] / max(0.1, high[0] - low[0]))
        free = cell - (high - low) * size
        at = np.array([column, row]) * pitch + free * rng.normal(0.5, 0.12, 2).clip(0.0, 1.0)
        at -= low * size
        marks.append(moved(mark, at[0], at[1], size))
    return marks


def _box(corner: np.ndarray, size: np.ndarray, width: float, rng: np.random.Generator) -> Mark:
    points = corner + size * np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    if rng.random() < 0.15:  # drawn by hand
        points += rng.normal(0, 0.04, points.shape)
    return line(points, width)


def _grid(
    down: int, across: int, cell: np.ndarray, width: float, rng: np.random.Generator
) -> list[Mark]:
    """Rule a grid; sometimes every third line is thicker, as in a sudoku."""
    sudoku = rng.random() < 0.4
    wide, tall = cell * (across, down)
    frame = width * (2.2 if sudoku or rng.random() < 0.3 else 1.0)
    marks = []
    for axis, count in ((0, across), (1, down)):
        for index in range(count + 1):
            at = index * cell[axis]
            thick = index in (0, count) or (sudoku and index % 3 == 0)
            ends = [[at, 0.0], [at, tall]] if axis == 0 else [[0.0, at], [wide, at]]
            marks.append(line(ends, frame if thick else width))
    return marks


def words(_hands: Hands, rng: np.random.Generator) -> list[Mark]:
    """Write or print words, letters or signs, but no digits."""
    printed = rng.random() < 0.5
    marks: list[Mark] = []
    pitch = rng.uniform(1.3, 2.0)
    for row in range(int(rng.choice([1, 1, 1, 2, 3, 5]))):
        text = " ".join(word(rng) for _ in range(int(rng.integers(1, 3))))
        if rng.random() < 0.4:
            text = str(rng.choice(list(_LETTERS)))
        elif rng.random() < 0.15:
            text = "".join(rng.choice(SIGNS) for _ in range(int(rng.integers(1, 5))))
        made = [print_text(text, rng)] if printed else write_text(text, rng)
        marks += [moved(mark, 0.0, row * pitch) for mark in made]
    return marks


def shapes(_hands: Hands, rng: np.random.Generator) -> list[Mark]:
    """Draw shapes and lines that are neither digits nor letters: drawings, scribbles, dashes."""
    marks = []
    for _ in range(int(rng.integers(1, 4))):
        at = rng.uniform(0, 2, 2)
        kind = rng.random()
        if kind < 0.5:
            mark = write_character(str(rng.choice(SHAPES)), rng)
        elif kind < 0.75:
            steps = rng.normal(0, 0.3, (int(rng.integers(6, 40)), 2))
            walk = np.cumsum(steps, axis=0)
            mark = Mark([(walk - walk.min(axis=0)) / np.ptp(walk, axis=0).max()], 1)
        else:
            mark = line([[0.0, 0.0], [rng.uniform(0.5, 1.5), rng.normal(0, 0.15)]])
        marks.append(moved(mark, at[0], at[1], rng.uniform(0.5, 1.5)))
    return marks


def printed_digits(_hands: Hands, rng: np.random.Generator) -> list[Mark]:
    """Print one to five digits; they are labeled like handwritten ones."""
    marks: list[Mark] = []
    x = 0.0
    for _ in range(int(rng.choice([1, 1, 1, 2, 3, 5]))):
        digit = int(rng.integers(10))
        mark = print_text(str(digit), rng, DIGIT)
        low, high = box_of([mark])
        marks.append(replace(moved(mark, x - low[0], 0.0), digit=digit))
        x += high[0] - low[0] + 0.1
    return marks


CONTENTS: Final[dict[str, tuple[Callable[[Hands, np.random.Generator], list[Mark]], float]]] = {
    "single": (single, 0.24),
    "number": (line_of_digits, 0.25),
    "rows": (rows, 0.09),
    "grid": (grid_of_digits, 0.03),
    "sum": (column_sum, 0.05),
    "fraction": (fraction, 0.04),
    "boxes": (boxes, 0.16),
    "words": (words, 0.17),
    "shapes": (shapes, 0.03),
    "printed": (printed_digits, 0.02),
    "empty": (lambda _hands, _rng: [], 0.04),
}
"""Maker and relative frequency by name."""


def surround(marks: Sequence[Mark], rng: np.random.Generator) -> tuple[list[Mark], str]:
    """Return marks that people add to a digit or number, and their kind."""
    low, high = box_of(marks)
    middle, half = (low + high) / 2, (high - low) / 2
    kind = str(rng.choice(["circle", "underline", "frame", "rays", "strike", "brace", "twice"]))
    if kind == "circle":
        margin = rng.uniform(1.25, 1.9)
        reach = np.maximum(half * margin + 0.15, 0.3)
        if rng.random() < 0.5:
            reach = np.full(2, np.hypot(*half) * rng.uniform(1.05, 1.4))
        turns = rng.uniform(0.88, 1.12)
        angle = np.linspace(0, 2 * np.pi * turns, 40) + rng.uniform(0, 6)
        wobble = 1 + rng.uniform(0, 0.06) * np.sin(2 * angle + rng.uniform(0, 6))
        points = middle + np.stack([np.cos(angle), np.sin(angle)], axis=1) * reach * wobble[:, None]
        return [Mark([points], LINE)], kind
    if kind in ("underline", "twice"):
        y = high[1] + rng.uniform(-0.04, 0.35)
        ends = [low[0] - rng.uniform(-0.1, 0.5), high[0] + rng.uniform(-0.1, 0.5)]
        tilt = rng.normal(0, 0.05)
        added = [line([[ends[0], y], [ends[1], y + tilt]])]
        if kind == "twice":
            added.append(line([[ends[0], y + 0.15], [ends[1], y + 0.15 + tilt]]))
        return added, kind
    if kind == "frame":
        free = rng.uniform(0.04, 0.6, 2)
        frame = _box(low - free, high - low + 2 * free, 0.0, rng)
        width = float(rng.uniform(0.01, 0.05)) if rng.random() < 0.6 else None
        added = [replace(frame, width=width)]
        if width and rng.random() < 0.3:  # like an object detector's output
            size = float(rng.uniform(0.12, 0.3))
            label = print_text(f"{word(rng, 1)} {rng.random():.2f}", rng)
            added.append(moved(label, low[0] - free[0], low[1] - free[1] - 1.4 * size, size))
        return added, kind
    if kind == "rays":
        count = int(rng.integers(5, 13))
        start, length = rng.uniform(1.2, 1.5), rng.uniform(0.08, 0.3)
        reach = np.hypot(*half) * start
        turn = np.arange(count) * 2 * np.pi / count + rng.uniform(0, 6)
        rays = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        return [line([middle + ray * reach, middle + ray * (reach + length)]) for ray in rays], kind
    if kind == "brace":
        size = (high[1] - low[1]) * rng.uniform(1.0, 1.3)
        left = write_character(str(rng.choice(list("(["))), rng)
        right = write_character(")" if rng.random() < 0.6 else "]", rng)
        top = middle[1] - size / 2
        gap = rng.uniform(0.1, 0.4)
        return [
            moved(left, low[0] - gap - 0.7 * size, top, size),
            moved(right, high[0] + gap - 0.3 * size, top, size),
        ], kind
    side = rng.uniform(0.15, 0.6)
    ends = [low[0] - rng.uniform(0.3, 1.0), high[0] + rng.uniform(0.3, 1.0)]
    return [line([[x, low[1] - side], [x, high[1] + side]]) for x in ends], "sides"

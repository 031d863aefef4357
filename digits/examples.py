"""Example drawings, as strokes of a pen.

Each is built from straight lines and arcs in pad units (see `digits.drawing`), then slightly
distorted, as if by hand, with a seeded generator: the same drawings every time, without files.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

Point = tuple[float, float]

_STEP: Final = 22.0
"""Pad units between adjacent points of a stroke, about as many as from a mouse."""


def _line(*corners: Point) -> list[Point]:
    """Return points along straight lines from corner to corner."""
    points = [corners[0]]
    for (x0, y0), (x1, y1) in itertools.pairwise(corners):
        count = max(1, round(math.hypot(x1 - x0, y1 - y0) / _STEP))
        points += [
            (x0 + (x1 - x0) * i / count, y0 + (y1 - y0) * i / count) for i in range(1, count + 1)
        ]
    return points


def _arc(center: Point, radii: Point, start_degrees: float, end_degrees: float) -> list[Point]:
    """Return points along an ellipse; 0 degrees is right, 90 is down, as on the screen."""
    sweep = math.radians(end_degrees - start_degrees)
    count = max(4, round(abs(sweep) * max(radii) / _STEP))
    angles = [math.radians(start_degrees) + sweep * i / count for i in range(count + 1)]
    return [
        (center[0] + radii[0] * math.cos(a), center[1] + radii[1] * math.sin(a)) for a in angles
    ]


_DIGITS: Final[dict[int, list[list[Point]]]] = {
    0: [_arc((500, 500), (205, 300), -80, 285)],
    1: [_line((385, 345), (520, 205), (505, 800))],
    2: [
        _arc((490, 375), (185, 175), -165, 25)
        + _line((657, 450), (590, 560), (330, 790))
        + _line((340, 785), (700, 775))
    ],
    3: [_arc((465, 350), (175, 155), -155, 88) + _arc((460, 645), (205, 160), -88, 150)],
    4: [_line((450, 200), (290, 560), (720, 545)), _line((600, 330), (575, 810))],
    5: [_line((640, 215), (395, 225), (365, 470)) + _arc((475, 610), (195, 180), -125, 145)],
    6: [_line((610, 195), (480, 310), (365, 520)) + _arc((510, 635), (165, 165), -170, 190)],
    7: [_line((310, 235), (695, 220), (560, 480), (450, 805))],
    8: [
        _arc((505, 350), (150, 145), -50, -270)
        + _arc((500, 650), (180, 160), -90, 270)
        + _arc((505, 350), (150, 145), 90, -45)
    ],
    9: [_arc((480, 385), (165, 170), -20, -380) + _line((640, 345), (615, 560), (545, 810))],
}

_HARD: Final[dict[str, list[list[Point]]]] = {
    "flag": [_line((350, 400), (520, 205), (505, 790)), _line((370, 795), (650, 785))],
    "crossed": [
        _line((310, 235), (695, 220), (560, 480), (450, 805)),
        _line((400, 515), (650, 500)),
    ],
    "slashed": [_arc((500, 500), (205, 300), -80, 285), _line((335, 745), (670, 250))],
    "letter": [_line((350, 200), (345, 800)), _line((680, 200), (370, 510), (700, 800))],
    "scribble": [
        _line((220, 600), (400, 330), (270, 700), (510, 290), (370, 740), (620, 290), (490, 720))
        + _line((490, 720), (730, 320), (620, 690), (790, 480))
    ],
}
"""A 1 with a flag and a foot, a crossed 7, a slashed 0, and two that are not digits."""

BRUSH: Final = 46


def _shaken(strokes: Sequence[Sequence[Point]], rng: np.random.Generator) -> list[list[Point]]:
    """Slant, stretch and bend a drawing slightly."""
    slant, tall = rng.normal(0, 0.06), rng.normal(1, 0.03)
    wave, phase = rng.normal(0, 7, 2), rng.uniform(0, math.tau, 2)

    def move(x: float, y: float) -> Point:
        x += slant * (500 - y) + wave[0] * math.sin(y / 90 + phase[0])
        return x, 500 + (y - 500) * tall + wave[1] * math.sin(x / 90 + phase[1])

    return [[move(x, y) for x, y in stroke] for stroke in strokes]


def _as_message(strokes: Sequence[Sequence[Point]]) -> list[list[int]]:
    return [[BRUSH, *(round(value) for point in stroke for value in point)] for stroke in strokes]


def digit_example(digit: int, seed: int = 0) -> list[list[int]]:
    """Return a digit on a pad of 1000 x 1000 units; each seed is another handwriting.

    Its strokes have the browser's format: `[brush, x, y, x, y, ...]`.
    """
    return _as_message(_shaken(_DIGITS[digit], np.random.default_rng([seed, digit])))


def number_example(number: str, seed: int = 0) -> list[list[int]]:
    """Return one to four digits on a pad of 2000 x 1000 units; see `digit_example`."""
    pitch, size = 450, 0.82
    left = 1000 - pitch * (len(number) - 1) / 2
    strokes: list[list[int]] = []
    for place, digit in enumerate(number):
        rng = np.random.default_rng([seed, place, int(digit)])
        shaken = _shaken(_DIGITS[int(digit)], rng)
        middle = left + place * pitch
        strokes += _as_message(
            [[(middle + (x - 500) * size, 500 + (y - 500) * size) for x, y in s] for s in shaken]
        )
    return strokes


def all_examples() -> list[dict[str, object]]:
    """Return all examples of the page, fitted to its pad of 1000 x 1000 units.

    Returns:
        `[{"name": "0", "strokes": [...]}, ...]`: ten digits, then harder ones.
    """
    examples = [(str(digit), digit_example(digit)) for digit in range(10)]
    examples += [(name, _hard_example(name)) for name in ("flag", "crossed", "slashed", "letter")]
    examples += [("42", _fit(number_example("42"))), ("scribble", _hard_example("scribble"))]
    return [{"name": name, "strokes": strokes} for name, strokes in examples]


def _hard_example(name: str) -> list[list[int]]:
    return _as_message(_shaken(_HARD[name], np.random.default_rng(len(name))))


def _fit(strokes: list[list[int]]) -> list[list[int]]:
    """Scale a number down about its center so that its ink fits a square pad."""
    columns = [x for stroke in strokes for x in stroke[1::2]]
    scale = min(1.0, 860 / (max(columns) - min(columns)))

    def fit(position: int, value: int) -> int:
        if position == 0:
            return round(value * scale)
        return round(500 + (value - (1000 if position % 2 else 500)) * scale)

    return [[fit(*item) for item in enumerate(stroke)] for stroke in strokes]

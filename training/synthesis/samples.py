"""The sample pictures of the page's upload tab: a photograph, a form and a board.

    python -m training.synthesis.samples

writes them to `digits/page/samples`. Their digits are written from the project's own templates.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from training import console
from training.handwriting import templates
from training.synthesis import surfaces
from training.synthesis.camera import photograph
from training.synthesis.marks import Mark, Pen, draw, line, moved, rectangle
from training.synthesis.page import DIGIT, Page
from training.synthesis.writing import print_text, write_text

FOLDER: Final = Path(__file__).parents[2] / "digits" / "page" / "samples"

_SIZE: Final = (480, 640)


def photo() -> Page:
    """Two numbers on paper, photographed."""
    rng = np.random.default_rng(35)
    page, pen = surfaces.paper(_SIZE, rng), Pen(9, (30, 40, 120), 0.95, 0.2, 0.3)
    _write(page, _number("2048", rng), (110, 90, 120), pen, rng)
    _write(page, _number("317", rng), (190, 280, 120), pen, rng)
    return photograph(page, rng)


def form() -> Page:
    """Printed names with a box for each digit, scanned."""
    rng = np.random.default_rng(3)
    page = Page.blank(np.full((*_SIZE, 3), 247, np.uint8), "scan")
    ruled, pen = Pen(2.5, (170, 170, 178)), Pen(5, (20, 30, 90), 1.0, 0.1, 0.3)
    for row, (name, number) in enumerate((("Room", "407"), ("Year", "1986"), ("Guests", "3"))):
        y = 60 + 140 * row
        _write(page, [print_text(name, rng)], (40, y + 28, 22), ruled, rng)
        for place, digit in enumerate(number):
            x = 230 + 92 * place
            draw(page, [rectangle(x, y, 76, 84)], ruled, rng)
            _write(page, [_digit(digit, rng)], (x + 22, y + 17, 50), pen, rng)
    return page


def board() -> Page:
    """A sum in chalk, photographed."""
    rng = np.random.default_rng(28)
    page = Page.blank(np.full((*_SIZE, 3), (44, 68, 58), np.uint8), "board")
    chalk = Pen(9, (236, 236, 226), 0.9, 0.6, 0.3)
    for number, y in (("748", 50), ("526", 185)):
        _write(page, _number(number, rng), (230, y, 100), chalk, rng)
    _write(page, write_text("+", rng), (130, 205, 60), chalk, rng)
    draw(page, [line([(120, 310), (500, 303)])], chalk, rng)
    _write(page, _number("1274", rng), (150, 335, 100), chalk, rng)
    return photograph(page, rng)


SAMPLES: Final = {"photo": photo, "form": form, "board": board}


def _digit(digit: str, rng: np.random.Generator) -> Mark:
    """Write a digit at height 1."""
    return Mark([stroke / 100 for stroke in templates.write(digit, rng)], DIGIT, int(digit))


def _number(number: str, rng: np.random.Generator) -> list[Mark]:
    return [moved(_digit(digit, rng), 0.85 * place, 0) for place, digit in enumerate(number)]


def _write(
    page: Page,
    marks: Sequence[Mark],
    place: tuple[float, float, float],
    pen: Pen,
    rng: np.random.Generator,
) -> None:
    """Draw marks of height 1 at a place: x and y of their corner, and their height in pixels."""
    draw(page, [moved(mark, *place) for mark in marks], pen, rng)


def main() -> None:
    """Write all sample pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in SAMPLES.items():
        path = FOLDER / f"{name}.jpg"
        picture = cv2.cvtColor(make().picture, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 80])  # 20 to 50 kB


if __name__ == "__main__":
    console.run(main)

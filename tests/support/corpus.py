"""Corpus of input pictures, each with the answer expected from every endpoint.

The answer is a digit, the reason why there is none, or an error message with advice. Files of all
formats come from `picture_files`, and those that must be rejected from `corpus_refused`. This
module adds scenes: how the digit is written, on what background, where and how large.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from tests.support import pen
from tests.support.corpus_refused import unreadable
from tests.support.picture_files import DIGIT, Gray, encode, readable

Color = tuple[int, int, int]
Source = Gray | bytes
"""Pixels to save as PNG, or the content of a file."""

BLANK = "blank"
NOT_A_DIGIT = "not a digit"
WHITE, BLACK, BLUE = (255, 255, 255), (0, 0, 0), (30, 60, 200)


@dataclass(frozen=True)
class Case:
    """A picture and its expected answer: a digit, a reason or an error.

    Attributes:
        name: Name of the file.
        digit: The digit in the picture, if any.
        reason: Why there is no digit.
        error: Part of the message that rejects the file.
    """

    name: str
    content: bytes
    digit: int | None = None
    reason: str | None = None
    error: str | None = None


def cases() -> list[Case]:
    """Return all cases in a fixed order."""
    files = [Case(name, file.content, digit=DIGIT) for name, file in readable().items()]
    refused = [Case(name, content, error=why) for name, (content, why) in unreadable().items()]
    scenes = _colored() | _pens() | _places() | _framed() | _see_through() | _depths()
    written = [Case(name, _content(source), digit) for name, (digit, source) in scenes.items()]
    empty = [Case(name, _content(source), reason=BLANK) for name, source in _empty().items()]
    other = [Case(name, _content(gray), reason=NOT_A_DIGIT) for name, gray in _no_digits().items()]
    return files + written + empty + other + refused


def _content(source: Source) -> bytes:
    return source if isinstance(source, bytes) else encode(Image.fromarray(source), "PNG")


def _jpeg(picture: Gray, quality: int) -> bytes:
    return encode(Image.fromarray(picture), "JPEG", quality=quality)


def _colored() -> dict[str, tuple[int, Source]]:
    return {
        "white-on-black.png": (3, 255 - pen.sheet(3)),
        "blue-on-yellow.png": (8, colored(pen.sheet(8), (250, 240, 120), BLUE)),
        "red-on-green.png": (2, colored(pen.sheet(2), (90, 190, 90), (200, 60, 60))),
        "as-light-as-the-paper.png": (6, colored(pen.sheet(6), (120, 160, 120), (160, 120, 160))),
        "chalk-on-green.jpg": (4, _jpeg(colored(pen.sheet(4), (30, 70, 40), (240, 240, 235)), 85)),
        "faint-pencil.png": (9, colored(pen.sheet(9), WHITE, (215, 215, 215))),
        "artifacts.jpg": (2, _jpeg(colored(pen.sheet(2), WHITE, (200, 20, 20)), 5)),
        "worst-artifacts.jpg": (3, _jpeg(pen.sheet(3), 1)),
    }


def _pens() -> dict[str, tuple[int, Source]]:
    small = pen.sheet(3, size=300, brush=14)
    return {
        "hairline.png": (5, pen.sheet(5, brush=1)),
        "thin.png": (0, pen.sheet(0, brush=4)),
        "thick.png": (7, pen.sheet(7, brush=55)),
        "mnist-like.png": (4, mnist_like(4)),
        "mnist-like-on-white.png": (8, 255 - mnist_like(8)),
        "4000x4000.png": (7, pen.sheet(7, size=4000, brush=200)),
        "small-on-4000x4000.png": (3, on_paper(small, (4000, 4000), (3000, 500))),
        "photograph.jpg": (6, _jpeg(photograph(6), 85)),
    }


def _places() -> dict[str, tuple[int, Source]]:
    ink = cropped(pen.sheet(8))
    part = ink[:, : ink.shape[1] * 15 // 16]
    return {
        "5-to-1.png": (9, on_paper(pen.sheet(9), (400, 2000), (0, 200))),
        "1-to-5.png": (1, on_paper(pen.sheet(1), (2000, 400), (1300, 0))),
        "in-a-corner.png": (0, on_paper(pen.sheet(0, size=200, brush=10), (900, 1000), (690, 795))),
        "at-the-left-border.png": (8, on_paper(ink, (500, 500), (100, 0))),
        "at-the-top-border.png": (8, on_paper(ink, (500, 500), (0, 160))),
        "without-margins.png": (5, cropped(pen.sheet(5))),
        "cut-at-the-right.png": (8, on_paper(part, (500, 500), (90, 500 - part.shape[1]))),
        "cut-at-the-bottom.png": (2, pen.sheet(2)[: 400 * 78 // 100]),
    }


def _framed() -> dict[str, tuple[int, Source]]:
    inside = on_paper(pen.sheet(3), (600, 600), (100, 100))
    cv2.rectangle(inside, (60, 60), (540, 540), 90, 2)
    edge = pen.sheet(6)
    cv2.rectangle(edge, (0, 0), (399, 399), 0, 3)
    form = colored(pen.sheet(5), WHITE, BLUE)
    cv2.rectangle(form, (12, 12), (387, 387), (230, 120, 40), 3)
    ruled = pen.sheet(4)
    ruled[370:374] = 0
    cell = pen.sheet(9)
    cell[384:388] = 60
    cell[:, 20:24] = 60
    return {
        "in-a-frame.png": (3, inside),
        "frame-at-the-edge.png": (6, edge),
        "in-a-form-field.png": (5, form),
        "above-a-line.png": (4, ruled),
        "cell-of-a-table.png": (9, cell),
        "sheet-on-black.png": (2, on_paper(pen.sheet(2), (440, 440), (20, 20), paper=0)),
    }


def _see_through() -> dict[str, tuple[int, Source]]:
    ink = 255 - pen.sheet(2)
    white = Image.fromarray(rgba(WHITE, ink))
    few = white.quantize(16, method=Image.Quantize.FASTOCTREE)
    disc = np.where(np.hypot(*np.mgrid[-200:200, -200:200]) < 190, 255, 0).astype(np.uint8)
    round_sheet = np.dstack([*[pen.sheet(3)] * 3, disc])
    dark_sheet = np.dstack([*[255 - pen.sheet(3)] * 3, disc])
    glow = np.dstack([*[ink] * 3, cv2.dilate(ink, np.ones((13, 13), np.uint8))])
    return {
        "white-on-transparent.webp": (2, encode(white, "WEBP", quality=80)),
        "white-on-transparent-palette.png": (2, encode(few, "PNG")),
        "white-on-transparent-palette.gif": (2, encode(few, "GIF")),
        "white-and-alpha.png": (2, encode(white.convert("LA"), "PNG")),
        "yellow-on-transparent.png": (2, rgba((250, 230, 40), ink)),
        "gray-on-transparent.png": (2, rgba((128, 128, 128), ink)),
        "faint-on-transparent.png": (2, rgba(BLACK, ink // 3)),
        "round-sheet.png": (3, round_sheet),
        "round-dark-sheet.png": (3, dark_sheet),
        "white-with-black-outline.png": (2, glow),
    }


def _depths() -> dict[str, tuple[int, Source]]:
    wide = pen.sheet(7).astype(np.uint16)
    real = pen.sheet(7).astype(np.float32) / 255
    return {
        "faint-16-bit.png": (7, 60_000 + 20 * wide),
        "dark-16-bit.png": (7, 3 * wide),
        "float-elsewhere.tiff": (7, encode(Image.fromarray(real * 700 + 300), "TIFF")),
        "float-narrow.tiff": (7, encode(Image.fromarray(real * 0.2 + 0.4), "TIFF")),
        "float-vast.tiff": (7, encode(Image.fromarray((real * 2 - 1) * 1e30), "TIFF")),
    }


def _empty() -> dict[str, Source]:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:300, :400]
    across = (columns * 255 / 399).astype(np.uint8)
    around = (255 - np.hypot(columns - 200, rows - 150)).astype(np.uint8)
    several = np.dstack([across, across[::-1], (rows * 255 / 299).astype(np.uint8)])
    return {
        **{f"blank-{gray}.png": np.full((200, 300), gray, np.uint8) for gray in (0, 17, 128, 255)},
        "blank.jpg": _jpeg(np.full((200, 300, 3), (250, 240, 200), np.uint8), 60),
        "blank-transparent.png": np.zeros((200, 300, 4), np.uint8),
        "blank-half-transparent.png": rgba((90, 90, 90), np.full((200, 300), 128, np.uint8)),
        "blank-28x28.png": np.zeros((28, 28), np.uint8),
        "stripes.png": (columns // 25 % 2 * 255).astype(np.uint8),
        "checkers.png": ((rows // 25 + columns // 25) % 2 * 255).astype(np.uint8),
        "grainy-paper.png": rng.normal(200, 10, (300, 300)).clip(0, 255).astype(np.uint8),
        "gradient-across.png": across,
        "gradient-down.png": across.T.copy(),
        "gradient-faint.png": (90 + across * 0.5).astype(np.uint8),
        "gradient-around.png": around,
        "gradient-inward.png": 255 - around,
        "gradient-of-colors.jpg": _jpeg(several, 85),
    }


def _no_digits() -> dict[str, Gray]:
    cross = np.full((400, 400), 255, np.uint8)
    cv2.line(cross, (60, 60), (340, 340), 0, 20)
    cv2.line(cross, (340, 60), (60, 340), 0, 20)
    rng = np.random.default_rng(0)
    dirt = np.where(rng.random((300, 300)) < 0.01, 0, 255).astype(np.uint8)
    return {
        "dirt.png": dirt,
        "black-and-white-noise.png": rng.integers(0, 2, (300, 300)).astype(np.uint8) * 255,
        "colored-noise.png": rng.integers(0, 256, (300, 400, 3)).astype(np.uint8),
        "noise.png": rng.integers(0, 256, (300, 400)).astype(np.uint8),
        "cross.png": cross,
    }


def colored(sheet: Gray, paper: Color, ink: Color) -> Gray:
    """Recolor `(h, w)` black on white: `(h, w, 3)` uint8."""
    share = sheet[..., None] / 255
    return np.round(share * paper + (1 - share) * ink).astype(np.uint8)


def rgba(color: Color, alpha: Gray) -> Gray:
    """Combine one color with an alpha channel: `(h, w, 4)` uint8."""
    return np.dstack([*(np.full_like(alpha, level) for level in color), alpha])


def cropped(sheet: Gray) -> Gray:
    """Crop black on white to its ink."""
    rows, columns = np.nonzero(sheet < 128)
    return sheet[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def on_paper(
    sheet: Gray, shape: tuple[int, int], corner: tuple[int, int], paper: int = 255
) -> Gray:
    """Paste a sheet on a larger one, with its upper left corner at a row and column."""
    picture = np.full(shape, paper, np.uint8)
    top, left = corner
    picture[top : top + sheet.shape[0], left : left + sheet.shape[1]] = sheet
    return picture


def mnist_like(digit: int) -> Gray:
    """Draw white on black; the larger side is 20 of 28 pixels."""
    ink = 255 - cropped(pen.sheet(digit, brush=32))
    scale = 20 / max(ink.shape)
    small = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return on_paper(small, (28, 28), (4, 14 - small.shape[1] // 2), paper=0)


def photograph(digit: int) -> Gray:
    """Draw blue ink on grainy paper under uneven light: `(600, 800, 3)` uint8."""
    light = np.linspace(150, 235, 800)[None, :] * np.linspace(1, 0.85, 600)[:, None]
    ink = 1 - on_paper(pen.sheet(digit, size=300, brush=12), (600, 800), (150, 300)) / 255
    paper = light[..., None] * (1 - ink[..., None]) + ink[..., None] * (40, 50, 120)
    grain = np.random.default_rng(digit).normal(0, 3, paper.shape)
    return np.clip(paper + grain, 0, 255).astype(np.uint8)

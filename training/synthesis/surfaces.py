"""Surfaces to write on (canvas, scan, paper, board, screen, wall) and pens that suit them."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.synthesis import log_uniform
from training.synthesis.marks import Pen
from training.synthesis.optics import noise
from training.synthesis.page import LINE, Color, Page
from training.synthesis.pictures import natural


def _palette(colors: str) -> npt.NDArray[np.float64]:
    """Parse RGB colors in hexadecimal notation."""
    return np.array([tuple(bytes.fromhex(color)) for color in colors.split()], np.float64)


_PAPERS: Final = _palette("fafaf8 f0f2f8 f4ecd6 dcd6c8 f6eeaa cde1ee f0d6d8 baa07c")
_INKS: Final = _palette("182480 121216 28282e a0181e 145a2e 505054")
_BOARDS: Final = _palette("244838 1e2224 142846 345c46 2e2c2a")
_RULINGS: Final = _palette("96b4dc 788cc8 b4b4b8 aad2b4 dcaaa0")
_CHALKS: Final = _palette("ecece4 f0e282 f0aab4 96c8f0")
_MARKERS: Final = _palette("141418 1e32aa be1e28 14783c")


def canvas(size: tuple[int, int], rng: np.random.Generator) -> Page:
    """A drawing surface of one color: mostly white, else black or any."""
    kind = rng.random()
    color: Color = (255,) * 3 if kind < 0.5 else (0,) * 3 if kind < 0.7 else rng.integers(0, 256, 3)
    if 0.7 < kind < 0.85:
        color = (int(rng.integers(190, 256)),) * 3
    return _flat(size, color, "canvas")


def scan(size: tuple[int, int], rng: np.random.Generator) -> Page:
    """A clean scan: nearly white, sometimes with a little grain."""
    page = _flat(size, rng.integers(225, 256) + rng.integers(-4, 5, 3), "scan")
    if rng.random() < 0.5:
        _add(page, rng.uniform(0.5, 3.0) * grain(size, rng))
    if rng.random() < 0.3:
        _rule(page, rng)
    return page


def screen(size: tuple[int, int], rng: np.random.Generator) -> Page:
    """A window or an app: flat, light or dark."""
    light = rng.random() < 0.7
    tone = rng.integers(215, 256) if light else rng.integers(0, 60)
    return _flat(size, tone + rng.integers(-10, 11, 3), "screen")


def paper(size: tuple[int, int], rng: np.random.Generator) -> Page:
    """Paper of any kind, ruled or squared with a probability of 0.6."""
    tint = _PAPERS[rng.integers(len(_PAPERS))] * rng.uniform(0.85, 1.02)
    page = _flat(size, tint, "paper")
    _add(page, rng.uniform(0.5, 5.0) * grain(size, rng))
    if rng.random() < 0.6:
        _rule(page, rng)
    return page


def board(size: tuple[int, int], rng: np.random.Generator) -> Page:
    """A chalkboard with smears, or a whiteboard with gloss."""
    white = rng.random() < 0.4
    color = np.array([235, 236, 238]) if white else _BOARDS[rng.integers(len(_BOARDS))]
    page = _flat(size, color * rng.uniform(0.9, 1.1), "board")
    _add(page, noise(size, rng.uniform(30, 150), rng) * rng.uniform(0, 12))
    _add(page, rng.uniform(0.5, 4) * grain(size, rng))
    return page


def wall(size: tuple[int, int], rng: np.random.Generator) -> Page:
    """A blurred natural picture to write on."""
    picture = natural(size, rng)
    return Page.blank(cv2.GaussianBlur(picture, (0, 0), rng.uniform(2, 20)), "wall")


SURFACES: Final[dict[str, tuple[Callable[[tuple[int, int], np.random.Generator], Page], float]]] = {
    "canvas": (canvas, 0.32),
    "scan": (scan, 0.2),
    "screen": (screen, 0.08),
    "paper": (paper, 0.28),
    "board": (board, 0.08),
    "wall": (wall, 0.04),
}
"""Maker and probability by name."""


def pen_for(page: Page, height: float, rng: np.random.Generator) -> Pen:
    """Choose a pen that is visible on the page, for writing of a height in pixels."""
    kind = page.kind[0]
    ground = np.median(page.picture[::7, ::7].reshape(-1, 3), axis=0)
    color = _ink(kind, ground, rng)
    if kind in ("canvas", "screen"):
        share = log_uniform(0.03, 0.24, rng)
        hard = rng.random() < 0.25
        pressure = 0.4 if rng.random() < 0.15 else 0.0
        return Pen(max(1.0, share * height), color, 1.0, 0.0, pressure, not hard)
    widest = 0.28 if rng.random() < 0.15 else 0.12
    share = log_uniform(0.02, widest, rng)
    grain = rng.uniform(0, 0.8) if kind == "board" or rng.random() < 0.35 else 0.0
    opacity = rng.uniform(0.55, 1.0) if rng.random() < 0.4 else 1.0
    return Pen(max(0.7, share * height), color, opacity, grain, rng.uniform(0, 0.5))


def _ink(kind: str, ground: npt.NDArray[np.float64], rng: np.random.Generator) -> Color:
    """Choose a color that differs from the background."""
    light = ground.mean() > 110
    if kind == "board":
        choices = _MARKERS if light else _CHALKS
    elif kind in ("paper", "scan"):
        choices = _INKS if light else _CHALKS
    else:
        choices = np.zeros((1, 3)) if light else np.full((1, 3), 255)
        if rng.random() < 0.35:
            choices = rng.integers(0, 256, (12, 3)).astype(np.float64)
    for _ in range(12):
        color = choices[int(rng.integers(len(choices)))] * rng.uniform(0.85, 1.1)
        if np.abs(color - ground).max() > 70:
            return color.clip(0, 255)
    return [0.0 if light else 255.0] * 3


def _flat(size: tuple[int, int], color: Color, kind: str) -> Page:
    picture = np.empty((*size, 3), np.uint8)
    picture[:] = np.clip(np.array(color, np.float64), 0, 255)
    return Page.blank(picture, kind)


def _add(page: Page, field: npt.NDArray[np.float32]) -> None:
    page.picture[:] = np.clip(page.picture + field[..., None], 0, 255)


_BANK: Final = np.random.default_rng(11).standard_normal((1024, 1024), dtype=np.float32)


def grain(size: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return white noise of mean 0 and deviation 1, cropped from a fixed bank."""
    height, width = min(size[0], 1024), min(size[1], 1024)
    y, x = int(rng.integers(1025 - height)), int(rng.integers(1025 - width))
    down, right = rng.choice([-1, 1]), rng.choice([-1, 1])
    cut = _BANK[y : y + height, x : x + width][::down, ::right]
    return cut if cut.shape == size else cv2.resize(cut, size[::-1])


def _rule(page: Page, rng: np.random.Generator) -> None:
    """Print lines, sometimes with a margin, or squares."""
    height, width = page.size
    pitch = rng.uniform(0.025, 0.14) * max(page.size)
    color = _RULINGS[rng.integers(len(_RULINGS))]
    thick = log_uniform(0.4, 2.0, rng)
    strength = rng.uniform(0.3, 1.0)
    tilt = rng.normal(0, 0.01) * width
    cover = np.zeros(page.size, np.uint8)
    squares = rng.random() < 0.4

    def rule(x0: float, y0: float, x1: float, y1: float) -> None:
        start, end = (int(x0 * 16), int(y0 * 16)), (int(x1 * 16), int(y1 * 16))
        cv2.line(cover, start, end, 255, max(1, round(thick)), cv2.LINE_AA, 4)

    for y in np.arange(rng.uniform(0, pitch), height, pitch):
        rule(0, y, width, y + tilt)
    if squares:
        for x in np.arange(rng.uniform(0, pitch), width, pitch):
            rule(x, 0, x - tilt, height)
    elif rng.random() < 0.3:
        x = rng.uniform(0.05, 0.25) * width
        rule(x, 0, x, height)
    faint = (cover * np.float32(strength * min(1.0, thick))).astype(np.uint8)
    dense = squares and pitch < 6 * thick  # a texture, not lines
    label = np.zeros_like(cover) if dense else cover
    page.paint(faint, (0, 0), (color * rng.uniform(0.8, 1.1)).clip(0, 255), LINE, label)

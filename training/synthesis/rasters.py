"""Digits as raster images: plotted with axes, or cut from a grid of cells."""

from typing import Final

import cv2
import numpy as np

from training.synthesis import camera, log_uniform
from training.synthesis.marks import Pen, box_of, draw, line, placed, rectangle
from training.synthesis.page import DIGIT, Digit, Page
from training.synthesis.surfaces import SURFACES, pen_for
from training.synthesis.writing import Hands, print_text

_COLORMAPS: Final = (
    cv2.COLORMAP_VIRIDIS,
    cv2.COLORMAP_PLASMA,
    cv2.COLORMAP_INFERNO,
    cv2.COLORMAP_MAGMA,
    cv2.COLORMAP_JET,
    cv2.COLORMAP_HOT,
    cv2.COLORMAP_BONE,
    cv2.COLORMAP_CIVIDIS,
)


def plot(hands: Hands, rng: np.random.Generator) -> Page:
    """A raster image of a digit in a plot, with axes, ticks, title and color bar."""
    side = int(rng.integers(120, 360))
    image = raster(hands, rng)
    inner = image.resize(side, int(rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR])))
    size = (round(side * rng.uniform(1.15, 1.6)), round(side * rng.uniform(1.15, 1.9)))
    page = SURFACES["canvas" if rng.random() < 0.5 else "screen"][0](size, rng)
    if rng.random() < 0.7:
        page.picture[:] = 255
    room = np.array(size) - side
    top, left = int(room[0] * rng.uniform(0.2, 0.8)), int(room[1] * rng.uniform(0.2, 0.8))
    page.paste(inner, (left, top))
    ink = Pen(1.0, [0.0 if page.picture[0, 0].mean() > 128 else 255.0] * 3)
    tall = side * rng.uniform(0.022, 0.04)

    def put(text: str, x: float, y: float) -> None:
        draw(page, placed([print_text(text, rng)], max(4.0, tall), (x, y)), ink, rng)

    if rng.random() < 0.75:
        step = side / 28 * float(rng.choice([5, 10]))
        for index, at in enumerate(np.arange(0, side, step)):
            put(str(index * 5), left + at, top + side + 4)
            put(str(index * 5), left - 3.2 * tall, top + at)
            tick = line([[left + at, top + side], [left + at, top + side + 3]])
            draw(page, [tick], ink, rng)
        draw(page, [rectangle(left, top, side, side)], ink, rng)
    if rng.random() < 0.6:
        title = rng.choice(["Label: ", "Digit ", "True: ", "Prediction: ", "x = "])
        title = f"{title}{rng.integers(10)}"
        put(title, left + side * rng.uniform(0, 0.4), max(1, top - 2.2 * tall))
    if rng.random() < 0.4 and left + side + 30 < size[1]:
        ramp = np.linspace(255, 0, side).astype(np.uint8)[:, None]
        ramp = ramp.repeat(max(6, side // 20), axis=1)
        ramp = cv2.applyColorMap(ramp, int(rng.choice(_COLORMAPS)))[..., ::-1]
        x = left + side + 10
        wide = min(ramp.shape[1], size[1] - x)
        page.picture[top : top + side, x : x + wide] = ramp[:, :wide]
        for share in (0, 0.25, 0.5, 0.75, 1):
            put(str(int(255 * (1 - share))), x + wide + 3, top + share * (side - tall))
    return page


def raster(hands: Hands, rng: np.random.Generator) -> Page:
    """An MNIST image as a 28x28 page, in gray or in a color map."""
    digit = int(rng.integers(10))
    image = hands.images[rng.choice(hands.by_digit[digit])]
    faded = image * np.float32(rng.uniform(0.7, 1.0)) + rng.normal(0, rng.choice([0, 8]))
    gray = np.clip(faded, 0, 255).astype(np.uint8)
    mapped = rng.random()
    if mapped < 0.35:
        picture = cv2.applyColorMap(gray, int(rng.choice(_COLORMAPS)))[..., ::-1]
    else:
        picture = np.repeat((gray if mapped < 0.75 else 255 - gray)[..., None], 3, axis=2)
    page = Page.blank(np.ascontiguousarray(picture), "canvas")
    page.layers[..., DIGIT] = image
    x, y, w, h = map(float, cv2.boundingRect(image))
    page.digits.append(Digit(digit, (x, y, w, h)))
    page.kind.append("raster")
    return page


def cell(hands: Hands, rng: np.random.Generator) -> Page:
    """A cell cut from a grid: its lines are near the edge, and neighbors may be visible."""
    pitch = int(rng.integers(90, 180))
    size = (2 * pitch, 2 * pitch)
    name = str(rng.choice(["paper", "scan", "canvas", "board"], p=[0.5, 0.25, 0.2, 0.05]))
    page = SURFACES[name][0](size, rng)
    page.kind.append("single")
    height = rng.uniform(0.4, 0.9) * pitch
    pen = pen_for(page, height, rng)
    tone = rng.uniform(0, 140, 3) if rng.random() < 0.3 else pen.color
    half, side = pitch // 2, size[0]
    thick = max(0.8, rng.uniform(0.008, 0.07) * pitch)
    lines = [line([[at, 0], [at, side]], thick) for at in (half, half + pitch)]
    lines += [line([[0, at], [side, at]], thick) for at in (half, half + pitch)]
    draw(page, lines, Pen(1.0, tone, rng.uniform(0.4, 1.0)), rng)
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            middle = (row, column) == (0, 0)
            if rng.random() < (0.92 if middle else 0.35):
                mark = hands.digit(rng)
                extent = np.ptp(box_of([mark]), axis=0)
                tall = min(height, 0.95 * pitch / extent.max())
                at = np.array([column, row]) * pitch + half
                at = at + (pitch - extent * tall) * rng.normal(0.5, 0.12, 2).clip(0, 1)
                draw(page, placed([mark], tall, at), pen, rng)
    if rng.random() < 0.7:
        page = camera.photograph(page, rng)
    margin = int(rng.uniform(-0.06, 0.18) * pitch)
    cut = pitch + 2 * margin
    shift = rng.integers(-pitch // 25, pitch // 25 + 1, 2)
    at = np.clip(half - margin + shift, 0, 2 * pitch - cut)
    page = page.crop(int(at[0]), int(at[1]), cut, cut)
    return page.resize(int(log_uniform(28, 140, rng)), cv2.INTER_AREA)

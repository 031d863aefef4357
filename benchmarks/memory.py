"""Memory of the app after many pictures, no two with the same size and content."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import cv2
import numpy as np

from benchmarks.calls import Caller, encode
from benchmarks.figures import Figures, Row
from benchmarks.serving import OURS, App, Server, started
from digits.drawing import PAD_WIDTHS, as_picture, draw, parse_strokes
from digits.examples import number_example
from digits.pictures import Picture
from training.handwriting import templates
from training.synthesis import photos

CLIENTS: Final = 4


def measure(_: App, *, quick: bool) -> list[Row]:
    """Measure this app's memory after many pictures."""
    count = 6 if quick else 300
    with started(OURS) as server:
        megabytes = dict(growth(server, [count]))[count]
    return [Row(f"memory after {count:,} mixed pictures", "MB", Figures(megabytes))]


def growth(server: Server, stops: Sequence[int]) -> Iterator[tuple[int, float]]:
    """Send pictures to `/v1/predict` and `/v1/read` from several clients.

    Yields:
        At each stop: the number of pictures so far, and the resident memory in 10^6 bytes.
    """
    caller = Caller(server, CLIENTS)

    def ask(number: int) -> None:
        caller.read(mixed_picture(number), ("predict", "read")[number % 2])

    with ThreadPoolExecutor(CLIENTS) as pool:
        for first, stop in itertools.pairwise([0, *stops]):
            list(pool.map(ask, range(first, stop)))  # raises their exceptions
            yield stop, server.resident_megabytes()


def mixed_picture(number: int) -> bytes:
    """Generate a photograph, a scan or a canvas; the same number gives the same file."""
    rng = np.random.default_rng(number)
    make = (_photograph, _scan, _canvas)[number % 3]
    return make(rng)


def _photograph(rng: np.random.Generator) -> bytes:
    photograph = _digit_on_paper(int(rng.integers(6)))
    longer = np.exp(rng.uniform(np.log(300), np.log(4000)))
    scale = longer / max(photograph.shape)
    return encode(cv2.resize(photograph, None, fx=scale, fy=scale), ".jpg")


@functools.cache
def _digit_on_paper(digit: int) -> Picture:
    rng = np.random.default_rng(digit)
    strokes = [points.astype(np.float64) for points in templates.write(str(digit), rng)]
    return photos.photograph([strokes], rng).picture


def _scan(rng: np.random.Generator) -> bytes:
    """A noisy grayscale sheet of paper with a number somewhere on it."""
    height = int(rng.integers(500, 3500))
    sheet = _place(_number(rng), (height, round(height / 1.414)), rng)
    grain = rng.integers(0, 12, (height // 4, 100), np.uint8)
    sheet -= np.minimum(sheet, cv2.resize(grain, sheet.shape[::-1]))
    return encode(sheet, (".png", ".jpg")[rng.integers(2)])


def _canvas(rng: np.random.Generator) -> bytes:
    """A canvas of any size with a white or transparent background."""
    canvas = _place(_number(rng), (int(rng.integers(28, 1500)), int(rng.integers(28, 1500))), rng)
    if rng.random() < 0.5:
        return encode(canvas)
    return encode(np.dstack([np.zeros((*canvas.shape, 3), np.uint8), 255 - canvas]))


def _number(rng: np.random.Generator) -> Picture:
    """Draw one to four digits: `(320, 640)` uint8, 255 is paper."""
    number = str(rng.integers(10 ** int(rng.integers(1, 5))))
    strokes = number_example(number, int(rng.integers(2**31)))
    return as_picture(draw(parse_strokes(strokes), PAD_WIDTHS["number"]))


def _place(drawing: Picture, size: tuple[int, int], rng: np.random.Generator) -> Picture:
    """Place a drawing, scaled at random, anywhere on white paper `(H, W)`."""
    largest = min(size[0] / drawing.shape[0], size[1] / drawing.shape[1])
    scale = largest * rng.uniform(0.3, 1)
    drawing = cv2.resize(drawing, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    over, beside = np.subtract(size, drawing.shape)
    top, left = int(rng.integers(over + 1)), int(rng.integers(beside + 1))
    return cv2.copyMakeBorder(
        drawing, top, over - top, left, beside - left, cv2.BORDER_CONSTANT, value=255
    )

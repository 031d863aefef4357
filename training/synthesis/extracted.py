"""Training lines for the line reader that finder and extractor find in synthetic pages.

    python -m training.synthesis.extracted OUT.png --hands runs/line_reader/hands.npz --seed 1

draws a sheet of lines for inspection.
"""

import itertools
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import components
from digits.networks import COLUMN_STEP, NOT_A_DIGIT
from digits.recognizer import Recognizer
from digits.segmentation.extractor import CONNECTING_INK, Extractor
from digits.segmentation.finder import Finder
from digits.segmentation.layout import find_layout, find_writing
from digits.segmentation.lines import Line
from digits.weights import BUNDLED, load_folder
from training import console
from training.synthesis import camera
from training.synthesis.composition import compose, photo, world
from training.synthesis.lines import Written, draw_sheet, framed
from training.synthesis.page import DIGIT, WRITING, Page
from training.synthesis.writing import Hands, load_hands

_KINDS: Final = ((compose, 0.3), (photo, 0.3), (world, 0.4))
"""Makers of pages, and their probabilities."""

_ZOOM: Final = 0.3
"""Standard deviation of the log scale at which ink is extracted."""

_COVERED: Final = 100
"""Coverage, out of 255, above which a pixel is inked."""

_GONE, _THERE = 0.15, 0.4
"""Extracted share of a digit's ink up to which it is missing, and from which it is present."""

_SMALL: Final = 0.3
"""Size of a connected component, as a share of the line's height, below which it is a speck."""


def extract_lines(hands: Hands, seed: int, index: int) -> list[Written]:
    """Generate a page and return the lines that the bundled networks find in it; deterministic."""
    rng = np.random.default_rng([seed, index])
    make = _KINDS[int(rng.choice(len(_KINDS), p=[odds for _, odds in _KINDS]))][0]
    page = make(hands, rng)
    if make is not compose:
        page = camera.saved(page, rng)
    finder, extractor, recognizer = _networks()
    found = find_writing(finder, page.picture)
    if not found.centers:
        return []
    layout = find_layout(extractor, page.picture, found, float(np.exp(rng.normal(0, _ZOOM))))
    return [made for line in layout.lines if (made := labeled(line, page, recognizer))]


@lru_cache
def _networks() -> tuple[Finder, Extractor, Recognizer]:
    weights = load_folder(BUNDLED)
    finder, extractor = Finder(weights.finder), Extractor(weights.extractor)
    return finder, extractor, Recognizer(weights, finder, extractor)


def labeled(line: Line, page: Page, recognizer: Recognizer) -> Written | None:
    """Label a line; return None if its labels are ambiguous.

    Components beside digits are labeled where the page has writing; without digits, all are labeled
    as other writing. Anything else that the recognizer reads as a 1 is ambiguous; so is a line with
    more characters than the line reader's output can represent.
    """
    inked = line.ink > CONNECTING_INK
    digit_ink, writing = (_in_line(page.layers[..., k], line) for k in (DIGIT, WRITING))
    named = _digits_left(inked, digit_ink, line, page)
    if named is None:
        return None
    has_digits = bool(named)
    if not has_digits and (inked & (digit_ink | writing)).sum() > 0.1 * inked.sum():
        return None
    labels, stats = components(inked)
    for label, (x, _, w, h, area) in enumerate(stats[1:], 1):
        part = labels == label
        if max(h, w) < _SMALL * len(inked) or (digit_ink & part).sum() > area / 2:
            continue
        is_writing = (writing & part).sum() > area / 2
        if not is_writing and recognizer.predict_ink(line.ink * part).digit == 1:
            return None
        if is_writing or not has_digits:
            named.append((NOT_A_DIGIT, x, x + w))
    if not named:
        return None
    named.sort(key=lambda each: each[1] + each[2])
    written = framed(line.ink, [each[0] for each in named], np.array([each[1:] for each in named]))
    return written if 2 * len(named) * COLUMN_STEP < written.ink.shape[1] else None


def _digits_left(
    inked: npt.NDArray[np.bool_], digit_ink: npt.NDArray[np.bool_], line: Line, page: Page
) -> list[tuple[int, float, float]] | None:
    """Return the page's digits in a line, with their columns; None if one is partly missing."""
    height, width = inked.shape
    left: list[tuple[int, float, float]] = []
    for digit in page.digits:
        x, y, w, h = (np.array(digit.box) - (*line.corner, 0, 0)) / line.scale
        if not (0 < x + w / 2 < width and 0 < y + h / 2 < height):
            continue
        rows, columns = slice(max(0, int(y)), int(y + h) + 2), slice(max(0, int(x)), int(x + w) + 2)
        own = digit_ink[rows, columns]
        share = inked[rows, columns][own].mean() if own.any() else 0.0
        if _GONE < share < _THERE:
            return None
        if share >= _THERE:
            left.append((digit.digit, x, x + w))
    return left


def _in_line(layer: npt.NDArray[np.uint8], line: Line) -> npt.NDArray[np.bool_]:
    """Return the pixels of a line's ink that a layer of the page covers, dilated by one."""
    size = line.ink.shape[::-1]
    matrix = np.array([[line.scale, 0, line.corner[0]], [0, line.scale, line.corner[1]]])
    how = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    blurred = cv2.blur(layer, (max(1, round(line.scale)),) * 2)
    seen = cv2.warpAffine(blurred, matrix, size, flags=how)
    return cv2.dilate(seen, np.ones((3, 3), np.uint8)) > _COVERED


def save_lines(path: Path, lines: Sequence[Written]) -> None:
    """Save lines to an `.npz` file, with their ink as uint8."""
    inks = np.concatenate([line.ink for line in lines], axis=1)
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        inks=np.round(255 * inks).astype(np.uint8),
        widths=np.array([line.ink.shape[1] for line in lines]),
        labels=np.concatenate([line.labels for line in lines]),
        counts=np.array([len(line.labels) for line in lines]),
        spans=np.concatenate([line.spans for line in lines]),
    )
    partial.replace(path)


def load_lines(path: Path) -> list[Written]:
    """Load a file written by `save_lines`."""
    with np.load(path) as kept:
        inks = np.split(kept["inks"], np.cumsum(kept["widths"])[:-1], axis=1)
        ends = np.cumsum(kept["counts"])[:-1]
        labels, spans = np.split(kept["labels"], ends), np.split(kept["spans"], ends)
    return [
        Written((ink / np.float32(255)).astype(np.float32), tuple(named.tolist()), place)
        for ink, named, place in zip(inks, labels, spans, strict=True)
    ]


def main() -> None:
    """Draw a sheet of extracted lines."""
    arguments = console.sheet_arguments("training.synthesis.extracted", __doc__)
    hands = load_hands(arguments.hands)
    pages = (extract_lines(hands, arguments.seed, index) for index in itertools.count())
    lines = itertools.chain.from_iterable(pages)
    draw_sheet(arguments.file, list(itertools.islice(lines, arguments.count)))


if __name__ == "__main__":
    console.run(main)

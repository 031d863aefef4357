"""The pipeline from the drawing to the answer, in four pictures for the About tab."""

import base64
from typing import Final

import cv2
import numpy as np

from digits.drawing import draw, parse_strokes
from digits.examples import digit_example
from digits.ink import InkArray
from digits.preprocessing import BOX_SIDE, IMAGE_SIDE, normalize

_DIGIT: Final = 5

_WORDS: Final = {
    "en": (
        "You draw, or show a picture in which the ink is found.",
        "The ink is cut out, fitted into 20 \u00d7 20 pixels and centred by its mass.",
        "These 28 \u00d7 28 pixels are all that the network sees.",
        "It answers with a share for each digit.",
    ),
    "de": (
        "Du zeichnest, oder zeigst ein Bild, in dem die Tinte gefunden wird.",
        "Die Tinte wird ausgeschnitten, auf 20 \u00d7 20 Pixel gebracht, nach Schwerpunkt gesetzt.",
        "Mehr als diese 28 \u00d7 28 Pixel sieht das Netz nicht.",
        "Es antwortet mit einem Anteil für jede Ziffer.",
    ),
    "fr": (
        "Vous dessinez, ou montrez une image où l'encre est repérée.",
        "L'encre est découpée, ajustée à 20 \u00d7 20 pixels et centrée par sa masse.",
        "Le réseau ne voit que ces 28 \u00d7 28 pixels.",
        "Il répond par une part pour chaque chiffre.",
    ),
}


def pipeline(language: str) -> str:
    """Show how a digit is read.

    Args:
        language: `en`, `de` or `fr`.

    Returns:
        HTML without blank lines, so that Markdown takes it as it is.
    """
    drawing = digit_example(_DIGIT)
    image = normalize(draw(parse_strokes(drawing)))
    pictures = [_pad(drawing), _fitted(drawing, image), _pixels(image), _bars()]
    figures = [
        f"<figure>{picture}<figcaption>{words}</figcaption></figure>"
        for picture, words in zip(pictures, _WORDS[language], strict=True)
    ]
    return f'<div class="pipeline">{"".join(figures)}</div>'


def _svg(side: int, content: str) -> str:
    return f'<svg viewBox="0 0 {side} {side}" aria-hidden="true">{content}</svg>'


def _lines(drawing: list[list[int]], scale: float, shift: tuple[float, float]) -> str:
    lines = []
    for brush, *flat in drawing:
        points = np.reshape(flat, (-1, 2)) * scale + shift
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        lines.append(f'<polyline points="{text}" stroke-width="{brush * scale:.2f}"/>')
    return f'<g class="ink">{"".join(lines)}</g>'


def _pad(drawing: list[list[int]]) -> str:
    return _svg(1000, _lines(drawing, 1.0, (0.0, 0.0)))


def _fitted(drawing: list[list[int]], image: InkArray) -> str:
    """The strokes where `normalize` puts them, the box that they fill, and their centre of mass."""
    points = np.concatenate([np.reshape(flat, (-1, 2)) for _, *flat in drawing])
    brush = drawing[0][0]
    low, high = points.min(axis=0) - brush / 2, points.max(axis=0) + brush / 2
    rows, columns = np.nonzero(image)
    middle = np.array([columns.min() + columns.max() + 1, rows.min() + rows.max() + 1]) / 2
    scale = BOX_SIDE / float((high - low).max())
    shift = middle - scale * (low + high) / 2
    corner = middle - BOX_SIDE / 2
    half = IMAGE_SIDE // 2
    marks = (
        f'<rect x="{corner[0]:.1f}" y="{corner[1]:.1f}" width="{BOX_SIDE}" height="{BOX_SIDE}"/>'
        f'<path d="M{half - 1.5} {half}h3M{half} {half - 1.5}v3"/>'
    )
    lines = _lines(drawing, scale, (float(shift[0]), float(shift[1])))
    return _svg(IMAGE_SIDE, f'{lines}<g class="marks">{marks}</g>')


def _pixels(image: InkArray) -> str:
    content = cv2.imencode(".png", np.round(image * 255).astype(np.uint8))[1].tobytes()
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(content).decode()}">'


def _bars() -> str:
    parts = []
    for digit in range(10):
        height = 76 if digit == _DIGIT else 2
        kind = ' class="top"' if digit == _DIGIT else ""
        left = 4 + 9.3 * digit
        bar = f'<rect x="{left:.1f}" y="{84 - height}" width="7" height="{height}" rx="1.5"/>'
        parts.append(f'<g{kind}>{bar}<text x="{left + 3.5:.1f}" y="95">{digit}</text></g>')
    bars = "".join(parts)
    return f'<svg class="shares-picture" viewBox="0 0 100 100" aria-hidden="true">{bars}</svg>'

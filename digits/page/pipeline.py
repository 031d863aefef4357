"""Four figures for the About tab: the pipeline from a drawing to its answer."""

import base64
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.drawing import draw, parse_strokes
from digits.examples import digit_example
from digits.ink import InkArray
from digits.page.i18n import WORDS
from digits.preprocessing import BOX_SIDE, IMAGE_SIDE, normalize

_DIGIT: Final = 5


def pipeline(language: str) -> str:
    """Return the figures with their captions.

    Args:
        language: `en`, `de` or `fr`.

    Returns:
        HTML without blank lines, so that Markdown passes it through.
    """
    drawing = digit_example(_DIGIT)
    image = normalize(draw(parse_strokes(drawing)))
    png = cv2.imencode(".png", np.round(image * 255).astype(np.uint8))[1].tobytes()
    pictures = [
        _svg(1000, _lines(drawing, 1.0, np.zeros(2))),
        _fitted(drawing, image),
        f'<img alt="" src="data:image/png;base64,{base64.b64encode(png).decode()}">',
        _svg(100, _bars(), "shares-picture"),
    ]
    figures = "".join(
        f"<figure>{picture}<figcaption>{WORDS[language][f'about_step_{place}']}</figcaption></figure>"
        for place, picture in enumerate(pictures)
    )
    return f'<div class="pipeline">{figures}</div>'


def _svg(side: int, content: str, name: str = "") -> str:
    return f'<svg class="{name}" viewBox="0 0 {side} {side}" aria-hidden="true">{content}</svg>'


def _lines(drawing: list[list[int]], scale: float, shift: npt.NDArray[np.float64]) -> str:
    lines = []
    for brush, *flat in drawing:
        points = np.reshape(flat, (-1, 2)) * scale + shift
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        lines.append(f'<polyline points="{text}" stroke-width="{brush * scale:.2f}"/>')
    return f'<g class="ink">{"".join(lines)}</g>'


def _fitted(drawing: list[list[int]], image: InkArray) -> str:
    """The strokes where `normalize` puts them, their bounding box and their center of mass."""
    points = np.concatenate([np.reshape(flat, (-1, 2)) for _, *flat in drawing])
    brush = drawing[0][0]
    low, high = points.min(axis=0) - brush / 2, points.max(axis=0) + brush / 2
    rows, columns = np.nonzero(image)
    middle = np.array([columns.min() + columns.max() + 1, rows.min() + rows.max() + 1]) / 2
    scale = BOX_SIDE / float((high - low).max())
    left, top = middle - BOX_SIDE / 2
    half = IMAGE_SIDE // 2
    lines = _lines(drawing, scale, middle - scale * (low + high) / 2)
    return _svg(
        IMAGE_SIDE,
        f'{lines}<g class="marks">'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{BOX_SIDE}" height="{BOX_SIDE}"/>'
        f'<path d="M{half - 1.5} {half}h3M{half} {half - 1.5}v3"/></g>',
    )


def _bars() -> str:
    bars = []
    for digit in range(10):
        height = 76 if digit == _DIGIT else 2
        kind = ' class="top"' if digit == _DIGIT else ""
        left = 4 + 9.3 * digit
        bar = f'<rect x="{left:.1f}" y="{84 - height}" width="7" height="{height}" rx="1.5"/>'
        bars.append(f'<g{kind}>{bar}<text x="{left + 3.5:.1f}" y="95">{digit}</text></g>')
    return "".join(bars)

"""The page's metadata for browsers, search engines and link previews, and its static pictures.

Gradio's template describes Gradio there and offers no setting for most of it.
"""

import re
from html import escape
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from gradio.routes import templates
from jinja2 import BaseLoader, ChoiceLoader, DictLoader
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digits.deployment import GALLERY, ROOT
from digits.drawing import draw, parse_strokes
from digits.examples import digit_example

TITLE: Final = "Handwritten digits"
DESCRIPTION: Final = (
    "Draw a digit or a number and see it read while you draw, or show a picture of handwriting."
)

SAMPLES: Final = Path(__file__).parent / "samples"
"""Sample pictures for the upload tab, rendered by `training.synthesis.samples`."""

_TEMPLATE: Final = "frontend/index.html"
_CARD: Final = re.compile(r'<meta\s+(?:property="og:|name="twitter:)[^>]*>')
_PAPER: Final = (255, 255, 255)
_INDIGO: Final = (229, 70, 79)  # BGR


def introduce(address: str) -> None:
    """Replace the metadata of Gradio's template with the page's own.

    Args:
        address: URL of the page, without a trailing slash.
    """
    loader = templates.env.loader
    assert isinstance(loader, BaseLoader)  # noqa: S101 - for mypy
    source = loader.get_source(templates.env, _TEMPLATE)[0]
    card = {
        "og:type": "website",
        "og:title": TITLE,
        "og:description": DESCRIPTION,
        "og:url": f"{address}/",
        "og:image": f"{address}/preview.png",
    }
    head = [
        f"<title>{escape(TITLE)}</title>",
        f'<meta name="description" content="{escape(DESCRIPTION)}">',
        '<meta name="twitter:card" content="summary_large_image">',
        '<link rel="icon" type="image/png" href="favicon.ico">',
        *(f'<meta property="{key}" content="{escape(value)}">' for key, value in card.items()),
    ]
    own = _CARD.sub("", source).replace("<style>", "".join(head) + "<style>", 1)
    templates.env.loader = ChoiceLoader([DictLoader({_TEMPLATE: own}), loader])


def picture_routes() -> list[Route]:
    """Return routes for the icon, the link preview, the samples and the misread digits."""
    pictures = {"/favicon.ico": _encode_png(_icon()), "/preview.png": _encode_png(_preview())}
    files = {f"/samples/{path.name}": path for path in SAMPLES.glob("*.jpg")}
    files["/misread.png"] = ROOT / GALLERY
    pictures |= {address: path.read_bytes() for address, path in files.items() if path.exists()}
    return [_route(address, content) for address, content in pictures.items()]


def _route(address: str, content: bytes) -> Route:
    kind = "image/jpeg" if address.endswith(".jpg") else "image/png"

    async def send(_: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=86400"}
        return Response(content, media_type=kind, headers=headers)

    return Route(address, send)


def _encode_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def _icon() -> npt.NDArray[np.uint8]:
    """A 5, white on indigo, 64 x 64."""
    digit = _digit(5, _PAPER, _INDIGO)[40:280, 40:280]
    return cv2.resize(digit, (64, 64), interpolation=cv2.INTER_AREA)


def _preview() -> npt.NDArray[np.uint8]:
    """All ten digits on paper, the 5 inverted, 1200 x 630: the picture of a link preview."""
    tiles = [_digit(d, *((_PAPER, _INDIGO) if d == 5 else (_INDIGO, _PAPER))) for d in range(10)]
    sheet = np.vstack([np.hstack(tiles[:5]), np.hstack(tiles[5:])])
    small = cv2.resize(sheet, (1150, 460), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 85, 85, 25, 25, cv2.BORDER_CONSTANT, value=_PAPER)


def _digit(
    digit: int, ink: tuple[int, int, int], paper: tuple[int, int, int]
) -> npt.NDArray[np.uint8]:
    """An example in two colors, 320 x 320."""
    share = draw(parse_strokes(digit_example(digit)))[..., None]
    mixed = share * np.array(ink, np.float32) + (1 - share) * np.array(paper, np.float32)
    return np.round(mixed).astype(np.uint8)

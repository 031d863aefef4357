"""The static page in Chromium, to compare its answers with Python's."""

import base64
import functools
import http.server
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Browser, Page, expect

from digits.drawing import PAD_HEIGHT
from tests.support.page_support import serving
from training.handwriting import templates

READY_MILLISECONDS = 60_000


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback, as a static Space does; yield the URL."""
    with serving(functools.partial(_Quiet, directory=str(folder))) as address:
        yield f"{address}/"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def opened(browser: Browser, address: str, options: dict[str, Any] | None = None) -> Iterator[Page]:
    """Open the page and wait until it is ready; other requests and console messages are errors."""
    context = browser.new_context(**{"locale": "en-US"} | (options or {}))
    page = context.new_page()
    page.set_default_timeout(READY_MILLISECONDS)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text))
    page.on("request", lambda request: faults.extend(_foreign(address, request.url)))
    page.goto(address)
    expect(page.locator(".weights[data-ready=true]")).to_be_visible(timeout=READY_MILLISECONDS)
    yield page
    context.close()
    assert faults == [], faults


def _foreign(address: str, url: str) -> list[str]:
    return [] if url == address or url.startswith(("data:", "blob:")) else [url]


def answers(page: Page, drawings: list[list[list[int]]]) -> list[dict[str, Any]]:
    """Return the page's answers to drawings, as its pad gets them."""
    views: list[dict[str, Any]] = page.evaluate(
        "async (drawings) => Promise.all(drawings.map(digits.read))", drawings
    )
    return views


def image(view: dict[str, Any]) -> npt.NDArray[np.int64]:
    """Return the image of an answer: `(28, 28)`, 0 to 255."""
    return np.frombuffer(base64.b64decode(view["image"]), np.uint8).reshape(28, 28).astype(np.int64)


def drawings(count: int) -> list[list[list[int]]]:
    """Generate strokes as the pad sends them: digits and non-digits of all sizes and brushes."""
    rng = np.random.default_rng(0)
    labels = [*templates.DIGITS] * 3 + [*templates.OTHERS]
    return [_drawing(labels[i % len(labels)], rng) for i in range(count)]


def _drawing(label: str, rng: np.random.Generator) -> list[list[int]]:
    """Generate a character anywhere on the pad, sometimes beyond its edge."""
    size = rng.uniform(0.1, 0.9) ** 1.5 * PAD_HEIGHT
    corner = rng.uniform(-0.02, 1.02, 2) * (PAD_HEIGHT - size)
    brush = int(rng.choice([30, 46, 70])) if rng.random() < 0.5 else int(rng.integers(1, 120))
    return [
        [brush, *np.round(points * size / 100 + corner).astype(int).ravel().tolist()]
        for points in templates.write(label, rng)
    ]

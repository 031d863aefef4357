"""What a visitor does on the page and sees there, in a real Chromium."""

import re
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests import pen

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
QUESTION = "**/gradio_api/component_server/"
CONFIDENCES = (
    "() => [...document.querySelectorAll('#confidence [data-digit]')]"
    ".map((row) => Number(row.dataset.confidence))"
)

AGREES = """(digit) => {
  const text = document.querySelector('#prediction').textContent.trim()
  const rows = [...document.querySelectorAll('#confidence [data-digit]')]
  const values = rows.map((row) => Number(row.dataset.confidence))
  return new RegExp(`^${digit}(?![0-9])`).test(text) && values[digit] === Math.max(...values)
}"""


@contextmanager
def visiting(chromium, app, options):
    """Open the page; whatever it logs as an error or asks of another host fails the test."""
    context = chromium.new_context(**{"locale": "en-US"} | options)
    page = context.new_page()
    page.set_default_timeout(20_000)
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    page.on("request", lambda request: faults.extend(foreign(app, request.url)))
    page.goto(app.url)
    page.locator(".weights[data-ready=true]").wait_for()
    yield page
    context.close()
    assert faults == []


def foreign(app, url):
    return [] if url.startswith((app.url, "data:", "blob:")) else [url]


def pad_box(page):
    return page.locator("#sketchpad").bounding_box()


def on_pad(page, point):
    """Where a point of the unit square lies on the screen; the pad may be wider than high."""
    box = pad_box(page)
    return box["x"] + point[0] * box["height"], box["y"] + point[1] * box["height"]


def draw(page, digit, *, shift=0.0, lift=True):
    """Draw a digit with the mouse."""
    for path in pen.paths(digit):
        points = [on_pad(page, (x + shift, y)) for x, y in path]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        if lift:
            page.mouse.up()


def draw_with_finger(page, digit):
    """Draw a digit as a touch screen reports it."""
    session = page.context.new_cdp_session(page)

    def touch(kind, points):
        touches = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    for path in pen.paths(digit):
        points = [on_pad(page, point) for point in path]
        touch("touchStart", points[:1])
        for point in points[1:]:
            touch("touchMove", [point])
        touch("touchEnd", [])


def confidences(page):
    return page.evaluate(CONFIDENCES)


def prediction(page):
    return page.locator("#prediction").inner_text().strip()


def wait_for_digit(page, digit):
    """Wait until the answer begins with the digit and its bar is the longest."""
    page.wait_for_function(AGREES, arg=digit)
    values = confidences(page)
    assert len(values) == 10
    assert sum(values) == pytest.approx(1, abs=1e-3)


def wait_for_blank(page):
    expect(page.locator("#prediction")).to_have_text(re.compile("Draw a digit"))
    assert confidences(page) == [0] * 10


def ink_on_pad(page):
    """How many of the canvas' pixels are drawn on."""
    return page.evaluate(
        """() => {
          const canvas = document.querySelector('#sketchpad canvas')
          const { width, height } = canvas
          const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data
          return pixels.filter((value, i) => i % 4 === 3 && value > 128).length
        }"""
    )


def violations(page):
    """What axe-core finds, one line for each element."""
    return [
        f"{rule['impact']} {rule['id']}: {node['html'][:120]}"
        for rule in Axe().run(page).response["violations"]
        for node in rule["nodes"]
    ]

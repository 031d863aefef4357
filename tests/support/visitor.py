"""Actions of a visitor on the page, and what is shown there, in a real Chromium."""

import base64
import io
import re
import time
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from tests.support import pen

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
QUESTION = "**/v1/draw"
SERVER = "**/gradio_api/component_server/"
FILE_FIELD = "#upload input[type=file]"
STILL = {"reduced_motion": "reduce"}
"""Keeps axe from checking colors in the middle of a transition."""

PATIENCE_MILLISECONDS = 60_000
"""Longer than any machine needs; only a failing test waits this long."""

expect.set_options(timeout=PATIENCE_MILLISECONDS)

AGREES = """(digit) => {
  const text = document.querySelector('#prediction').textContent.trim()
  const rows = [...document.querySelectorAll('#confidence [data-digit]')]
  const values = rows.map((row) => Number(row.dataset.confidence))
  return new RegExp(`^${digit}(?![0-9])`).test(text) && values[digit] === Math.max(...values)
    && rows[digit].classList.contains('top')
}"""

_tabs = WeakKeyDictionary()


@contextmanager
def visiting(chromium, app, options):
    """Open the page; fail if it logs an error or sends a request to another host.

    A tab is kept for each kind of visitor; pages open in it three times as fast as in a new one.
    """
    tabs, kind = _tabs.setdefault(chromium, {}), (app.url, repr(options))
    page, faults = tabs.pop(kind, None) or _open_tab(chromium, app, options)
    forget(page, app)
    # The first visit's greeting would be in the way of most tests.
    page.evaluate("localStorage.setItem('digits:greeted', '1')")
    faults.clear()
    visit(page, app.url)
    yield page
    assert faults == [], faults
    page.unroute_all(behavior="ignoreErrors")
    page.goto("about:blank")
    tabs[kind] = page, faults


def _open_tab(chromium, app, options):
    """Return a new tab, and the list that collects its errors."""
    page = chromium.new_context(**{"locale": "en-US"} | options).new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.extend(errors(line)))
    page.on("request", lambda request: faults.extend(foreign(app, request.url)))
    return page, faults


def forget(page, app):
    """Clear the page's storage from another path; a page that is open may still write to it."""
    page.goto(f"{app.url}/v1/health")
    page.evaluate("() => { sessionStorage.clear(); localStorage.clear() }")


def visit(page, url):
    page.goto(url)
    page.locator(".weights[data-ready=true]").wait_for()


def reload(page):
    page.reload()
    page.locator(".weights[data-ready=true]").wait_for()


def errors(line):
    """Return what the page logs as an error, except for simulated failures."""
    simulated = re.search(r"net::ERR_INTERNET_DISCONNECTED|status of 503", line.text)
    return [line.text] if line.type == "error" and not simulated else []


def foreign(app, url):
    return [] if url.startswith((app.url, "data:", "blob:")) else [url]


def pad_box(page):
    return page.locator("#sketchpad").bounding_box()


def on_pad(page, point):
    """Map a point of the unit square to the screen; the pad may be wider than high."""
    box = pad_box(page)
    return box["x"] + point[0] * box["height"], box["y"] + point[1] * box["height"]


def draw(page, digit, *, shift=0.0, lift=True, step=100):
    """Draw a digit with the mouse along its vertices, or points at most `step` of 100 apart."""
    for path in pen.paths(digit, step):
        points = [on_pad(page, (x + shift, y)) for x, y in path]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        if lift:
            page.mouse.up()


def scribble(page, seconds):
    """Scribble on the pad for some seconds, without lifting the pen; return the time taken."""
    page.mouse.move(*on_pad(page, (0.1, 0.5)))
    page.mouse.down()
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        part = passed / seconds
        page.mouse.move(*on_pad(page, (0.1 + 0.8 * part, 0.5 + 0.3 * np.sin(20 * part))))
    return passed


def draw_with_finger(page, digit):
    """Draw a digit with touch events."""
    session = page.context.new_cdp_session(page)

    def touch(kind, points):
        touches = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    for path in pen.paths(digit, step=100):
        points = [on_pad(page, point) for point in path]
        touch("touchStart", points[:1])
        for point in points[1:]:
            touch("touchMove", [point])
        touch("touchEnd", [])


def confidences(page):
    rows = page.locator("#confidence [data-digit]")
    return rows.evaluate_all("(rows) => rows.map((row) => Number(row.dataset.confidence))")


def wait_for_digit(page, digit):
    """Wait until the answer starts with the digit and its bar is the longest."""
    page.wait_for_function(AGREES, arg=digit)
    values = confidences(page)
    assert len(values) == 10
    assert sum(values) == pytest.approx(1, abs=1e-3)


def draw_to_the_end(page, digit):
    """Draw a digit and wait for its final answer."""
    draw(page, digit)
    wait_for_words(page, f"^{digit}")


def wait_for_words(page, pattern):
    """Wait for an announcement, which follows an answer once the pen is lifted."""
    expect(page.locator(".announce")).to_have_text(re.compile(pattern))


def wait_for_blank(page):
    expect(page.locator("#prediction")).to_have_text(re.compile("Draw a digit"))
    assert confidences(page) == [0] * 10


def show_example(page, name):
    """Play an example and wait for its final answer."""
    page.locator(f"[data-example='{name}']").click()
    wait_for_words(page, f"^{name}")


def press(page, name):
    page.get_by_role("button", name=name).click()


def clear(page):
    press(page, "Clear")
    wait_for_blank(page)


def ink_on_pad(page):
    """Return the number of canvas pixels with ink."""
    return page.evaluate(
        """() => {
          const canvas = document.querySelector('#sketchpad canvas')
          const { width, height } = canvas
          const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data
          return pixels.filter((value, i) => i % 4 === 3 && value > 128).length
        }"""
    )


def pixels(page, selector):
    """Return the pixels of a canvas, `(H, W, 4)` int."""
    # One string arrives much faster than a list of numbers.
    height, text = page.locator(selector).evaluate(
        """(canvas) => {
          const { width, height } = canvas
          const { data } = canvas.getContext('2d').getImageData(0, 0, width, height)
          return [height, Array.from(data, (value) => String.fromCharCode(value)).join('')]
        }"""
    )
    return np.frombuffer(text.encode("latin-1"), np.uint8).reshape(height, -1, 4).astype(int)


def screenshot(part):
    """Return a screenshot of the page or of an element, `(H, W, 3)` int."""
    with Image.open(io.BytesIO(part.screenshot())) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def wait_for_same_image(page, *selectors):
    """Wait until two canvases show the same image."""
    page.wait_for_function(
        """(selectors) => {
          const [one, other] = selectors.map((name) => document.querySelector(name).toDataURL())
          return one === other
        }""",
        arg=selectors,
    )


def style(locator, name):
    return locator.evaluate("(node, name) => getComputedStyle(node)[name]", name)


def overflow(page):
    """Return by how many pixels the page is wider than the window."""
    width = page.evaluate("document.documentElement.scrollWidth")
    return width - page.viewport_size["width"]


def record(page, url):
    """Return a list that collects all further requests to a URL."""
    asked = []
    page.route(url, lambda route: (asked.append(route.request), route.continue_()))
    return asked


def cut_off(page, url):
    """Fail requests as if offline, until `page.unroute`."""
    page.route(url, lambda route: route.abort("internetdisconnected"))


def hold(page, url):
    """Hold requests to a URL.

    Returns:
        The list of held requests, and a function that releases them and all later ones.
    """
    held, let_go = [], []
    page.route(url, lambda route: route.continue_() if let_go else held.append(route))

    def release():
        let_go.append(True)
        for route in held:
            route.continue_()

    return held, release


def wait_until(page, done):
    """Process the page's events until a condition holds."""
    end = time.monotonic() + PATIENCE_MILLISECONDS / 1000
    while not done():
        assert time.monotonic() < end
        page.wait_for_timeout(10)


def settle(page):
    """Wait for two animation frames, until the page has processed all responses."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def open_upload(page):
    page.get_by_role("tab").nth(1).click()
    page.locator(FILE_FIELD).wait_for(state="attached")


def upload(page, folder, picture):
    """Choose a picture, as of `pen.sheet`, in the upload tab; it is saved in the folder."""
    open_upload(page)
    page.set_input_files(FILE_FIELD, pen.save(folder / "picture.png", picture))


def upload_digit(page, folder, digit):
    upload(page, folder, pen.sheet(digit))
    wait_for_digit(page, digit)


BLANK = base64.b64encode(bytes(28 * 28)).decode()


def digit_view(digit, confidences, score=None):
    """Return an answer as of `/v1/draw`; `digit` is None if there is no digit."""
    return {
        "kind": "digit",
        "digit": digit,
        "reason": "not a digit" if digit is None else None,
        "confidences": [confidences.get(one, 0) for one in range(10)],
        "score": score or max(confidences.values()),
        "others": 0,
        "model": "bundled",
        "image": BLANK,
    }


def violations(page):
    """Return the violations found by axe-core, one line per element."""
    return [
        f"{rule['impact']} {rule['id']}: {node['html'][:120]}"
        for rule in Axe().run(page).response["violations"]
        for node in rule["nodes"]
    ]

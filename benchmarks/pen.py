"""In Chromium: from lifting the pen to changed bars, and from the address to the first answer.

Both pages get the same strokes of the same mouse. The page notes the time of the event that lifted
the pen, as the system stamped it, and of every change of its bars.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from benchmarks.distance import at_a_distance
from benchmarks.figures import Figures, Row
from benchmarks.serving import Apps, BenchmarkError
from digits.drawing import PAD_HEIGHT
from digits.examples import digit_example

DELAY_MILLISECONDS: Final = 100
"""Of the network, there and back."""

SLOW_BYTES_A_SECOND: Final = 200_000
"""Of a slow network, which also has the delay."""

_SLOW: Final = {
    "offline": False,
    "latency": DELAY_MILLISECONDS,
    "downloadThroughput": SLOW_BYTES_A_SECOND,
    "uploadThroughput": SLOW_BYTES_A_SECOND,
}

_MOVE_SECONDS: Final = 0.016
_ANSWER_MILLISECONDS: Final = 10_000
_SETTLED_MILLISECONDS: Final = 250


@dataclass(frozen=True)
class PadPage:
    """What differs between the two pages.

    Attributes:
        bars: Selector of what stays in the page and holds the confidences.
        surface: Selector of what is drawn on.
        attribute: The bars' attribute that every answer sets, or None: then a change of the text
            of Gradio's Label counts as an answer, but none of the clock that it shows meanwhile.
        prepare: Makes the page ready for a stroke on an empty sheet.
    """

    bars: str
    surface: str
    attribute: str | None
    prepare: Callable[[Page], None]


def _ready(page: Page) -> None:
    page.locator(".weights[data-ready=true]").wait_for(timeout=60_000)
    page.keyboard.press("Delete")


def _open_inside(page: Page) -> None:
    _ready(page)
    if not page.locator(".inside[open]").count():
        page.locator(".inside > summary").click()


def _pick_brush(page: Page) -> None:
    """A blank Sketchpad draws nothing before a tool is picked, after every clearing anew."""
    clear = page.locator('#sketchpad button[aria-label="Clear canvas"]')
    if clear.count() and clear.is_enabled():
        clear.click()
    page.locator('#sketchpad button[aria-label="Brush"]').click(timeout=60_000)
    page.mouse.move(5, 5)  # off the tool's own pop-up


PAGES: Final = {
    "ours": PadPage("#confidence", "#sketchpad", "data-confidence", _ready),
    "inside": PadPage("#confidence", "#sketchpad", "data-confidence", _open_inside),
    "baseline": PadPage("#answer", "#sketchpad canvas", None, _pick_brush),
}

_PROBE: Final = """([selector, attribute]) => {
  window.lifted = 0
  window.changes = []
  addEventListener('pointerup', (event) => { window.lifted = event.timeStamp }, true)
  const bars = document.querySelector(selector)
  const parts = '[data-testid="label-output-value"], .confidence-set'
  const said = () => [...bars.querySelectorAll(parts)]
    .map((part) => part.textContent).join(' ')
  let before = said()
  const note = () => {
    if (!attribute && said() === before) return
    before = said()
    window.changes.push(performance.now())
  }
  const options = attribute
    ? { subtree: true, attributes: true, attributeFilter: [attribute] }
    : { subtree: true, childList: true, characterData: true }
  new MutationObserver(note).observe(bars, options)
}"""
_ANSWERED: Final = "window.lifted && window.changes.length && window.changes.at(-1) > window.lifted"

_SHIFT: Final = """() => new Promise((resolve) => {
  const unasked = (list) => list.getEntries().filter((entry) => !entry.hadRecentInput)
  const add = (list) => resolve(unasked(list).reduce((sum, entry) => sum + entry.value, 0))
  new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true })
  setTimeout(resolve, 1000, 0)
})"""


def strokes() -> Iterator[Sequence[int]]:
    """Give strokes of digits without end, half as many points as a mouse would; None ends a digit.

    Fewer points are in the baseline's favour: its Sketchpad takes long for each.
    """
    seed = 0
    while True:
        for digit in range(10):
            for brush, *points in digit_example(digit, seed):
                pairs = list(zip(points[::2], points[1::2], strict=True))
                kept = [*pairs[:-1:2], pairs[-1]]
                yield [brush, *(value for pair in kept for value in pair)]
            yield ()
        seed += 1


def draw_stroke(page: Page, surface: str, stroke: Sequence[int]) -> None:
    """Move the mouse along a stroke, at most one point a frame.

    Raises:
        BenchmarkError: If there is nothing to draw on.
    """
    box = page.locator(surface).first.bounding_box()
    if box is None:
        raise BenchmarkError(f"nothing to draw on: {surface} is not shown")
    side = min(box["width"], box["height"])
    left, top = box["x"] + (box["width"] - side) / 2, box["y"] + (box["height"] - side) / 2
    points = [
        (left + x * side / PAD_HEIGHT, top + y * side / PAD_HEIGHT)
        for x, y in zip(stroke[1::2], stroke[2::2], strict=True)
    ]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        time.sleep(_MOVE_SECONDS)
        page.mouse.move(*point)
    page.mouse.up()


def pen_up_milliseconds(
    page: Page, pad: PadPage, count: int, settled_milliseconds: int
) -> list[float]:
    """Measure strokes, from the pen's lifting to the last change of the bars after it.

    The first answer after it may be to a question that was under way; the last is to the whole
    stroke. A stroke that changes nothing that is shown, as rounded per cent may, is not counted.

    Raises:
        BenchmarkError: If most strokes change nothing.
    """
    waited: list[float] = []
    unchanged = 0
    pad.prepare(page)
    for stroke in strokes():
        if len(waited) == count:
            break
        if not stroke:
            pad.prepare(page)
            continue
        page.evaluate("window.changes = []; window.lifted = 0")
        draw_stroke(page, pad.surface, stroke)
        try:
            page.wait_for_function(_ANSWERED, timeout=_ANSWER_MILLISECONDS)
        except PlaywrightTimeout as error:
            unchanged += 1
            if unchanged > max(2, count // 2):
                raise BenchmarkError("the bars do not change after strokes") from error
            continue
        page.wait_for_timeout(settled_milliseconds)
        waited.append(float(page.evaluate("window.changes.at(-1) - window.lifted")))
    return waited


def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium without a window, or Playwright's own where there is none."""
    return playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
    )


@contextmanager
def opened(url: str, pad: PadPage, *, slow: bool = False) -> Iterator[Page]:
    """Open a page in a browser of its own, ready to be drawn on, and probe it."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            # Playwright waits by evaluating text, which the page without a server forbids.
            page = browser.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)
            if slow:
                page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", _SLOW)
            page.goto(url, timeout=120_000, wait_until="commit")
            pad.prepare(page)
            page.evaluate(_PROBE, [pad.bars, pad.attribute])
            yield page
        finally:
            browser.close()


def _milliseconds(url: str, name: str, count: int, warm_up: int, settled: int) -> Figures:
    pad = PAGES[name]
    with opened(url, pad) as page:
        pen_up_milliseconds(page, pad, warm_up, settled)
        return Figures.of(pen_up_milliseconds(page, pad, count, settled))


def _cold_loads(url: str, name: str, count: int) -> tuple[Figures, Figures]:
    """Measure seconds from the address to the first answer on a slow network, and layout shift."""
    pad, seconds, shifts = PAGES[name], [], []
    for _ in range(count):
        with opened(url, pad, slow=True) as page:
            draw_stroke(page, pad.surface, next(strokes()))
            page.wait_for_function(_ANSWERED, timeout=60_000)
            # The page's clock starts with the navigation.
            seconds.append(float(page.evaluate("window.changes.at(-1)")) / 1000)
            shifts.append(float(page.evaluate(_SHIFT)))
    return Figures.of(seconds), Figures.of(shifts)


def measure(apps: Apps, *, quick: bool) -> list[Row]:
    """Measure both pages, and ours through a slow network; strokes take seconds on the baseline."""
    count, distant, baselines, loads, warm_up = (2, 1, 1, 1, 0) if quick else (30, 15, 5, 3, 2)
    ours, other = apps.running(apps.ours), apps.running(apps.baseline)
    settled = _SETTLED_MILLISECONDS
    near = _milliseconds(ours.url, "ours", count, warm_up, settled)
    baseline = _milliseconds(other.url, "baseline", baselines, warm_up, settled)
    inside = _milliseconds(ours.url, "inside", count, warm_up, settled)
    cold, shift = _cold_loads(ours.url, "ours", loads)
    other_cold, other_shift = _cold_loads(other.url, "baseline", loads)
    network = f"{SLOW_BYTES_A_SECOND // 1000} kB/s and {DELAY_MILLISECONDS} ms of delay"
    with at_a_distance(ours.url, DELAY_MILLISECONDS / 2000) as url:
        settled += 2 * DELAY_MILLISECONDS
        far = _milliseconds(url, "ours", distant, warm_up, settled)
    return [
        Row("pen-up to changed bars", "ms", near, baseline),
        Row(f"pen-up to changed bars with {DELAY_MILLISECONDS} ms of network delay", "ms", far),
        Row('pen-up to changed bars with "Look inside" open', "ms", inside),
        Row(f"cold load to the first answer at {network}", "s", cold, other_cold),
        Row("layout shift until then", "score", shift, other_shift),
    ]

"""Latency in Chromium: from pen-up to changed bars, and from navigation to the first answer.

Both pages get the same mouse strokes. The page records the timestamp of the pointer-up event and
the time of every change of its bars.
"""

import dataclasses
import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from benchmarks.figures import Figures, Row
from benchmarks.serving import OURS, App, BenchmarkError, started
from digits.drawing import PAD_HEIGHT
from digits.examples import digit_example

DELAY_MILLISECONDS: Final = 100
"""Round-trip delay of the network."""

SLOW_BYTES_A_SECOND: Final = 200_000
"""Bandwidth of a slow network, which also has the delay."""

FAST: Final = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
DISTANT: Final = FAST | {"latency": DELAY_MILLISECONDS}
SLOW: Final = DISTANT | dict.fromkeys(
    ("downloadThroughput", "uploadThroughput"), SLOW_BYTES_A_SECOND
)

_MOVE_SECONDS: Final = 0.016
_ANSWER_MILLISECONDS: Final = 10_000
_SETTLED_MILLISECONDS: Final = 250 + 2 * DELAY_MILLISECONDS

Points = npt.NDArray[np.int64]
"""A stroke in pad units: `(N, 2)`, x and y."""


@dataclasses.dataclass(frozen=True)
class PadPage:
    """Differences between the two pages.

    Attributes:
        bars: Selector of the element with the confidences, which stays in the page.
        surface: Selector of the element that is drawn on.
        prepare: Clears the sheet and waits until the page is ready for a stroke.
    """

    bars: str
    surface: str
    prepare: Callable[[Page], None]


def _ready(page: Page) -> None:
    page.locator(".weights[data-ready=true]").wait_for(timeout=60_000)
    page.keyboard.press("Delete")


def _open_inside(page: Page) -> None:
    _ready(page)
    if not page.locator(".inside[open]").count():
        page.locator(".inside > summary").click()


def _pick_brush(page: Page) -> None:
    """Clear the Sketchpad and pick a tool, without which it draws nothing."""
    clear = page.locator('#sketchpad button[aria-label="Clear canvas"]')
    if clear.count() and clear.is_enabled():
        clear.click()
    page.locator('#sketchpad button[aria-label="Brush"]').click(timeout=60_000)
    page.mouse.move(5, 5)  # off the tool's pop-up


PAD: Final = PadPage("#confidence", "#sketchpad", _ready)
PAD_AND_INSIDE: Final = dataclasses.replace(PAD, prepare=_open_inside)
SKETCHPAD: Final = PadPage("#answer", "#sketchpad canvas", _pick_brush)

_PROBE: Final = """(selector) => {
  window.lifted = 0
  window.changes = []
  addEventListener('pointerup', (event) => { window.lifted = event.timeStamp }, true)
  const bars = document.querySelector(selector)
  const parts = '[data-testid="label-output-value"], .confidence-set'
  const said = () => [...bars.querySelectorAll(parts)]
    .map((part) => part.textContent).join(' ')
  let before = said()
  const note = (records) => {
    if (said() === before && !records.some((record) => record.type === 'attributes')) return
    before = said()
    window.changes.push(performance.now())
  }
  new MutationObserver(note).observe(bars, {
    subtree: true, childList: true, characterData: true, attributeFilter: ['data-confidence']
  })
}"""
"""Every answer sets the attribute of our bars or changes the text of Gradio's Label. The timer that
the Label shows while waiting is ignored."""

_ANSWERED: Final = "window.lifted && window.changes.length && window.changes.at(-1) > window.lifted"

_SHIFT: Final = """() => new Promise((resolve) => {
  const unasked = (list) => list.getEntries().filter((entry) => !entry.hadRecentInput)
  const add = (list) => resolve(unasked(list).reduce((sum, entry) => sum + entry.value, 0))
  new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true })
  setTimeout(resolve, 1000, 0)
})"""


def strokes(number: int) -> Iterator[Points]:
    """Yield the strokes of a digit, with half as many points as from a mouse.

    Fewer points favor the baseline, whose Sketchpad takes long for each.
    """
    for _, *values in digit_example(number % 10, number // 10):
        points = np.reshape(values, (-1, 2))
        yield np.vstack([points[:-1:2], points[-1:]])


def draw_stroke(page: Page, surface: str, stroke: Points) -> None:
    """Move the mouse along a stroke, at most one point per frame.

    Raises:
        BenchmarkError: If the surface is not shown.
    """
    box = page.locator(surface).first.bounding_box()
    if box is None:
        raise BenchmarkError(f"nothing to draw on: {surface} is not shown")
    side = min(box["width"], box["height"])
    left, top = box["x"] + (box["width"] - side) / 2, box["y"] + (box["height"] - side) / 2
    first, *others = (stroke * side / PAD_HEIGHT + (left, top)).tolist()
    page.mouse.move(*first)
    page.mouse.down()
    for point in others:
        time.sleep(_MOVE_SECONDS)
        page.mouse.move(*point)
    page.mouse.up()


def pen_up_milliseconds(page: Page, pad: PadPage) -> Iterator[float]:
    """Measure endless strokes, from pen-up to the last change of the bars.

    The first answer after pen-up may belong to an earlier request; the last is that to the whole
    stroke. Strokes without a visible change, for instance of rounded percentages, are not counted.

    Raises:
        BenchmarkError: If most strokes change nothing.
    """
    changed = unchanged = 0
    for number in itertools.count():
        pad.prepare(page)
        for stroke in strokes(number):
            page.evaluate("window.changes = []; window.lifted = 0")
            draw_stroke(page, pad.surface, stroke)
            try:
                page.wait_for_function(_ANSWERED, timeout=_ANSWER_MILLISECONDS)
            except PlaywrightTimeout as error:
                unchanged += 1
                if unchanged > max(2, changed):
                    raise BenchmarkError("the bars do not change after strokes") from error
                continue
            changed += 1
            page.wait_for_timeout(_SETTLED_MILLISECONDS)
            yield float(page.evaluate("window.changes.at(-1) - window.lifted"))


@contextmanager
def opened(url: str, pad: PadPage, network: dict[str, int] = FAST) -> Iterator[Page]:
    """Open a page in a new browser, ready to be drawn on, and install the probe."""
    with sync_playwright() as playwright:
        # The system's Chromium, or Playwright's own if there is none.
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            # Playwright waits by evaluating strings, which the CSP of the static page forbids.
            page = browser.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)
            page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", network)
            page.goto(url, timeout=120_000, wait_until="commit")
            pad.prepare(page)
            page.evaluate(_PROBE, pad.bars)
            yield page
        finally:
            browser.close()


def _milliseconds(
    url: str, pad: PadPage, count: int, warm_up: int, network: dict[str, int] = FAST
) -> Figures:
    with opened(url, pad, network) as page:
        return Figures.of(
            itertools.islice(pen_up_milliseconds(page, pad), warm_up, warm_up + count)
        )


def _cold_loads(url: str, pad: PadPage, count: int) -> tuple[Figures, Figures]:
    """Measure seconds from navigation to the first answer on a slow network, and layout shift."""
    seconds, shifts = [], []
    for _ in range(count):
        with opened(url, pad, SLOW) as page:
            draw_stroke(page, pad.surface, next(strokes(0)))
            page.wait_for_function(_ANSWERED, timeout=60_000)
            # The page's clock starts at navigation.
            seconds.append(float(page.evaluate("window.changes.at(-1)")) / 1000)
            shifts.append(float(page.evaluate(_SHIFT)))
    return Figures.of(seconds), Figures.of(shifts)


def measure(baseline: App, *, quick: bool) -> list[Row]:
    """Measure both pages, and ours with network delay; strokes take seconds on the baseline."""
    count, distant, baselines, loads, warm_up = (2, 1, 1, 1, 0) if quick else (30, 15, 5, 3, 2)
    with started(OURS) as server:
        near = _milliseconds(server.url, PAD, count, warm_up)
        inside = _milliseconds(server.url, PAD_AND_INSIDE, count, warm_up)
        far = _milliseconds(server.url, PAD, distant, warm_up, DISTANT)
        cold, shift = _cold_loads(server.url, PAD, loads)
    with started(baseline) as server:
        usual = _milliseconds(server.url, SKETCHPAD, baselines, warm_up)
        usual_cold, usual_shift = _cold_loads(server.url, SKETCHPAD, loads)
    network = f"{SLOW_BYTES_A_SECOND // 1000} kB/s and {DELAY_MILLISECONDS} ms of delay"
    return [
        Row("pen-up to changed bars", "ms", near, usual),
        Row(f"pen-up to changed bars with {DELAY_MILLISECONDS} ms of network delay", "ms", far),
        Row('pen-up to changed bars with "Look inside" open', "ms", inside),
        Row(f"cold load to the first answer at {network}", "s", cold, usual_cold),
        Row("layout shift until then", "score", shift, usual_shift),
    ]

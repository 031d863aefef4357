"""How fast the page is: `python -m benchmarks`.

Starts app.py as `make run` does and measures, in Chromium and over HTTP on the loopback:

- process start to the first page, and to the first answer;
- the pen's lifting to changed bars, over 40 strokes;
- bars' changes in a second while the pen is down;
- `/predict` by gradio_client, and answers a second of the drawing pad with 8 clients at once.

Run it on a quiet machine, from an environment whose bytecode is compiled
(`python -m compileall`).
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
from gradio_client import Client, handle_file  # type: ignore[import-untyped]
from playwright.sync_api import Page, sync_playwright

from digits.page.examples import digit_example
from digits.page.strokes import PAD_HEIGHT, draw, parse_strokes
from tests.browser import launch

ROOT = Path(__file__).parents[1]
STROKES = 40
DRAWING_SECONDS = 3.0
CLIENTS = 8
CALLS = 400

# Remembers when the pen was lifted and every moment at which a bar got another length. The
# pen's time is the event's own, from the system; reading the changes costs the page nothing.
PROBE = """() => {
  window.lifted = 0
  window.changes = []
  addEventListener('pointerup', (event) => { window.lifted = event.timeStamp }, true)
  const seen = new MutationObserver(() => window.changes.push(performance.now()))
  const options = { subtree: true, attributes: true, attributeFilter: ['data-confidence'] }
  seen.observe(document.querySelector('#confidence'), options)
}"""
ANSWERED = "window.changes.length && window.changes.at(-1) > window.lifted && window.lifted > 0"


class Server:
    """The started app.

    Attributes:
        url: Where it is served.
        first_page_seconds: From the start of the process.
        first_answer_seconds: The same, to the first digit that was read.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, started: float) -> None:
        """Wait for the first page and the first answer."""
        self.url = f"http://127.0.0.1:{port}"
        _wait(process, lambda: bool(self._get("/")))
        self.first_page_seconds = time.perf_counter() - started
        config = json.loads(self._get("/config"))
        [self._pad] = [
            component["id"]
            for component in config["components"]
            if "read_drawing" in component["props"].get("server_fns", [])
        ]
        _wait(process, lambda: self.ask(3) == 3)
        self.first_answer_seconds = time.perf_counter() - started

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=30) as response:  # noqa: S310
            content: bytes = response.read()
            return content

    def ask(self, digit: int) -> int | None:
        """Ask as the pad does; None while the network loads."""
        question = {
            "data": ["digit", digit_example(digit)],
            "component_id": self._pad,
            "fn_name": "read_drawing",
            "session_hash": "benchmark",
        }
        request = urllib.request.Request(  # noqa: S310
            self.url + "/gradio_api/component_server/",
            json.dumps(question).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            answer: int | None = json.loads(response.read()).get("digit")
            return answer


def _wait(process: subprocess.Popen[bytes], done: Callable[[], bool]) -> None:
    while process.poll() is None:
        try:
            if done():
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.01)
    raise SystemExit("error: app.py ended before it answered; start it alone to see why")


@contextmanager
def running() -> Iterator[Server]:
    """Start app.py on a free port with the bundled weights; end it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MODEL_")}
    environment |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    quiet, started = subprocess.DEVNULL, time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=quiet, stderr=quiet
    )
    try:
        yield Server(process, port, started)
    finally:
        process.terminate()
        process.wait()


def draw_stroke(page: Page, stroke: Sequence[int]) -> None:
    """Move the mouse along one stroke of an example."""
    box = page.locator("#sketchpad").bounding_box()
    if box is None:
        raise SystemExit("error: the page shows no drawing pad")
    scale = box["height"] / PAD_HEIGHT
    points = [
        (box["x"] + x * scale, box["y"] + y * scale)
        for x, y in zip(stroke[1::2], stroke[2::2], strict=True)
    ]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()


def pen_up_milliseconds(page: Page) -> list[float]:
    """Milliseconds from the pen's lifting to the last change of the bars, for each stroke."""
    waited: list[float] = []
    while len(waited) < STROKES:
        for stroke in digit_example(len(waited) % 10, seed=len(waited)):
            page.evaluate("window.changes = []; window.lifted = 0")
            draw_stroke(page, stroke)
            page.wait_for_function(ANSWERED)
            # The first answer may be to a question that was on its way when the pen was lifted;
            # the last one is to the whole stroke.
            page.wait_for_timeout(250)
            waited.append(float(page.evaluate("window.changes.at(-1) - window.lifted")))
        page.keyboard.press("Delete")
    return waited[:STROKES]


def changes_a_second(page: Page) -> float:
    """How often the bars change in a second in which the pen never rests."""
    box = page.locator("#sketchpad").bounding_box()
    if box is None:
        raise SystemExit("error: the page shows no drawing pad")
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.evaluate("window.changes = []")
    start = time.perf_counter()
    while (part := (time.perf_counter() - start) / DRAWING_SECONDS) < 1:
        row, along = divmod(part * 4, 1)
        side = along if row % 2 == 0 else 1 - along
        across = box["width"] - 80
        page.mouse.move(box["x"] + 40 + side * across, box["y"] + 40 + part * across)
    changes = page.evaluate("window.changes.length")
    page.mouse.up()
    page.keyboard.press("Delete")
    return float(changes) / DRAWING_SECONDS


def in_chromium(url: str) -> tuple[list[float], float]:
    """Measure the page: pen-up times, and changes a second while drawing."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.locator(".weights[data-ready=true]").wait_for()
        page.evaluate(PROBE)
        pen_up_milliseconds(page)  # once to warm up
        figures = pen_up_milliseconds(page), changes_a_second(page)
        browser.close()
        return figures


def by_client(url: str) -> list[float]:
    """Milliseconds of `/predict` by gradio_client, for each of 20 calls."""
    client = Client(url, verbose=False)
    waited = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digit.png"
        cv2.imwrite(str(path), draw(parse_strokes(digit_example(7))))
        for _ in range(22):
            start = time.perf_counter()
            client.predict(handle_file(path), api_name="/predict")
            waited.append(1000 * (time.perf_counter() - start))
    return waited[2:]


def answers_a_second(server: Server) -> float:
    """How many questions of pads are answered in a second, with several clients at once."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(server.ask, [i % 10 for i in range(CLIENTS * 4)]))
        start = time.perf_counter()
        list(pool.map(server.ask, [i % 10 for i in range(CALLS)]))
        return CALLS / (time.perf_counter() - start)


def median_and_95th(values: Sequence[float]) -> str:
    """Say the median and the 95th percentile."""
    return f"{statistics.median(values):8.1f}{statistics.quantiles(values, n=20)[18]:12.1f}"


def main() -> None:
    """Measure and print the table."""
    argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()  # fmt: skip
    load = os.getloadavg()[0]
    with running() as server:
        pen_up, live = in_chromium(server.url)
        client, rate = by_client(server.url), answers_a_second(server)
    lines = [
        f"{os.cpu_count()} cores, load {load:.1f} before the start",
        "",
        f"{'':44}{'median':>8}{'95th':>12}",
        f"{'pen-up to changed bars, ms':44}{median_and_95th(pen_up)}",
        f"{'/predict by gradio_client, ms':44}{median_and_95th(client)}",
        f"{'process start to first page, s':44}{server.first_page_seconds:8.1f}",
        f"{'process start to first answer, s':44}{server.first_answer_seconds:8.1f}",
        f"{'changes of the bars a second while drawing':44}{live:8.1f}",
        f"{f'pad answers a second, {CLIENTS} clients':44}{rate:8.1f}",
    ]
    print("\n".join(lines))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    main()

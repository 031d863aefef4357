"""What an answer costs by the page's pad, by `/v1/predict` and by `gradio_client`, and in a crowd.

Both apps answer one client in turn, round by round, so that a machine that slows down slows both.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from gradio_client import Client, handle_file  # type: ignore[import-untyped]

from benchmarks.calls import Caller, Crowd, Pictures
from benchmarks.figures import Figures, Row
from benchmarks.serving import Apps, Server
from digits.examples import digit_example

DRAWING_COST: Final = "the page's live path, processor time of an answer"
VISITORS: Final = 64
PICTURE_COST: Final = "`/v1/predict`, processor time of an answer"


class Cost:
    """Milliseconds of answers, by the clock and of the server's processor time."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._waited: list[float] = []
        self._cpu: list[float] = []

    def add(self, server: Server, ask: Callable[[int], object], count: int) -> None:
        """Ask one after the other; the first answer does not count."""
        ask(0)
        before = server.cpu_seconds()
        for number in range(count):
            start = time.perf_counter()
            ask(number)
            self._waited.append(1000 * (time.perf_counter() - start))
        self._cpu.append(1000 * (server.cpu_seconds() - before) / count)

    @property
    def waited(self) -> Figures:
        """Of each answer."""
        return Figures.of(self._waited)

    @property
    def cpu(self) -> Figures:
        """Of an answer, on average over each round."""
        return Figures.of(self._cpu)


def measure(apps: Apps, *, quick: bool) -> list[Row]:
    """Measure both apps."""
    rounds, drawings, uploads = (1, 50, 20) if quick else (5, 200, 50)
    baselines, clients = (1, 1) if quick else (20, 5)
    ours, other = apps.running(apps.ours), apps.running(apps.baseline)
    pictures = Pictures()
    drawing, picture, baseline = Cost(), Cost(), Cost()
    for _ in range(rounds):
        # Connected anew: a server hangs up on clients that are quiet for five seconds.
        with Caller(ours) as caller, Caller(other) as other_caller:
            drawing.add(ours, lambda i: caller.draw(digit_example(i % 10, i)), drawings)
            picture.add(ours, lambda _: caller.read(pictures.next()), uploads)
            baseline.add(other, lambda _: other_caller.read(pictures.next()), baselines)
    client = {
        server.app.name: _by_client(server, pictures.next(), rounds * clients)
        for server in (ours, other)
    }
    return [
        Row(DRAWING_COST, "ms", drawing.cpu, baseline.cpu),
        Row("the page's live path, one core", "answers a second", _rate(drawing.cpu),
            _rate(baseline.cpu), more_is_better=True),
        Row("the page's live path, one client", "ms", drawing.waited, baseline.waited),
        Row(PICTURE_COST, "ms", picture.cpu, baseline.cpu),
        Row("`/v1/predict`, one client", "ms", picture.waited, baseline.waited),
        Row("`/predict` by gradio_client", "ms", client["ours"], client["baseline"]),
    ]  # fmt: skip


def _rate(cpu: Figures) -> Figures:
    """Return how many answers use up a second of processor time."""
    return Figures(1000 / cpu.median)


def _by_client(server: Server, content: bytes, count: int) -> Figures:
    """Time `gradio_client`, which uploads the picture first."""
    client, cost = Client(server.url, verbose=False), Cost()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digit.png"
        path.write_bytes(content)
        question = server.app.question(handle_file(path))
        cost.add(server, lambda _: client.predict(question, api_name="/predict"), count)
    client.close()
    return cost.waited


def measure_crowd(apps: Apps, *, quick: bool) -> list[Row]:
    """Measure both apps, one after the other, with many visitors who draw at once."""
    total, baseline_total = (VISITORS, 1) if quick else (4000, 128)
    ours, other = apps.running(apps.ours), apps.running(apps.baseline)
    pictures = Pictures()
    with Crowd(ours, VISITORS) as crowd:
        asks = [
            lambda i, caller=caller: caller.draw(digit_example(i % 10, i))
            for caller in crowd.callers
        ]
        found = _served(ours, crowd, asks, total)
    with Crowd(other, VISITORS) as crowd:
        asks = [lambda _, caller=caller: caller.read(pictures.next()) for caller in crowd.callers]
        baseline = _served(other, crowd, asks, baseline_total)
    what = f"{VISITORS} visitors drawing at once"
    return [
        Row(what, "answers a second", found[0], baseline[0], more_is_better=True),
        Row(f"{what}, one answer", "ms", found[1], baseline[1]),
        Row(f"{what}, processor time of an answer", "ms", found[2], baseline[2]),
    ]


def _served(
    server: Server, crowd: Crowd, asks: Sequence[Callable[[int], object]], total: int
) -> tuple[Figures, Figures, Figures]:
    """Return answers a second, milliseconds of waiting and of processor time."""
    asks[0](0)
    before = server.cpu_seconds()
    crowd.work(asks, total)
    cpu = 1000 * (server.cpu_seconds() - before) / total
    return Figures(total / crowd.seconds), Figures.of(crowd.milliseconds), Figures(cpu)

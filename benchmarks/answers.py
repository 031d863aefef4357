"""Cost of an answer by the page's pad, `/v1/predict` and `gradio_client`, alone and under load.

Both apps answer one client in alternating rounds, so that a machine that slows down slows both.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from gradio_client import Client, handle_file  # type: ignore[import-untyped]

from benchmarks.calls import Caller, as_new_file, picture
from benchmarks.figures import Figures, Row
from benchmarks.serving import OURS, App, Server, started
from digits.examples import digit_example

DRAWING_COST: Final = "the page's live path, processor time of an answer"
VISITORS: Final = 64
PICTURE_COST: Final = "`/v1/predict`, processor time of an answer"


class Round(NamedTuple):
    """Cost of a number of answers.

    Attributes:
        rate: Answers per second.
        cpu: The server's mean processor time per answer, in milliseconds.
        waited: Wall-clock time of each answer, in milliseconds.
    """

    rate: float
    cpu: float
    waited: list[float]


def ask_round(server: Server, ask: Callable[[int], object], count: int, clients: int = 1) -> Round:
    """Send requests as fast as they are answered, after one request of warm-up."""

    def milliseconds(number: int) -> float:
        start = time.perf_counter()
        ask(number)
        return 1000 * (time.perf_counter() - start)

    ask(0)
    cpu, start = server.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        waited = list(pool.map(milliseconds, range(count)))
    seconds, cpu = time.perf_counter() - start, server.cpu_seconds() - cpu
    return Round(count / seconds, 1000 * cpu / count, waited)


def _draws(caller: Caller) -> Callable[[int], object]:
    return lambda number: caller.draw(digit_example(number % 10, number))


def _reads(caller: Caller) -> Callable[[int], object]:
    return lambda number: caller.read(as_new_file(picture(number % 10)))


def measure(baseline: App, *, quick: bool) -> list[Row]:
    """Measure both apps with one client."""
    rounds, drawings, uploads = (1, 50, 20) if quick else (5, 200, 50)
    baselines, clients = (1, 1) if quick else (20, 5)
    costs, waits = (defaultdict[str, list[float]](list) for _ in range(2))
    with started(OURS) as ours, started(baseline) as other:
        questions = [
            ("draw", ours, _draws(Caller(ours)), drawings),
            ("read", ours, _reads(Caller(ours)), uploads),
            ("usual", other, _reads(Caller(other)), baselines),
        ]
        for _ in range(rounds):
            for name, server, ask, count in questions:
                found = ask_round(server, ask, count)
                costs[name].append(found.cpu)
                waits[name] += found.waited
        by_client = [_by_client(server, rounds * clients) for server in (ours, other)]
    cpu = {name: Figures.of(values) for name, values in costs.items()}
    waited = {name: Figures.of(values) for name, values in waits.items()}
    # Answers per second of processor time.
    rate = {name: Figures(1000 / figures.median) for name, figures in cpu.items()}
    return [
        Row(DRAWING_COST, "ms", cpu["draw"], cpu["usual"]),
        Row("the page's live path, one core", "answers a second", rate["draw"], rate["usual"],
            more_is_better=True),
        Row("the page's live path, one client", "ms", waited["draw"], waited["usual"]),
        Row(PICTURE_COST, "ms", cpu["read"], cpu["usual"]),
        Row("`/v1/predict`, one client", "ms", waited["read"], waited["usual"]),
        Row("`/predict` by gradio_client", "ms", *by_client),
    ]  # fmt: skip


def _by_client(server: Server, count: int) -> Figures:
    """Time `gradio_client`, which uploads the picture first."""
    client = Client(server.url, verbose=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digit.png"
        path.write_bytes(picture(7))
        question = server.app.question(handle_file(path))
        found = ask_round(server, lambda _: client.predict(question, api_name="/predict"), count)
    client.close()
    return Figures.of(found.waited)


def measure_crowd(baseline: App, *, quick: bool) -> list[Row]:
    """Measure both apps, one after the other, with many visitors drawing at once."""
    counts = (VISITORS, 1) if quick else (4000, 128)
    with started(OURS) as ours, started(baseline) as other:
        found = [
            ask_round(ours, _draws(Caller(ours, VISITORS)), counts[0], VISITORS),
            ask_round(other, _reads(Caller(other, VISITORS)), counts[1], VISITORS),
        ]
    what = f"{VISITORS} visitors drawing at once"
    rates = [Figures(each.rate) for each in found]
    waited = [Figures.of(each.waited) for each in found]
    cpu = [Figures(each.cpu) for each in found]
    return [
        Row(what, "answers a second", *rates, more_is_better=True),
        Row(f"{what}, one answer", "ms", *waited),
        Row(f"{what}, processor time of an answer", "ms", *cpu),
    ]

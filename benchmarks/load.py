"""Many visitors who draw at once: answers a second, how long each waits, and what it costs."""

from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.calls import Crowd, Pictures
from benchmarks.figures import Figures, Row
from benchmarks.serving import Apps, Server
from digits.examples import digit_example

VISITORS: Final = 64


def measure(apps: Apps, *, quick: bool) -> list[Row]:
    """Measure both apps, one after the other."""
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

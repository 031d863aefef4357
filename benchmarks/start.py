"""From the start of the process to the first page, and to the first answer of `/predict`."""

import time
from dataclasses import dataclass
from typing import Final

from benchmarks.calls import Caller, picture
from benchmarks.figures import Figures, Row
from benchmarks.serving import Apps


@dataclass(frozen=True)
class Counts:
    """How much is measured.

    Attributes:
        starts: Of each app.
    """

    starts: int = 3


QUICK: Final = Counts(starts=1)


def measure(apps: Apps, counts: Counts) -> list[Row]:
    """Start both apps in turn, several times."""
    page: dict[str, list[float]] = {}
    answer: dict[str, list[float]] = {}
    for _ in range(counts.starts):
        for app in apps.both:
            server = apps.anew(app)
            page.setdefault(app.name, []).append(time.perf_counter() - server.started)
            with Caller(server) as caller:
                caller.upload_and_predict(picture(7))
            answer.setdefault(app.name, []).append(time.perf_counter() - server.started)
    return [
        _row("process start to first page", page),
        _row("process start to first answer", answer),
    ]


def _row(what: str, seconds: dict[str, list[float]]) -> Row:
    figures = {name: Figures.of(values) for name, values in seconds.items()}
    return Row(what, "s", figures["ours"], figures["baseline"])

"""From the start of the process to the first page and to the first answer, and the memory then."""

import time
from collections import defaultdict
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
    page, answer, memory = (defaultdict[str, list[float]](list) for _ in range(3))
    for _ in range(counts.starts):
        for app in (apps.ours, apps.baseline):
            server = apps.anew(app)
            page[app.name].append(time.perf_counter() - server.started)
            with Caller(server) as caller:
                caller.read(picture(7))
            answer[app.name].append(time.perf_counter() - server.started)
            memory[app.name].append(server.resident_megabytes())
    return [
        _row("process start to first page", "s", page),
        _row("process start to first answer", "s", answer),
        _row("memory after the first answer", "MB", memory),
    ]


def _row(what: str, unit: str, values: dict[str, list[float]]) -> Row:
    return Row(what, unit, Figures.of(values["ours"]), Figures.of(values["baseline"]))

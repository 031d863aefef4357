"""Many clients at once: answers a second, their processor time, and what stays behind."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.calls import Crowd, Pictures
from benchmarks.figures import Figures, Row, once
from benchmarks.serving import Apps, BenchmarkError, Server

CLIENTS: Final = 16


@dataclass(frozen=True)
class Counts:
    """How much is measured.

    Attributes:
        first: Answers of `/predict` after which memory is measured first.
        live: Answers of our pad after these.
        more: Answers of `/predict` and then of the pad, half and half, after which memory is
            measured again.
        anew: Whether the apps are started anew, so that memory is that after these answers alone.
    """

    first: int = 1000
    live: int = 3000
    more: int = 6000
    anew: bool = True

    @property
    def total(self) -> int:
        """All answers of our app."""
        return self.first + self.live + self.more


QUICK: Final = Counts(first=16, live=16, more=4, anew=False)


@dataclass(frozen=True)
class Served:
    """What one round of questions took.

    Attributes:
        rate: Answers a second.
        waits: Milliseconds for one answer.
        cpu: Milliseconds of the server's processor time for one answer.
    """

    rate: Figures
    waits: Figures
    cpu: Figures


@dataclass(frozen=True)
class Kept:
    """What answers leave behind.

    Attributes:
        memory: Resident, in 10^6 bytes.
        uploads: Of Gradio's folder of uploaded files, in 10^6 bytes.
    """

    memory: Figures
    uploads: Figures


class Load:
    """Asks one server, and measures it.

    Attributes:
        server: Which.
    """

    def __init__(self, server: Server, crowd: Crowd) -> None:
        """Take the server and its clients; nothing is asked yet."""
        self.server = server
        self._crowd = crowd
        self._pictures = Pictures()

    def warm_up(self) -> None:
        """Wait for the first answer."""
        self._crowd.callers[0].upload_and_predict(self._pictures.next())

    def predict(self, total: int) -> Served:
        """Ask `/predict`, with a picture of its own each time."""
        asks = [
            lambda _, caller=caller: caller.upload_and_predict(self._pictures.next())
            for caller in self._crowd.callers
        ]
        return self._served(asks, total)

    def pad(self, total: int) -> Served:
        """Ask as our pad does."""
        return self._served([caller.pad() for caller in self._crowd.callers], total)

    def _served(self, asks: list, total: int) -> Served:  # type: ignore[type-arg]
        before = self.server.cpu_seconds()
        self._crowd.work(asks, total)
        if self._crowd.errors:
            count, first = len(self._crowd.errors), self._crowd.errors[0]
            raise BenchmarkError(f"{count} of {total} answers were errors: {first}")
        cpu = 1000 * (self.server.cpu_seconds() - before) / total
        waits = Figures.of(self._crowd.milliseconds)
        return Served(once(total / self._crowd.seconds), waits, once(cpu))

    def kept(self) -> Kept:
        """Look at what the server holds now."""
        size = 0
        for folder, _, names in os.walk(self.server.uploads):
            for name in names:
                with suppress(FileNotFoundError):  # the app deletes while we look
                    size += (Path(folder) / name).stat().st_size
        return Kept(once(self.server.resident_megabytes()), once(size / 1e6))


LIVE_COST: Final = "the page's live path, processor time of an answer"
PREDICT_COST: Final = "`/predict`, processor time of an answer"


def measure(apps: Apps, counts: Counts) -> list[Row]:
    """Measure both apps, one after the other."""
    predict: dict[str, Served] = {}
    after: dict[str, Kept] = {}
    for app in apps.both:
        server = apps.anew(app) if counts.anew else apps.running(app)
        with Crowd(server, CLIENTS) as crowd:
            load = Load(server, crowd)
            load.warm_up()
            predict[app.name] = load.predict(counts.first)
            after[app.name] = load.kept()
            if app is apps.ours:
                live = load.pad(counts.live)
                load.predict(counts.more // 2)
                load.pad(counts.more - counts.more // 2)
                last = load.kept()
    ours, other = predict["ours"], predict["baseline"]
    kept, other_kept = after["ours"], after["baseline"]
    all_at_once = f"{CLIENTS} clients at once"
    return [
        Row(f"`/predict`, {all_at_once}", "answers a second", ours.rate, other.rate,
            more_is_better=True),
        Row(f"`/predict`, {all_at_once}, one answer", "ms", ours.waits, other.waits),
        Row(PREDICT_COST, "ms", ours.cpu, other.cpu),
        Row(f"the page's live path, {all_at_once}", "answers a second", live.rate,
            more_is_better=True),
        Row(f"the page's live path, {all_at_once}, one answer", "ms", live.waits),
        Row(LIVE_COST, "ms", live.cpu),
        Row(f"memory after {counts.first:,} answers", "MB", kept.memory,
            other_kept.memory),
        Row(f"memory after {counts.total:,} answers", "MB", last.memory),
        Row(f"uploaded files kept after {counts.first:,} answers", "MB", kept.uploads,
            other_kept.uploads),
        Row(f"uploaded files kept after {counts.total:,} answers", "MB", last.uploads),
    ]  # fmt: skip

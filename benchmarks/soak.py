"""Many visitors for a long time: `python -m benchmarks.soak --clients 64 --minutes 2 FOLDER`.

Starts app.py, lets visitors ask good, bad and huge questions at once, and says whether an answer
was wrong, lost or another visitor's, what memory the app took, and how soon it was calm again.
Leaves `soak.json` and the plot `soak.png` in the folder; ends with an error if an answer was wrong
or lost.

`python -m benchmarks.soak --pictures 10000` sends that many different pictures instead, of all
kinds and sizes, and prints the app's memory every 500.
"""

import argparse
import itertools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks import memory
from benchmarks.figures import machine
from benchmarks.serving import OURS, BenchmarkError, Server, started
from benchmarks.visitors import Outcome, Visitor, same_hand
from training import console

SAMPLE_SECONDS: Final = 1.0
CALM_FACTOR: Final = 3.0
"""Calm is an answer that takes no longer than so many usual ones, several times in a row."""

CALM_ANSWERS: Final = 5
CALM_LIMIT_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Plan:
    """Who asks for how long; each client pauses so long between two questions, on average."""

    clients: int
    seconds: float
    pause_seconds: float = 0.0


@dataclass
class Memory:
    """Resident memory of the app in 10^6 bytes, by minutes since the start."""

    minutes: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """What came out.

    Attributes:
        outcomes: Questions by kind and by how they ended.
        ended: When each question was answered, in minutes since the first.
        before: Memory before the first question, in 10^6 bytes.
        after: Memory once it was calm again.
        calm_seconds: From the last question of the crowd until one client is answered as before;
            None if that took more than `CALM_LIMIT_SECONDS`.
    """

    outcomes: dict[str, Counter[str]]
    seconds: dict[str, list[float]]
    ended: list[float]
    memory: Memory
    before: float
    after: float
    calm_seconds: float | None

    def count(self, outcome: Outcome) -> int:
        """Count the questions that ended so."""
        return sum(counts[outcome] for counts in self.outcomes.values())

    @property
    def faults(self) -> int:
        """Answers that were wrong or never came."""
        return self.count(Outcome.WRONG) + self.count(Outcome.LOST)

    def as_json(self) -> dict[str, Any]:
        """Sum up in numbers."""
        every = [value for values in self.seconds.values() for value in values]
        return {
            "questions": len(every),
            "outcomes": {outcome.value: self.count(outcome) for outcome in Outcome},
            "by_kind": {kind: dict(counts) for kind, counts in self.outcomes.items()},
            "seconds": {
                kind: {
                    "median": round(float(np.median(values)), 3),
                    "p95": round(float(np.percentile(values, 95)), 3),
                    "longest": round(max(values), 3),
                }
                for kind, values in self.seconds.items()
            },
            "megabytes": {
                "before": round(self.before),
                "peak": round(max(self.memory.megabytes)),
                "after": round(self.after),
            },
            "calm_after_seconds": self.calm_seconds and round(self.calm_seconds, 1),
        }


def soak(server: Server, plan: Plan) -> Report:
    """Let visitors ask one server.

    Raises:
        BenchmarkError: If a visitor's digit is misread while nobody else asks, or if two visitors
            could not be told apart.
    """
    visitors = [Visitor(server, number) for number in range(plan.clients)]
    usual = _learn(visitors)
    before = server.resident_megabytes()
    outcomes: dict[str, Counter[str]] = {}
    seconds: dict[str, list[float]] = {}
    ended: list[float] = []
    lock = threading.Lock()
    start = time.monotonic()
    end = start + plan.seconds

    def visit(visitor: Visitor) -> None:
        pauses = np.random.default_rng(visitor.number)
        while time.monotonic() < end:
            kind, outcome, taken = visitor.ask()
            with lock:
                outcomes.setdefault(kind, Counter())[outcome] += 1
                seconds.setdefault(kind, []).append(taken)
                ended.append((time.monotonic() - start) / 60)
            if plan.pause_seconds or outcome is Outcome.BUSY:
                time.sleep(float(pauses.exponential(plan.pause_seconds or 1.0)))

    with _watched(server) as memory:
        with ThreadPoolExecutor(plan.clients) as pool:
            list(pool.map(visit, visitors))
        calm = _calm_seconds(visitors[0], usual)
    after = server.resident_megabytes()
    return Report(outcomes, seconds, ended, memory, before, after, calm)


def _learn(visitors: Sequence[Visitor]) -> float:
    """Let each ask alone; return the seconds that a picture usually takes."""
    hands, times = [], []
    for visitor in visitors:
        start = time.perf_counter()
        hands.append(visitor.learn())
        times.append((time.perf_counter() - start) / 2)
        visitor.hang_up()
    if any(same_hand(one, other) for one, other in itertools.combinations(hands, 2)):
        raise BenchmarkError("two visitors have answers that cannot be told apart")
    return float(np.median(times))


def _calm_seconds(visitor: Visitor, usual: float) -> float | None:
    start, calm = time.perf_counter(), 0
    while calm < CALM_ANSWERS:
        asked = time.perf_counter()
        if visitor.picture() is not Outcome.RIGHT:
            raise BenchmarkError("after the crowd an answer is wrong")
        calm = calm + 1 if time.perf_counter() - asked < CALM_FACTOR * usual else 0
        if time.perf_counter() - start > CALM_LIMIT_SECONDS:
            return None
    visitor.hang_up()
    return time.perf_counter() - start


@contextmanager
def _watched(server: Server) -> Iterator[Memory]:
    """Note the app's memory, in the background."""
    memory, stop = Memory(), threading.Event()
    start = time.monotonic()

    def watch() -> None:
        while True:
            memory.minutes.append((time.monotonic() - start) / 60)
            memory.megabytes.append(server.resident_megabytes())
            if stop.wait(SAMPLE_SECONDS):
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()


def plot(report: Report, path: Path) -> None:
    """Draw the memory, and how many questions were answered, over time."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - of training; the test needs no plot

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(report.memory.minutes, report.memory.megabytes, linewidth=1)
    axes.set(xlabel="minutes", ylabel="resident memory, MB", ylim=(0, None), xlim=(0, None))
    questions = sum(sum(counts.values()) for counts in report.outcomes.values())
    axes.set_title(f"{questions:,} questions, {report.faults} wrong or lost")
    axes.grid(visible=True, alpha=0.3)
    rate = axes.twinx()
    minutes = [float(minute) for minute in range(int(max(report.ended)) + 2)]
    rate.hist(report.ended, minutes, color="tab:orange", alpha=0.3)
    rate.set_ylabel("answers in a minute")
    figure.savefig(path, dpi=120)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = console.parser("benchmarks.soak", __doc__)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("folder", type=Path, nargs="?", help="gets soak.json and soak.png")
    kind.add_argument("--pictures", type=int, metavar="N", help="watch memory over N pictures")
    parser.add_argument("--clients", type=int, default=8, help="visitors at once")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument(
        "--pause", type=float, default=0.0, help="seconds between two questions of a visitor"
    )
    return parser.parse_args()


def print_growth(pictures: int) -> None:
    """Print the app's memory every 500 pictures, then how far the later figures lie apart."""
    stops = (*range(500, pictures, 500), pictures)
    found = {}
    with started(OURS) as server:
        for count, found[count] in memory.growth(server, stops):
            sys.stdout.write(f"{count:>7,} pictures: {found[count]:.0f} MB\n")
            sys.stdout.flush()
    early = 2_000 if 2_000 in found else stops[0]
    sys.stdout.write(
        f"after {early:,} / after {pictures:,}: {found[early]:.0f} / {found[pictures]:.0f} MB\n"
    )


def main() -> None:
    """Start the app, soak it, write down what came out."""
    arguments = parse_arguments()
    if arguments.pictures:
        print_growth(arguments.pictures)
        return
    plan = Plan(arguments.clients, 60 * arguments.minutes, arguments.pause)
    with started(OURS) as server:
        report = soak(server, plan)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    asked = {"clients": plan.clients, "minutes": arguments.minutes, "pause": plan.pause_seconds}
    content = {"machine": machine(), "plan": asked, **report.as_json()}
    (arguments.folder / "soak.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    plot(report, arguments.folder / "soak.png")
    sys.stdout.write(json.dumps(content, indent=1) + "\n")
    if report.faults:
        raise BenchmarkError(f"{report.faults} answers were wrong or lost")


if __name__ == "__main__":
    console.run(main)

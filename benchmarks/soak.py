"""Soak test with many visitors: `python -m benchmarks.soak --clients 64 --minutes 2 FOLDER`.

Starts app.py, sends valid, invalid and huge requests concurrently, and reports answers that were
wrong, lost or another visitor's, the app's memory, and its time to recover. Writes `soak.json` and
the plot `soak.png` to the folder; fails if an answer was wrong or lost.

`python -m benchmarks.soak --pictures 10000` sends that many different pictures instead, of all
kinds and sizes, and prints the app's memory every 500.
"""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from benchmarks import memory
from benchmarks.figures import machine
from benchmarks.serving import OURS, BenchmarkError, Server, started
from benchmarks.visitors import Outcome, Question, Visitor
from training import console

SAMPLE_SECONDS: Final = 1.0
CALM_FACTOR: Final = 3.0
"""The app is calm again when several answers in a row take less than this times the usual."""

CALM_ANSWERS: Final = 5
CALM_LIMIT_SECONDS: Final = 120.0


class Report(NamedTuple):
    """Results of a soak test.

    Attributes:
        questions: All questions, in the order in which they ended.
        memory: Samples of the time in `time.perf_counter` seconds and of the app's resident memory
            in 10^6 bytes, from before the first question until it was calm again.
        calm_seconds: Time from the crowd's last question until the app was calm again; None if
            that took more than `CALM_LIMIT_SECONDS`.
    """

    questions: list[Question]
    memory: list[tuple[float, float]]
    calm_seconds: float | None

    @property
    def faults(self) -> int:
        """Number of wrong or lost answers."""
        return sum(each.outcome in {Outcome.WRONG, Outcome.LOST} for each in self.questions)

    def as_json(self) -> dict[str, Any]:
        """Summarize in the form of `soak.json`."""
        outcomes = Counter(each.outcome for each in self.questions)
        by_kind = defaultdict[str, Counter[str]](Counter)
        seconds = defaultdict[str, list[float]](list)
        for each in self.questions:
            by_kind[each.kind][each.outcome.value] += 1
            seconds[each.kind].append(each.seconds)
        megabytes = [megabytes for _, megabytes in self.memory]
        return {
            "questions": len(self.questions),
            "outcomes": {outcome.value: outcomes[outcome] for outcome in Outcome},
            "by_kind": by_kind,
            "seconds": {kind: _spread(values) for kind, values in seconds.items()},
            "megabytes": {
                "before": round(megabytes[0]),
                "peak": round(max(megabytes)),
                "after": round(megabytes[-1]),
            },
            "calm_after_seconds": self.calm_seconds and round(self.calm_seconds, 1),
        }


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    found = np.percentile(seconds, (50, 95, 100)).round(3).tolist()
    return dict(zip(("median", "p95", "longest"), found, strict=True))


def soak(server: Server, clients: int, seconds: float) -> Report:
    """Send visitors to a server.

    Raises:
        BenchmarkError: If a visitor's digit is misread before the crowd starts, or two visitors
            get the same answer.
    """
    visitors = [Visitor(server, number) for number in range(clients)]
    usual = _learn(visitors)
    questions: list[Question] = []
    held: list[tuple[float, float]] = []
    stop = threading.Event()
    end = time.perf_counter() + seconds

    def visit(visitor: Visitor) -> None:
        pauses = np.random.default_rng(visitor.number)
        while time.perf_counter() < end:
            questions.append(question := visitor.ask())
            if question.outcome is Outcome.BUSY:
                time.sleep(float(pauses.exponential()))

    def note_memory() -> None:
        held.append((time.perf_counter(), server.resident_megabytes()))

    def watch() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            note_memory()

    note_memory()
    with ThreadPoolExecutor(clients + 1) as pool:
        pool.submit(watch)
        try:
            list(pool.map(visit, visitors))
            calm = _calm_seconds(visitors[0], usual)
        finally:
            stop.set()
    note_memory()
    return Report(questions, held, calm)


def _learn(visitors: Sequence[Visitor]) -> float:
    """Let each visitor ask alone; return the usual seconds, the mean of a picture and a drawing."""
    hands, times = [], []
    for visitor in visitors:
        start = time.perf_counter()
        hands.append(visitor.learn())
        times.append((time.perf_counter() - start) / 2)
    if len(set(hands)) < len(hands):
        raise BenchmarkError("two visitors get the same answer")
    return float(np.median(times))


def _calm_seconds(visitor: Visitor, usual: float) -> float | None:
    start, calm = time.perf_counter(), 0
    while calm < CALM_ANSWERS:
        asked = time.perf_counter()
        if visitor.picture() is not Outcome.RIGHT:
            raise BenchmarkError("an answer is wrong after the crowd")
        calm = calm + 1 if time.perf_counter() - asked < CALM_FACTOR * usual else 0
        if time.perf_counter() - start > CALM_LIMIT_SECONDS:
            return None
    return time.perf_counter() - start


def plot(report: Report, path: Path) -> None:
    """Plot memory and answers per minute over time."""
    seconds, megabytes = np.transpose(report.memory)
    ended = (np.array([each.ended for each in report.questions]) - seconds[0]) / 60
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot((seconds - seconds[0]) / 60, megabytes, linewidth=1)
    axes.set(xlabel="minutes", ylabel="resident memory, MB", ylim=(0, None), xlim=(0, None))
    axes.set_title(f"{len(report.questions):,} questions, {report.faults} wrong or lost")
    axes.grid(visible=True, alpha=0.3)
    rate = axes.twinx()
    rate.hist(ended, np.arange(ended.max() + 2).tolist(), color="tab:orange", alpha=0.3)
    rate.set_ylabel("answers per minute")
    figure.savefig(path, dpi=120)


def print_growth(pictures: int) -> None:
    """Print the app's memory every 500 pictures."""
    with started(OURS) as server:
        for count, megabytes in memory.growth(server, (*range(500, pictures, 500), pictures)):
            print(f"{count:>7,} pictures: {megabytes:.0f} MB", flush=True)


def main() -> None:
    """Start the app, run the test and save the report."""
    parser = console.parser("benchmarks.soak", __doc__)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("folder", type=Path, nargs="?", help="folder for soak.json and soak.png")
    kind.add_argument("--pictures", type=int, metavar="N", help="measure memory over N pictures")
    parser.add_argument("--clients", type=int, default=8, help="concurrent visitors")
    parser.add_argument("--minutes", type=float, default=30.0)
    arguments = parser.parse_args()
    if arguments.pictures:
        print_growth(arguments.pictures)
        return
    with started(OURS) as server:
        report = soak(server, arguments.clients, 60 * arguments.minutes)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    plan = {"clients": arguments.clients, "minutes": arguments.minutes}
    content = json.dumps({"machine": machine(), "plan": plan, **report.as_json()}, indent=1)
    (arguments.folder / "soak.json").write_text(content + "\n", "utf-8")
    plot(report, arguments.folder / "soak.png")
    print(content)
    if report.faults:
        raise BenchmarkError(f"{report.faults} answers were wrong or lost")


if __name__ == "__main__":
    console.run(main)

"""Many visitors for a long time: `python -m benchmarks.soak --clients 64 --minutes 2 FOLDER`.

Starts app.py, lets visitors ask good, bad and huge questions at once, and says whether an answer
was wrong, lost or another visitor's, what memory the app took, and how soon it was calm again.
Leaves `soak.json` and the plot `soak.png` in the folder; ends with an error if an answer was wrong
or lost.

`python -m benchmarks.soak --pictures 10000` sends that many different pictures instead, of all
kinds and sizes, and prints the app's memory every 500.
"""

import json
import threading
import time
from collections import Counter
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
"""Calm is an answer that takes no longer than so many usual ones, several times in a row."""

CALM_ANSWERS: Final = 5
CALM_LIMIT_SECONDS: Final = 120.0


class Report(NamedTuple):
    """What came out.

    Attributes:
        questions: In the order in which they ended.
        memory: When, in `time.perf_counter` seconds, and the app's resident memory then in 10^6
            bytes: from before the first question until it was calm again.
        calm_seconds: From the last question of the crowd until one client is answered as before;
            None if that took more than `CALM_LIMIT_SECONDS`.
    """

    questions: list[Question]
    memory: list[tuple[float, float]]
    calm_seconds: float | None

    @property
    def faults(self) -> int:
        """Answers that were wrong or never came."""
        return sum(each.outcome in {Outcome.WRONG, Outcome.LOST} for each in self.questions)

    def as_json(self) -> dict[str, Any]:
        """Sum up in numbers."""
        outcomes = Counter(each.outcome for each in self.questions)
        by_kind: dict[str, list[Question]] = {}
        for each in self.questions:
            by_kind.setdefault(each.kind, []).append(each)
        megabytes = [megabytes for _, megabytes in self.memory]
        return {
            "questions": len(self.questions),
            "outcomes": {outcome.value: outcomes[outcome] for outcome in Outcome},
            "by_kind": {
                kind: Counter(each.outcome.value for each in asked)
                for kind, asked in by_kind.items()
            },
            "seconds": {
                kind: _spread([each.seconds for each in asked]) for kind, asked in by_kind.items()
            },
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
    """Let visitors ask one server.

    Raises:
        BenchmarkError: If a visitor's digit is misread while nobody else asks, or if two visitors
            could not be told apart.
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
    """Let each ask alone; return the usual mean of a picture's and a drawing's seconds."""
    hands, times = [], []
    for visitor in visitors:
        start = time.perf_counter()
        hands.append(visitor.learn())
        times.append((time.perf_counter() - start) / 2)
    if len(set(hands)) < len(hands):
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
    return time.perf_counter() - start


def plot(report: Report, path: Path) -> None:
    """Draw the memory, and how many questions were answered, over time."""
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
    rate.set_ylabel("answers in a minute")
    figure.savefig(path, dpi=120)


def print_growth(pictures: int) -> None:
    """Print the app's memory every 500 pictures."""
    with started(OURS) as server:
        for count, megabytes in memory.growth(server, (*range(500, pictures, 500), pictures)):
            print(f"{count:>7,} pictures: {megabytes:.0f} MB", flush=True)


def main() -> None:
    """Start the app, soak it, write down what came out."""
    parser = console.parser("benchmarks.soak", __doc__)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("folder", type=Path, nargs="?", help="gets soak.json and soak.png")
    kind.add_argument("--pictures", type=int, metavar="N", help="watch memory over N pictures")
    parser.add_argument("--clients", type=int, default=8, help="visitors at once")
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

"""How long training takes to 99.0 % and 99.5 %, read from the histories of finished runs.

Where training would stop is chosen on the validation images, as one has to choose without looking
at the test set: it is the end of the first epoch that reads so many of them.
"""

import csv
import json
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

from benchmarks.figures import Figures, Row
from benchmarks.serving import BenchmarkError
from digits.weights import METRICS_FILE
from training.run_folder import HISTORY_FILE

GOALS: Final = (0.990, 0.995)


@dataclass(frozen=True)
class History:
    """What a finished run tells about its time.

    Attributes:
        images: How many it was trained on.
        seconds: Of each epoch.
        accuracy: On the validation images after each epoch, 0 to 1.
        misread: Of MNIST's test images, by the finished network, in percent.
    """

    images: int
    seconds: list[float]
    accuracy: list[float]
    misread: float

    def seconds_to(self, goal: float) -> float | None:
        """Return how long training took until it reached an accuracy; None if it never did."""
        times = accumulate(self.seconds)
        return next((t for t, a in zip(times, self.accuracy, strict=True) if a >= goal), None)


def read_history(run: Path) -> History:
    """Read a run folder.

    Raises:
        BenchmarkError: If it holds no finished run.
    """
    try:
        metrics = json.loads((run / METRICS_FILE).read_text("utf-8"))
        with (run / HISTORY_FILE).open(encoding="utf-8", newline="") as file:
            epochs = list(csv.DictReader(file))
        seconds = [float(epoch["seconds"]) for epoch in epochs]
        accuracy = [float(epoch["val_accuracy"]) for epoch in epochs]
        test = metrics["mnist_test"]
        misread = 100 * test["errors"] / test["count"]
        return History(metrics["training_count"], seconds, accuracy, misread)
    except (OSError, ValueError, KeyError) as error:
        raise BenchmarkError(f"{run} holds no finished run: {error!r}") from error


def compare(ours: Path, baseline: Path) -> list[Row]:
    """Compare two finished runs of the same machine."""
    runs = read_history(ours), read_history(baseline)
    rows = []
    for goal in GOALS:
        first, second = (run.seconds_to(goal) for run in runs)
        what = f"training to {goal:.1%} of the validation images"
        rows.append(Row(what, "s", _figures(first), _figures(second)))
    first_epochs, second_epochs = (
        Figures.of(1000 * seconds / run.images for seconds in run.seconds) for run in runs
    )
    whole = [Figures(sum(run.seconds)) for run in runs]
    misread = [Figures(run.misread) for run in runs]
    return [
        *rows,
        Row("training, all epochs of the recipe", "s", whole[0], whole[1]),
        Row("training, test images misread after it", "%", misread[0], misread[1]),
        Row("training, an epoch of 1,000 images", "s", first_epochs, second_epochs),
    ]


def _figures(seconds: float | None) -> Figures | None:
    return None if seconds is None else Figures(seconds)

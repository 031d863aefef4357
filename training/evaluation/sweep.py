"""Compare the runs of a sweep: each setting over its seeds, the best on validation first.

    python -m training.evaluation.sweep FOLDER...

A sweep is any number of independent runs of `training.train`, on any number of machines;
`.github/workflows/sweep.yml` starts one. Run folders are found anywhere below the given folders.
The error on MNIST's test set is shown, but must not be used for selection.
"""

import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits.weights import METRICS_FILE
from training import console
from training.console import UserError
from training.run_folder import RECIPE_FILE, RunFolder


@dataclass(frozen=True)
class Setting:
    """The finished runs that differ only in their seed.

    Attributes:
        name: The options of `training.train` that they share.
        metrics: Content of `metrics.json` of each run.
    """

    name: str
    metrics: list[Mapping[str, Any]]

    @property
    def validation_error(self) -> float:
        """Mean validation error, 0 to 1."""
        return statistics.fmean(_errors(self.metrics, "validation"))


def main() -> None:
    """Print the comparison."""
    parser = console.parser("training.evaluation.sweep", "Compare the runs of a sweep.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    print(console.markdown(tabulate(settings(find_runs(parser.parse_args().folders)))))


def find_runs(folders: Iterable[Path]) -> list[Path]:
    """List the finished runs in or below these folders.

    Raises:
        UserError: If there are none.
    """
    found = sorted({path.parent for folder in folders for path in folder.rglob(METRICS_FILE)})
    if not found:
        raise UserError(
            f"no finished run in {', '.join(map(str, folders))}: expected run folders of "
            f"python -m training.train, which hold {METRICS_FILE}"
        )
    return found


def settings(runs: Iterable[Path]) -> list[Setting]:
    """Group finished runs that differ only in their seed, the best on validation first.

    Raises:
        UserError: If a folder is not a run of `training.train`.
    """
    found: dict[str, Setting] = {}
    for run in runs:
        recipe, metrics = _read(run, RECIPE_FILE), _read(run, METRICS_FILE)
        command = recipe["command"].removeprefix("python -m training.train ")
        shared = {key: recipe[key] for key in recipe.keys() - {"command", "seed", "versions"}}
        setting = Setting(re.sub(r" --seed \d+", "", command), [])
        found.setdefault(json.dumps(shared, sort_keys=True), setting).metrics.append(metrics)
    return sorted(found.values(), key=lambda setting: (setting.validation_error, setting.name))


def tabulate(compared: Iterable[Setting]) -> list[list[str]]:
    """Return a table with one line per setting; the header first."""
    header = ["setting", "runs", "validation misread, %", "MNIST test misread, %", "seconds a run"]
    rows = [
        [
            f"`{setting.name}`",
            str(len(setting.metrics)),
            _spread(_errors(setting.metrics, "validation")),
            _spread(_errors(setting.metrics, "mnist_test")),
            f"{statistics.fmean(run['seconds'] for run in setting.metrics):.0f}",
        ]
        for setting in compared
    ]
    return [header, *rows]


def _read(run: Path, name: str) -> dict[str, Any]:
    try:
        return RunFolder(run).read_json(name)
    except (OSError, ValueError) as error:
        raise UserError(f"{run} is no run of python -m training.train: {name} ({error})") from error


def _errors(metrics: Iterable[Mapping[str, Any]], part: str) -> list[float]:
    return [run[part]["errors"] / run[part]["count"] for run in metrics]


def _spread(errors: Sequence[float]) -> str:
    mean = f"{100 * statistics.fmean(errors):.2f}"
    return f"{mean} ± {100 * statistics.stdev(errors):.2f}" if len(errors) > 1 else mean


if __name__ == "__main__":
    console.run(main)

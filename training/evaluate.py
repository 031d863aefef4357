"""Evaluate sets of weights: local runs, or the ones that the Space serves.

    python -m training.evaluate                      every run in runs/, one table
    python -m training.evaluate conv3 runs/fnn-1     networks by name, runs by folder
    python -m training.evaluate --all --drawn DIR    everything in training/results.json

Every metric is computed from the weights; none is copied from a run's own files.
"""

import argparse
import platform
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from digits import networks
from digits.recognizer import Recognizer
from digits.weights import BUNDLED
from training import calibrate, console, plots
from training.console import UserError
from training.data.mnist import Mnist, load_mnist
from training.evaluation import datasets, metrics, report
from training.evaluation.contestants import (
    SERVED,
    Contestant,
    Ensemble,
    contestants,
    find,
    measure_cost,
)
from training.evaluation.datasets import Material, PictureSet
from training.evaluation.metrics import Answers, Figures
from training.run_folder import RunFolder, load_run

RESULTS_FILE = "results.json"
PLOTS_FOLDER = "figures"

_TITLES = {"mnist_test": "MNIST test", "drawn": "Drawn digits"}
"""Titles of the sets whose misread pictures are plotted."""


def count_errors(recognizer: Recognizer, mnist: Mnist) -> int:
    """Count the misread MNIST test images, without preprocessing."""
    shown = datasets.mnist_as_it_is(mnist)
    return int(metrics.answer(recognizer, shown, resized=True).misread.sum())


def short_table(folders: Iterable[Path], mnist: Mnist) -> list[list[str]]:
    """Measure runs on MNIST's test set; return rows of text, the header first."""
    header = f"test errors of {len(mnist.test_images):,}"
    rows = [["network", "parameters", "epochs", "seconds", header, "seed", "weights"]]
    for folder in folders:
        recognizer = load_run(folder)
        config, said = recognizer.weights.config, recognizer.weights.metrics
        parameters = networks.parameter_count(networks.find(config.network))
        named = (said.get(key) for key in ("epochs", "seconds", "seed"))
        epochs, seconds, seed = ("-" if value is None else f"{value:.0f}" for value in named)
        errors = str(count_errors(recognizer, mnist))
        row = [config.network, f"{parameters:,}", epochs, seconds, errors, seed, str(folder)]
        rows.append(row)
    return rows


def answer_all(
    runners: Sequence[Contestant], source: Material
) -> tuple[list[dict[str, Answers]], dict[str, PictureSet]]:
    """Let every contestant answer every set of pictures.

    Returns:
        The answers by set, for each contestant in order, and the sets that the plots need.
    """
    answers: dict[Hashable, dict[str, Answers]] = {runner.key: {} for runner in runners}
    distinct = {runner.key: runner for runner in runners}
    kept = {}
    for pictures in datasets.picture_sets(source):
        print(f"{pictures.name}: {len(pictures.labels):,} pictures", flush=True)
        for key, runner in distinct.items():
            shown = metrics.answer(runner.recognizer, pictures, resized=runner.resized)
            answers[key][pictures.name] = shown
        if pictures.name in _TITLES:
            kept[pictures.name] = pictures
    return [answers[runner.key] for runner in runners], kept


def read_numbers(runners: Sequence[Contestant], source: Material) -> list[Figures]:
    """Let each contestant read whole numbers; a plain resize cannot, so its figures are empty."""
    print("numbers", flush=True)
    distinct = {runner.key: runner.recognizer for runner in runners if not runner.resized}
    found: dict[Hashable, Figures] = {key: {} for key in distinct}
    for surface, number in datasets.written_numbers(source):
        look = source.look(number.picture)
        for key, recognizer in distinct.items():
            counts = found[key].setdefault(surface, {"errors": 0, "count": 0})
            counts["errors"] += int(recognizer.read_look(look).number != number.digits)
            counts["count"] += 1
    return [found.get(runner.key, {}) for runner in runners]


def gather(
    runners: Sequence[Contestant], answers: Sequence[Mapping[str, Answers]], numbers: list[Figures]
) -> list[dict[str, Any]]:
    """Collect the figures of all seeds of one name and preprocessing into one row.

    Returns:
        Rows: `name`, `network`, `preprocessing`, `seeds`, `weights`, `measured` (figures of each
        seed), `mean` and `deviation` over the seeds.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for runner, found, read in zip(runners, answers, numbers, strict=True):
        figures = metrics.measure(found)
        if not runner.resized:
            figures["numbers"] = read
            if not isinstance(runner.recognizer, Ensemble):
                figures["cost"] = measure_cost(runner.recognizer, runner.file)
        empty: dict[str, Any] = {
            "name": runner.name,
            "network": runner.recognizer.weights.config.network,
            "preprocessing": runner.preprocessing,
            **{key: [] for key in ("seeds", "weights", "measured")},
        }
        row = rows.setdefault((runner.name, runner.preprocessing), empty)
        row["seeds"].append(runner.seed)
        row["weights"].append(runner.hashes)
        row["measured"].append(figures)
    for row in rows.values():
        row["mean"], row["deviation"] = metrics.spread(row["measured"])
    return list(rows.values())


def draw(answers: Mapping[str, Answers], kept: Mapping[str, PictureSet]) -> dict[str, Figure]:
    """Plot the answers of the served weights, not resized; return figures by file name."""
    non_digits = {kind: answers[kind].scores for kind in metrics.NON_DIGITS if kind in answers}
    real = "drawn" if "drawn" in answers else "mnist_test"
    figures = {
        "rejection.png": plots.rejection_curve(
            answers[real].scores, non_digits, f"rejected: {real}"
        ),
    }
    for name, pictures in kept.items():
        shown = np.round(255 * pictures.prepared).astype(np.uint8)
        found, title, place = answers[name], _TITLES[name], name.replace("_", "-")
        misread = plots.misread(shown, found.labels, found.confidences, title)
        measured = calibrate.reliability(found.confidences, found.labels)
        figures[f"misread-{place}.png"] = misread
        figures[f"reliability-{place}.png"] = plots.reliability_diagram(measured, title)
    return figures


def measure_all(arguments: argparse.Namespace, mnist: Mnist) -> None:
    """Measure everything, print the results table, and write results and figures."""
    folders = find(arguments.targets)
    others = [folder for folder in folders if folder.resolve() != arguments.served.resolve()]
    runners = contestants(arguments.served, others)
    look = runners[0].recognizer.look
    source = datasets.material(mnist, arguments.drawn, arguments.limit, look, arguments.made)
    answers, kept = answer_all(runners, source)
    rows = gather(runners, answers, read_numbers(runners, source))
    out = RunFolder(arguments.out)
    if arguments.keep:
        rows += rows_besides(rows, out.read_json(RESULTS_FILE)["rows"])
    print(f"\n{console.render(report.results_table(rows))}")
    (out.path / PLOTS_FOLDER).mkdir(parents=True, exist_ok=True)
    served = next(i for i, r in enumerate(runners) if r.name == SERVED and not r.resized)
    for name, figure in draw(answers[served], kept).items():
        out.write_figure(f"{PLOTS_FOLDER}/{name}", figure)
    measured_on = {"machine": platform.machine(), "limit": arguments.limit, "made": arguments.made}
    out.write_json(RESULTS_FILE, {"measured_on": measured_on, "rows": rows})
    print(f"\nwritten: {out.path / RESULTS_FILE} and {out.path / PLOTS_FOLDER}/")


def rows_besides(
    measured: Sequence[Mapping[str, Any]], earlier: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the earlier rows that were not measured again, marked as kept."""
    names = {(row["name"], row["preprocessing"]) for row in measured}
    return [
        {**row, "kept": True} for row in earlier if (row["name"], row["preprocessing"]) not in names
    ]


def _arguments() -> argparse.Namespace:
    parser = console.parser("training.evaluate", __doc__)
    parser.add_argument("targets", nargs="*", help="run folders and names of networks")
    parser.add_argument("--data", type=Path, help="folder of MNIST's four files")
    parser.add_argument("--all", action="store_true", help="measure everything")
    parser.add_argument("--keep", action="store_true", help="keep results not measured now")
    parser.add_argument("--drawn", type=Path, help="folder of recorded digits and letters")
    parser.add_argument("--served", type=Path, default=BUNDLED, help="the served weights")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="results folder")
    parser.add_argument("--limit", type=int, default=10000, help="maximum pictures per set")
    parser.add_argument("--made", type=int, default=10000, help="maximum per generated set")
    return parser.parse_args()


def main() -> None:
    """Measure as the command line asks."""
    arguments = _arguments()
    if arguments.limit < 1:
        raise UserError(f"--limit must be at least one picture, not {arguments.limit}")
    mnist = load_mnist(arguments.data)
    if arguments.all:
        measure_all(arguments, mnist)
    else:
        print(console.render(short_table(find(arguments.targets), mnist)))


if __name__ == "__main__":
    console.run(main)

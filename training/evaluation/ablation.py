"""Measure what each part of the default network's recipe is worth: train without it.

    python -m training.evaluation.ablation --drawn DIR      table, training/ablation.json

Every row is one short training (fewer images and epochs than a real one, so that all of them end
within half an hour on two cores); compare the rows with each other, not with the served weights.
Killed, it goes on where it was. The recipe itself was not chosen on these figures.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from digits import networks
from digits.recognizer import Recognizer
from digits.weights import BUNDLED, load_folder
from training import console
from training.augmentation import EVERYTHING, Augmentation
from training.data.mnist import load_mnist
from training.evaluation import datasets, metrics, report
from training.evaluation.datasets import Material
from training.evaluation.metrics import Figures
from training.recipes import RECIPES
from training.train import Job, train

_FILE = Path(__file__).parents[1] / "ablation.json"
_RUNS = Path("runs/ablation")
_IMAGES = 12_000
_EPOCHS = 4

WHOLE = "everything"

PARTS: dict[str, Augmentation | None] = {
    WHOLE: EVERYTHING,
    "without another hand": dataclasses.replace(EVERYTHING, hand=False),
    "without another movement": dataclasses.replace(EVERYTHING, movement=False),
    "without another pen": dataclasses.replace(EVERYTHING, pen=False),
    "without missing styles": dataclasses.replace(EVERYTHING, styles=False),
    "without damage": dataclasses.replace(EVERYTHING, degradation=False),
    "without outliers": dataclasses.replace(EVERYTHING, non_digits=0.0),
    "MNIST's images alone": None,
}
"""Rows of the table: what training shows."""

RESIZED = "everything, but squeezed as in the usual demo"
"""The row of `WHOLE` without this project's preprocessing in front of it."""


def run(source: Material, folder: Path, jobs: Mapping[str, Job]) -> list[Figures]:
    """Train all jobs, by name of the row, and measure them; `WHOLE` is also measured resized.

    Returns:
        A row each: `name` and what `metrics.measure` gives.
    """
    shown = [
        datasets.mnist_test(source),
        datasets.sketches("drawn", source.drawn, source.look),
        datasets.sketches("letters", source.letters, source.look),
        datasets.photographs(source),
        *(datasets.corrupted(source, kind) for kind in ("impulse_noise", "fog", "zigzag")),
    ]
    rows = []
    for name, job in jobs.items():
        print(f"{name}:", flush=True)
        place = folder / name.replace(" ", "-").replace("'", "")
        train(job, source.mnist, place)
        recognizer = Recognizer(load_folder(place))
        for row, resized in ((name, False), (RESIZED, True)):
            if name == WHOLE or not resized:
                found = {s.name: metrics.answer(recognizer, s, resized=resized) for s in shown}
                rows.append({"name": row, **metrics.measure(found)})
    return rows


def main() -> None:
    """Train, measure, print and write."""
    parser = console.parser(
        "training.evaluation.ablation", "Train without one part after the other."
    )
    parser.add_argument("--data", type=Path, help="folder of MNIST's four files")
    parser.add_argument("--drawn", type=Path, required=True, help="recorded digits and letters")
    arguments = parser.parse_args()
    look = Recognizer(load_folder(BUNDLED)).look
    source = datasets.material(load_mnist(arguments.data), arguments.drawn, 10000, look)
    # Averages over hundreds of steps, of the weights and of batch normalization, would still be
    # their start after the few steps of so short a training.
    recipe = dataclasses.replace(
        RECIPES[networks.DEFAULT_NETWORK], epochs=_EPOCHS, batch_size=32, ema_momentum=None
    )
    jobs = {
        name: Job(recipe=dataclasses.replace(recipe, augmentation=parts), limit=_IMAGES)
        for name, parts in PARTS.items()
    }
    measured = {"images": _IMAGES, "epochs": _EPOCHS, "rows": run(source, _RUNS, jobs)}
    print(console.render(report.ablation_table(measured)))
    _FILE.write_text(json.dumps(measured, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    console.run(main)

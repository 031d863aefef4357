"""Ablation of the default network's recipe: train without one part at a time.

    python -m training.evaluation.ablation --drawn DIR      table, training/ablation.json

Each row is one short run, with fewer images and epochs than a real one, so that all of them finish
within half an hour on two cores. Compare rows with each other, not with the served weights. A
killed run resumes when started again. The recipe was not chosen by these figures.
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
"""Augmentation by row of the table."""

RESIZED = "everything, but squeezed as in the usual demo"
"""Row of the same weights as `WHOLE`, without this project's preprocessing."""


def run(source: Material, folder: Path, jobs: Mapping[str, Job]) -> list[Figures]:
    """Train and evaluate jobs, given by row name; `WHOLE` is also evaluated with a plain resize.

    Returns:
        Rows: `name` and the figures of `metrics.measure`.
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
    """Run the ablation, print its table and save its figures."""
    parser = console.parser("training.evaluation.ablation", "Train without one part at a time.")
    parser.add_argument("--data", type=Path, help="folder of MNIST's four files")
    parser.add_argument("--drawn", type=Path, required=True, help="recorded digits and letters")
    arguments = parser.parse_args()
    look = Recognizer(load_folder(BUNDLED)).look
    source = datasets.material(load_mnist(arguments.data), arguments.drawn, 10000, look)
    # So few steps are too short for the moving averages of the weights and of batch normalization
    # to leave their initial values.
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

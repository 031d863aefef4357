"""Train a network on MNIST, calibrate it, evaluate it once and save a run folder.

    python -m training.train                      the default network
    python -m training.train --network conv3      another, each by its recipe (training/recipes.py)

The same command resumes a killed run after the last complete epoch. The resulting weights are the
same as without the interruption.
"""

import argparse
import dataclasses
import os
import platform
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from digits import networks
from digits.malloc import keep_freed_memory
from digits.weights import METRICS_FILE
from training import console, keras_networks, push, recipes
from training.callbacks import Epochs
from training.console import UserError
from training.data import corrections
from training.data.batches import EpochBatches
from training.data.mnist import Mnist, as_input, load_mnist, split
from training.recipes import RECIPES, Recipe
from training.result import SCORING_BATCH, Fitted, finish, summary
from training.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to train: the recipe, the random seed, and the number of images (None for all)."""

    recipe: Recipe
    seed: int = 0
    limit: int | None = None

    @property
    def validation_count(self) -> int:
        """Number of validation images: the recipe's, but at most a tenth of the limit."""
        if self.limit is None:
            return self.recipe.validation_count
        return max(1, min(self.recipe.validation_count, self.limit // 10))

    @property
    def command(self) -> str:
        """The command that repeats the run, without the paths of data, corrections and folder."""
        recipe, default = self.recipe, RECIPES[self.recipe.network]
        words = [f"python -m training.train --network {recipe.network} --seed {self.seed}"]
        if recipe.epochs != default.epochs:
            words.append(f"--epochs {recipe.epochs}")
        if recipe.batch_size != default.batch_size:
            words.append(f"--batch-size {recipe.batch_size}")
        if self.limit is not None:
            words.append(f"--limit {self.limit}")
        return " ".join(words)


def main() -> None:
    """Train as the command line asks."""
    arguments = parse_arguments()
    push.check(arguments)
    cv2.setNumThreads(1)  # the network uses all cores; more threads double a batch's cost
    default = RECIPES[arguments.network]
    recipe = dataclasses.replace(
        default,
        epochs=arguments.epochs or default.epochs,
        batch_size=arguments.batch_size or default.batch_size,
    )
    job = Job(recipe=recipe, seed=arguments.seed, limit=arguments.limit)
    mnist = load_mnist(arguments.data)
    if arguments.corrections:
        mnist = corrections.add(mnist, arguments.corrections)
    folder = arguments.run or Path("runs", f"{recipe.network}-{job.seed}")
    metrics = train(job, mnist, folder)
    print(summary(metrics))
    print(f"run folder: {folder}")
    push.push(folder, arguments)


def train(job: Job, mnist: Mnist, folder: Path) -> dict[str, Any]:
    """Train, resume the folder's unfinished run, or read the metrics of its finished one.

    The test set is evaluated once, after the last epoch.

    Returns:
        The content of `metrics.json`.

    Raises:
        UserError: If the folder holds something else, or the training diverges.
        OSError: If a file cannot be written; complete files are kept.
    """
    configured = configuration(job, mnist)
    run = RunFolder.open(folder, configured, {"versions": versions()})
    if run.is_finished:
        print(f"{folder} holds this run, finished; delete it to train again.")
        return run.read_json(METRICS_FILE)
    keras.utils.set_random_seed(job.seed)
    parts = split(mnist, job.seed, job.validation_count, job.limit)
    fitted = _fit(job, mnist, parts, run)
    described = {key: value for key, value in configured.items() if key != "recipe"}
    described["hardware"] = {"machine": platform.machine(), "cpus": os.cpu_count()}
    described["versions"] = versions()
    return finish(fitted, mnist, run, described)


def configuration(job: Job, mnist: Mnist) -> dict[str, Any]:
    """Return everything that determines the result of a run, for `recipe.json`."""
    total = len(mnist.train_images) if job.limit is None else job.limit
    return {
        "command": job.command,
        "recipe": dataclasses.asdict(job.recipe),
        "seed": job.seed,
        "limit": job.limit,
        "training_count": total - job.validation_count,
        "validation_count": job.validation_count,
        "data_sha256": mnist.sha256,
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and the libraries that compute."""
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = console.parser("training.train", "Train a network on MNIST.")
    parser.add_argument(
        "--network", choices=list(networks.NETWORKS), default=networks.DEFAULT_NETWORK
    )
    parser.add_argument("--epochs", type=_epochs, help="a number, or 'recipe' for the recipe's")
    parser.add_argument("--batch-size", type=partial(_at_least, 1), help="instead of the recipe's")
    parser.add_argument("--seed", type=partial(_at_least, 0), default=0)
    parser.add_argument("--limit", type=_limit, metavar="N", help="use only N of the 60,000 images")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="MNIST's IDX files; default: MNIST_DIR or download"
    )
    parser.add_argument(
        "--corrections", metavar="FOLDER_OR_REPO", help="also train on visitors' corrections"
    )
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="default: runs/NETWORK-SEED")
    push.add_arguments(parser)
    return parser.parse_args()


def _epochs(text: str) -> int | None:
    return None if text == "recipe" else _at_least(1, text)


def _limit(text: str) -> int:
    number = _at_least(20, text)
    if number > recipes.ALL_TRAINING_IMAGES:
        raise argparse.ArgumentTypeError(f"MNIST has 60,000 training images, not {number:,}")
    return number


def _at_least(minimum: int, text: str) -> int:
    if not text.isdecimal() or int(text) < minimum:
        raise argparse.ArgumentTypeError(f"expected a whole number from {minimum}, received {text}")
    return int(text)


def _fit(
    job: Job,
    mnist: Mnist,
    parts: tuple[NDArray[np.int64], NDArray[np.int64]],
    run: RunFolder,
) -> Fitted:
    """Train from the folder's checkpoint, if any, to the recipe's last epoch."""
    keep_freed_memory()
    recipe = job.recipe
    model = keras_networks.build(recipe.network)
    training, validation = ((mnist.train_images[part], mnist.train_labels[part]) for part in parts)
    encode = partial(recipes.encode_labels, classes=model.output_shape[-1], recipe=recipe)
    batches = EpochBatches(
        *training, recipe.batch_size, job.seed, recipe.augmentation, encode=encode
    )
    recipes.compile_network(model, recipe, len(batches))
    epochs = Epochs(batches, job.seed, run, run.restore_checkpoint(model))
    # Fails before an epoch is computed if there is no room for its checkpoint.
    run.save_checkpoint(model, epochs.rows)
    counts = f"{len(parts[0]):,} training images, {len(parts[1]):,} validation images"
    print(f"{recipe.network}: {counts}, seed {job.seed}")
    done = len(epochs.rows)
    if done:
        print(f"resumed after epoch {done} of {recipe.epochs}")
    # If the recipe averages the weights, the average is validated.
    averaging = [] if recipe.ema_momentum is None else [keras.callbacks.SwapEMAWeights()]
    try:
        model.fit(
            batches,
            validation_data=(as_input(validation[0]), encode(validation[1])),
            validation_batch_size=SCORING_BATCH,
            epochs=recipe.epochs,
            initial_epoch=done,
            # Keras would draw its progress bar in a log too, with a line for each batch.
            verbose="auto" if sys.stdout.isatty() else 2,
            shuffle=False,  # `batches` shuffle; Keras' order would differ after a resume
            callbacks=[*averaging, epochs],
        )
    except (OSError, UserError, KeyboardInterrupt):
        print(flush=True)  # ends the line of the progress bar
        raise
    return Fitted(recipe, model, epochs.rows, parts[1])


if __name__ == "__main__":
    console.run(main)

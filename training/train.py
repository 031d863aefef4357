"""Train a network on MNIST, calibrate it, measure it once and leave a run folder.

    python -m training.train                      the default network
    python -m training.train --network conv3      another, each by its recipe (training/recipes.py)

A run that was killed is taken up by the same command where the last complete epoch ended, and ends
with the same weights as if nothing had happened.
"""

import argparse
import dataclasses
import hashlib
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from digits import networks, weights
from digits.malloc import keep_freed_memory
from digits.weights import BUNDLED, CONFIG_FILE, FINDER_FILE, METRICS_FILE, WEIGHTS_FILE
from training import calibrate, console, keras_networks, plots, recipes
from training.console import UserError
from training.data import corrections
from training.data.batches import AugmentedDigits, EpochBatches, ShuffledDigits
from training.data.mnist import Mnist, as_input, load_mnist, split
from training.recipes import Recipe
from training.release import push
from training.run_folder import Row, RunFolder

_RUNS = Path("runs")
_LEGACY_H5_FILE = "model.h5"
_SCORING_BATCH = 500  # bounds the memory that scoring takes; decides nothing else
_DROPOUT_STREAM = 3  # keeps dropout's random numbers apart from those of training.data


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to train.

    Attributes:
        recipe: How.
        seed: Decides the first weights, the split, the order and everything else at random.
        limit: How many of the 60,000 images to use, for a quick try; `None` is all of them.
    """

    recipe: Recipe
    seed: int = 0
    limit: int | None = None

    @property
    def validation_count(self) -> int:
        """How many images validate: a tenth where the limit leaves fewer than the recipe wants."""
        if self.limit is None:
            return self.recipe.validation_count
        return max(1, min(self.recipe.validation_count, self.limit // 10))

    @property
    def command(self) -> str:
        """The command that repeats the run, wherever data and folder are."""
        usual = recipes.for_network(self.recipe.network)
        options: dict[str, object] = {"--network": self.recipe.network, "--seed": self.seed}
        if self.recipe.epochs != usual.epochs:
            options["--epochs"] = self.recipe.epochs
        if self.recipe.batch_size != usual.batch_size:
            options["--batch-size"] = self.recipe.batch_size
        if self.limit is not None:
            options["--limit"] = self.limit
        words = [f"{option} {value}" for option, value in options.items()]
        return " ".join(["python -m training.train", *words])


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A trained network, what its epochs measured, and the indices that validated it."""

    model: keras.Model
    rows: list[Row]
    validation: NDArray[np.int64]


def main() -> None:
    """Train as the command line says."""
    arguments = parse_arguments()
    push.check(arguments)
    cv2.setNumThreads(1)  # the network fills all cores; a batch costs half as much without more
    job = Job(recipe=_recipe(arguments), seed=arguments.seed, limit=arguments.limit)
    mnist = load_mnist(arguments.data)
    if arguments.corrections:
        mnist = corrections.add(mnist, arguments.corrections)
    folder = arguments.run or _RUNS / f"{job.recipe.network}-{job.seed}"
    metrics = train(job, mnist, folder)
    print(summary(metrics))
    print(f"run folder: {folder}")
    push.push(folder, arguments)


def draw_figures(
    run: RunFolder, mnist: Mnist, tested: NDArray[np.float32], rows: list[Row]
) -> None:
    """Write the figures of a run.

    Args:
        run: Its folder.
        mnist: The data; only its test part is shown.
        tested: `(N, classes)` calibrated probabilities of the test images.
        rows: What each epoch measured.
    """
    title, labels, confidences = "MNIST test", mnist.test_labels, _confidences(tested)
    figures = {
        "learning-curves.png": plots.learning_curves(rows),
        "confusion.png": plots.confusion(labels, confidences.argmax(axis=1), title),
        "misread.png": plots.misread(mnist.test_images, labels, confidences, title),
        "reliability.png": plots.reliability_diagram(
            calibrate.reliability(confidences, labels), title
        ),
    }
    for name, figure in figures.items():
        run.write_figure(name, figure)


Draw = Callable[[RunFolder, Mnist, NDArray[np.float32], list[Row]], None]


def train(job: Job, mnist: Mnist, folder: Path, draw: Draw = draw_figures) -> dict[str, Any]:
    """Train, or take up or read back the run that the folder holds.

    Args:
        job: What to train.
        mnist: The data; its test part is scored once, after the last epoch.
        folder: The run folder, made if it does not exist.
        draw: Writes the figures.

    Returns:
        The content of `metrics.json`.

    Raises:
        UserError: If the folder holds something else, or the training diverges.
        OSError: If a file cannot be written; what was complete stays.
    """
    run = RunFolder.open(folder, configuration(job, mnist), {"versions": versions()})
    if run.is_finished:
        print(f"{folder} holds this run, finished; delete it to train anew.")
        return run.read_json(METRICS_FILE)
    keras.utils.set_random_seed(job.seed)
    parts = split(mnist, job.seed, job.validation_count, job.limit)
    return _finish(job, mnist, _fit(job, mnist, parts, run), run, draw)


def configuration(job: Job, mnist: Mnist) -> dict[str, Any]:
    """Gather all that decides the result of a run, for `recipe.json`."""
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
    """Look up the versions of what computes."""
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }


def summary(metrics: dict[str, Any]) -> str:
    """Say in three lines what a run measured."""
    test, validation = metrics["mnist_test"], metrics["validation"]
    return (
        f"{metrics['network']}: {metrics['parameters']:,} parameters, {metrics['epochs']} epochs, "
        f"{metrics['seconds']:.0f} s, seed {metrics['seed']}\n"
        f"MNIST test: {100 * test['top1_accuracy']:.2f} % "
        f"({test['errors']} of {test['count']:,} wrong), ECE {100 * test['ece']:.2f} %, "
        f"{test['refused']} refused\n"
        f"validation: {100 * validation['top1_accuracy']:.2f} % "
        f"({validation['errors']} of {validation['count']:,} wrong), "
        f"temperature {metrics['temperature']:.3f}"
    )


class EncodedBatches(keras.utils.PyDataset):
    """Batches for Keras, with labels as the recipe's loss takes them.

    Attributes:
        plain: Where images and digits come from.
    """

    def __init__(self, plain: EpochBatches, recipe: Recipe, classes: int) -> None:
        """Keep what to encode, and how; `classes` is how many outputs the network has."""
        super().__init__(workers=2, max_queue_size=16)
        self.plain = plain
        self._recipe = recipe
        self._classes = classes

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return len(self.plain)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Give one batch of the running epoch."""
        images, digits = self.plain[index]
        return images, recipes.encode_labels(digits, self._classes, self._recipe)


class SeededEpochs(keras.callbacks.Callback):
    """Make all that is random in an epoch follow from the seed and the epoch's number.

    Keras' own end-of-epoch hook of data sets also fires before the first epoch and cannot count.
    """

    def __init__(self, batches: EpochBatches, seed: int) -> None:
        """Keep what is to be set."""
        super().__init__()
        self._batches = batches
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002 - Keras' form
        """Set the order of the images, and dropout's seeds, which Keras does not save."""
        self._batches.epoch = epoch
        random = np.random.default_rng([self._seed, _DROPOUT_STREAM, epoch])
        for variable in self.model.non_trainable_variables:
            if variable.name == "seed_generator_state":
                variable.assign(random.integers(2**32, size=variable.shape, dtype=np.uint32))


class Checkpoints(keras.callbacks.Callback):
    """Write the state and the history after each epoch.

    Attributes:
        rows: What each epoch so far measured, those of an earlier start included.
    """

    def __init__(self, run: RunFolder, rows: Sequence[Row]) -> None:
        """Continue the given history."""
        super().__init__()
        self.rows = list(rows)
        self._run = run
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002 - Keras' form
        """Start the clock."""
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save, unless there is nothing worth saving any more."""
        measured = {name: float(value) for name, value in (logs or {}).items()}
        if not all(map(math.isfinite, measured.values())):
            raise UserError(
                f"the training diverged in epoch {epoch + 1}: its loss is no number any more. "
                "Lower the learning rate of the recipe"
            )
        seconds = round(time.monotonic() - self._started, 1)
        self.rows.append({"epoch": epoch + 1, "seconds": seconds, **measured})
        # In this order: once the last checkpoint is complete nobody comes back to the history.
        self._run.write_history(self.rows)
        self._run.save_checkpoint(self.model, self.rows)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.train", description="Train a network on MNIST."
    )
    parser.add_argument(
        "--network", choices=list(networks.NETWORKS), default=networks.DEFAULT_NETWORK
    )
    parser.add_argument("--epochs", type=_epochs, help="a number, or recipe for the recipe's")
    parser.add_argument("--batch-size", type=_positive, help="instead of the recipe's")
    parser.add_argument("--seed", type=_seed, default=0)
    parser.add_argument(
        "--limit", type=_limit, metavar="N", help="use N of the 60,000 images, for a quick try"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="MNIST's four IDX files; default: download"
    )
    parser.add_argument(
        "--corrections", metavar="FOLDER_OR_REPO", help="also train on what visitors corrected"
    )
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="default: runs/NETWORK-SEED")
    push.add_arguments(parser)
    return parser.parse_args()


def _positive(text: str) -> int:
    return _at_least(1, text)


def _epochs(text: str) -> int | None:
    return None if text == "recipe" else _positive(text)


def _seed(text: str) -> int:
    return _at_least(0, text)


def _limit(text: str) -> int:
    number = _at_least(20, text)
    if number > recipes.ALL_TRAINING_IMAGES:
        raise argparse.ArgumentTypeError(f"MNIST has 60,000 training images, not {number:,}")
    return number


def _at_least(least: int, text: str) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least}, received {text}")
    return int(text)


def _recipe(arguments: argparse.Namespace) -> Recipe:
    usual = recipes.for_network(arguments.network)
    return dataclasses.replace(
        usual,
        epochs=arguments.epochs or usual.epochs,
        batch_size=arguments.batch_size or usual.batch_size,
    )


def _fit(
    job: Job,
    mnist: Mnist,
    parts: tuple[NDArray[np.int64], NDArray[np.int64]],
    run: RunFolder,
) -> _Fitted:
    """Train from where the folder's checkpoint is up to the recipe's last epoch."""
    keep_freed_memory()
    recipe = job.recipe
    model = keras_networks.build(recipe.network)
    training, validation = ((mnist.train_images[part], mnist.train_labels[part]) for part in parts)
    classes = model.output_shape[-1]
    batches = EncodedBatches(_batches(job, *training), recipe, classes)
    recipes.compile_network(model, recipe, len(batches))
    checkpoints = Checkpoints(run, run.restore_checkpoint(model))
    run.require_space(model)
    _announce(job, parts, len(checkpoints.rows))
    with _whole_lines():
        model.fit(
            batches,
            validation_data=(
                as_input(validation[0]),
                recipes.encode_labels(validation[1], classes, recipe),
            ),
            validation_batch_size=_SCORING_BATCH,
            epochs=recipe.epochs,
            initial_epoch=len(checkpoints.rows),
            # Keras draws its bar where nobody watches too: a line for each batch in a log.
            verbose="auto" if sys.stdout.isatty() else 2,
            shuffle=False,  # the batches are; Keras' own order of them would depend on the start
            callbacks=[*_averaging(recipe), SeededEpochs(batches.plain, job.seed), checkpoints],
        )
    return _Fitted(model, checkpoints.rows, parts[1])


def _batches(job: Job, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> EpochBatches:
    recipe = job.recipe
    if recipe.augmentation is None:
        return ShuffledDigits(images, labels, recipe.batch_size, job.seed)
    return AugmentedDigits(images, labels, recipe.batch_size, job.seed, recipe.augmentation)


@contextmanager
def _whole_lines() -> Iterator[None]:
    """End the progress bar's line before anything is said about why the training stopped."""
    try:
        yield
    except (OSError, UserError, KeyboardInterrupt):
        print(flush=True)
        raise


def _averaging(recipe: Recipe) -> list[keras.callbacks.Callback]:
    """Validate with the average of the weights where the recipe keeps one."""
    return [] if recipe.ema_momentum is None else [keras.callbacks.SwapEMAWeights()]


def _announce(job: Job, parts: tuple[NDArray[np.int64], NDArray[np.int64]], done: int) -> None:
    training_count, validation_count = map(len, parts)
    print(
        f"{job.recipe.network}: {training_count:,} images train, {validation_count:,} validate, "
        f"seed {job.seed}"
    )
    if done:
        print(f"taken up after epoch {done} of {job.recipe.epochs}")


def _finish(job: Job, mnist: Mnist, fitted: _Fitted, run: RunFolder, draw: Draw) -> dict[str, Any]:
    """Calibrate on validation, score the test set once, and write all that the run leaves."""
    labels = mnist.train_labels[fitted.validation]
    raw = _probabilities(fitted.model, mnist.train_images[fitted.validation])
    temperature = calibrate.fit_temperature(raw, labels)
    validated = calibrate.apply_temperature(raw, temperature)
    share = calibrate.SERVED_REJECTED_SHARE
    rejection_threshold = calibrate.choose_rejection_threshold(_scores(validated), share)
    tested = calibrate.apply_temperature(
        _probabilities(fitted.model, mnist.test_images), temperature
    )
    test = _measure(tested, mnist.test_labels, rejection_threshold)
    metrics = {
        "network": job.recipe.network,
        "mnist_test": test,
        "validation": _measure(validated, labels, rejection_threshold),
        "ece": test["ece"],
        "ece_bins": calibrate.BINS,
        "temperature": temperature,
        "rejection_threshold": rejection_threshold,
        "parameters": fitted.model.count_params(),
        "epochs": len(fitted.rows),
        "seconds": round(sum(row["seconds"] for row in fitted.rows), 1),
        **{key: value for key, value in configuration(job, mnist).items() if key != "recipe"},
        "hardware": {"machine": platform.machine(), "cpus": os.cpu_count()},
        "versions": versions(),
    }
    draw(run, mnist, tested, fitted.rows)
    _save(run, job.recipe, fitted.model, temperature, rejection_threshold)
    run.write_json(METRICS_FILE, metrics)
    run.remove_checkpoint()
    return metrics


def _probabilities(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    probabilities: NDArray[np.float32] = model.predict(
        as_input(images), batch_size=_SCORING_BATCH, verbose=0
    )
    return probabilities


def _scores(softened: NDArray[np.float32]) -> NDArray[np.float64]:
    """Score as `digits.recognizer` does: the calibrated probability of the digit answered."""
    scores: NDArray[np.float64] = softened[:, :10].max(axis=1).astype(np.float64)
    return scores


def _confidences(softened: NDArray[np.float32]) -> NDArray[np.float64]:
    digits = softened[:, :10].astype(np.float64)
    confidences: NDArray[np.float64] = digits / digits.sum(axis=1, keepdims=True)
    return confidences


def _measure(
    softened: NDArray[np.float32], labels: NDArray[np.uint8], rejection_threshold: float
) -> dict[str, float]:
    """Count errors and refusals, and measure calibration; an answer refused counts as given."""
    confidences = _confidences(softened)
    errors = int((confidences.argmax(axis=1) != labels).sum())
    return {
        "errors": errors,
        "count": len(labels),
        "top1_accuracy": 1 - errors / len(labels),
        "ece": calibrate.reliability(confidences, labels).ece,
        "refused": int((_scores(softened) < rejection_threshold).sum()),
    }


def _save(
    run: RunFolder,
    recipe: Recipe,
    model: keras.Model,
    temperature: float,
    rejection_threshold: float,
) -> None:
    """Write the weights, without the optimizer, and how to use them; the finder is the bundled."""
    tensors = keras_networks.read_tensors(model)
    content = weights.serialize(tensors)
    finder = (BUNDLED / FINDER_FILE).read_bytes()
    run.write_bytes(WEIGHTS_FILE, content)
    run.write_bytes(FINDER_FILE, finder)
    if recipe.legacy_h5:
        bare = keras_networks.build(recipe.network)
        keras_networks.assign_tensors(bare, tensors)
        run.save_legacy_h5(_LEGACY_H5_FILE, bare)
    config = {
        "network": recipe.network,
        "temperature": temperature,
        "rejection_threshold": rejection_threshold,
        "sha256": hashlib.sha256(content).hexdigest(),
        "finder_sha256": hashlib.sha256(finder).hexdigest(),
    }
    run.write_json(CONFIG_FILE, config)


if __name__ == "__main__":
    console.run(main)

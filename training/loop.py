"""The loop that trains the finder, the extractor and the line reader.

Other processes make what the network learns from. A checkpoint every few minutes lets a killed
training go on. The learning rate falls over the last `--cool` things; the weights that are written
are a moving average, so that those of any moment can be used. At the end the run is a whole set of
weights: its network beside the others of `--reader`. The gate and `training.publish` take it as any
other run.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from digits import weights
from digits.layers import folded
from digits.weights import BUNDLED
from training import push
from training.averaged_model import AveragedModel, Loss
from training.data.mnist import load_mnist
from training.keras_networks import read_tensors
from training.run_folder import RunFolder, load_run
from training.synthesis.writing import Hands, load_hands, save_hands
from training.workers import produce

HANDS_FILE: Final = "hands.npz"
VALIDATION_SEED: Final = 1_000_000
_CHECKPOINT: Final = "checkpoint.npz"

Batch = tuple[npt.NDArray[Any], ...]
"""What a model takes, and the arrays that its loss takes besides."""


def _load_hands(run: Path) -> Hands:
    return load_hands(run / HANDS_FILE)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a network learns, and how it is measured.

    Attributes:
        network: Its name in a set of weights.
        unit: What it learns from, in the plural.
        usual: How many of them in all, while the rate falls, and between checkpoints.
        batch: How many of them are in a batch.
        group: How many batches are made together.
        hands: Which of MNIST's training images are traced, by the name of a file in the run.
        build: Returns a new model.
        loss: As of `AveragedModel`.
        signature: As of `AveragedModel`.
        load: Loads what things are made from, of a run; a function of a module.
        make: Makes a group of batches from that, a seed and an index; a function of a module.
        validation: Makes what a run is measured on.
        evaluate: Measures a model on that, and may leave figures in the run.
        samples: Returns of that what batch normalization is measured on for `--start`.
    """

    network: str
    unit: str
    usual: tuple[int, int, int]
    batch: int
    group: int = 1
    hands: dict[str, slice] = field(default_factory=lambda: {HANDS_FILE: slice(12_000)})
    build: Callable[[], keras.Model]
    loss: Loss
    signature: Sequence[tf.TensorSpec] | None = None
    load: Callable[[Path], Any] = _load_hands
    make: Callable[[Any, int, int], Sequence[Batch]]
    validation: Callable[[Path], Any]
    evaluate: Callable[[keras.Model, Any, Path], dict[str, Any]]
    samples: Callable[[Any], npt.NDArray[Any]]

    def model(self, count: int, cool: int) -> AveragedModel:
        """Return a new model to be trained on so many, while the rate falls over the last."""
        steps, cooling = count // self.batch, cool // self.batch
        return AveragedModel(self.build, self.loss, steps, cooling, self.signature)


def prepare(task: Task, module: str, text: str | None) -> argparse.Namespace:
    """Read the command line of a training, check what it says of publishing, and trace hands.

    Args:
        task: What is learned.
        module: That is run, below `training`.
        text: What the command does.
    """
    (count, cool, every), unit = task.usual, task.unit
    parser = argparse.ArgumentParser(prog=f"python -m training.{module}", description=text)
    run = Path("runs") / task.network
    parser.add_argument("--run", type=Path, default=run, help="folder of the run")
    parser.add_argument("--data", type=Path, help="folder with the MNIST files")
    parser.add_argument("--start", type=Path, help="set of weights to start from (else random)")
    parser.add_argument("--reader", type=Path, default=BUNDLED, help="set with the other networks")
    parser.add_argument(f"--{unit}", type=int, default=count, help=f"{unit} to learn from, in all")
    parser.add_argument("--cool", type=int, default=cool, help=f"{unit} while the rate falls")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help=f"processes that make {unit}")
    parser.add_argument("--every", type=int, default=every, help=f"{unit} between checkpoints")
    push.add_arguments(parser)
    arguments = parser.parse_args()
    push.check(arguments)
    arguments.run.mkdir(parents=True, exist_ok=True)
    missing = {
        name: part for name, part in task.hands.items() if not (arguments.run / name).exists()
    }
    if missing:
        mnist = load_mnist(arguments.data)
        for name, part in missing.items():
            save_hands(arguments.run / name, mnist.train_images[part], mnist.train_labels[part])
    return arguments


def train(task: Task, arguments: argparse.Namespace) -> None:
    """Train, or go on training, until all is seen; `arguments` are those of `prepare`."""
    run = RunFolder(arguments.run)
    count = getattr(arguments, task.unit)
    training, validation = task.model(count, arguments.cool), task.validation(run.path)
    if (run.path / _CHECKPOINT).exists():
        training.load(run.path / _CHECKPOINT)
        print(f"going on after {training.step * task.batch} {task.unit}", flush=True)
    elif arguments.start:
        known = getattr(load_run(arguments.start).weights, task.network)
        training.start_from(known, task.samples(validation))
    group = task.batch * task.group
    started, before = time.monotonic(), training.step * task.batch
    losses: list[float] = []
    scores: dict[str, Any] | None = None
    indices = range(before // group, -(-count // group))
    load = partial(task.load, run.path)
    for batches in produce(task.make, load, arguments.seed, indices, arguments.workers):
        losses += [training.learn(*batch) for batch in batches]
        seen = training.step * task.batch
        if seen % arguments.every < group or seen >= count:
            training.save(run.path / _CHECKPOINT)
            tensors = folded(read_tensors(training.averaged))
            run.write_bytes(f"{task.network}.safetensors", weights.serialize(tensors))
            speed = (seen - before) / (time.monotonic() - started)
            line = {task.unit: seen, "loss": round(float(np.mean(losses)), 4)}
            line |= {f"{task.unit}_per_second": round(speed, 1)}
            scores = task.evaluate(training.averaged, validation, run.path)
            run.log(line | {"validation": scores})
            losses = []
    scores = scores or task.evaluate(training.averaged, validation, run.path)
    run.become_set(arguments.reader, task.network, scores)
    push.push(run.path, arguments)

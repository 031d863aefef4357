"""Training loop for the finder, the extractor and the line reader.

Worker processes generate the samples. Checkpoints every few minutes make a killed run resumable.
The learning rate decays over the last `--cool` samples. The saved weights are an exponential moving
average, so every checkpoint is usable. A finished run is a complete set of weights: the trained
network, and the other networks of `--reader`. The gate and `training.publish` accept it like any
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
"""A model's inputs, and the targets that its loss takes."""


def _load_hands(run: Path) -> Hands:
    return load_hands(run / HANDS_FILE)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A training task: its data, loss and metrics.

    Attributes:
        network: Name of the network in a set of weights.
        unit: Name of a sample, in the plural.
        defaults: Default numbers of samples: in total, during the decay, and between checkpoints.
        batch: Samples per batch.
        group: Batches generated together.
        hands: MNIST training images to be traced, by the name of the file in the run.
        build: Returns a new model.
        loss: See `AveragedModel`.
        signature: See `AveragedModel`.
        load: Loads the material of samples from a run; defined at module level, for pickling.
        make: Generates a group of batches from material, seed and index; at module level too.
        validation: Generates the validation data of a run.
        evaluate: Evaluates a model on the validation data, and may save figures in the run.
        samples: Returns validation inputs to measure batch normalization on for `--start`.
    """

    network: str
    unit: str
    defaults: tuple[int, int, int]
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
        """Return a new model for `count` samples; the rate decays over the last `cool`."""
        steps, cooling = count // self.batch, cool // self.batch
        return AveragedModel(self.build, self.loss, steps, cooling, self.signature)


def prepare(task: Task, module: str, text: str | None) -> argparse.Namespace:
    """Parse the command line of a training, check the options for publishing, and trace hands.

    Args:
        task: The task to train.
        module: The command's module, below `training`.
        text: Description of the command.
    """
    (count, cool, every), unit = task.defaults, task.unit
    parser = argparse.ArgumentParser(prog=f"python -m training.{module}", description=text)
    run = Path("runs") / task.network
    parser.add_argument("--run", type=Path, default=run, help="run folder")
    parser.add_argument("--data", type=Path, help="folder of MNIST's four IDX files")
    parser.add_argument("--start", type=Path, help="set of weights to start from (default: random)")
    parser.add_argument("--reader", type=Path, default=BUNDLED, help="set with the other networks")
    parser.add_argument(f"--{unit}", type=int, default=count, help=f"{unit} in total")
    parser.add_argument("--cool", type=int, default=cool, help=f"{unit} over which the rate decays")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help=f"processes that generate {unit}")
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
    """Train, or resume training, up to the total; `arguments` are those of `prepare`."""
    run = RunFolder(arguments.run)
    count = getattr(arguments, task.unit)
    training, validation = task.model(count, arguments.cool), task.validation(run.path)
    if (run.path / _CHECKPOINT).exists():
        training.load(run.path / _CHECKPOINT)
        print(f"resumed after {training.step * task.batch} {task.unit}", flush=True)
    elif arguments.start:
        tensors = getattr(load_run(arguments.start).weights, task.network)
        training.start_from(tensors, task.samples(validation))
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

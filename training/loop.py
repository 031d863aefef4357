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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

from digits import weights
from digits.layers import Layer
from digits.weights import BUNDLED
from training import keras_layers, push
from training.averaged_model import AveragedModel
from training.data.mnist import Mnist, load_mnist
from training.run_folder import RunFolder
from training.synthesis.writing import save_hands
from training.workers import produce

HANDS_FILE: Final = "hands.npz"
_CHECKPOINT: Final = "checkpoint.npz"

Batch = tuple[npt.NDArray[Any], ...]
"""The arrays that a loss takes, after the model."""


@dataclass(frozen=True)
class Task:
    """What a network learns, and how it is measured.

    Attributes:
        network: Its name in a set of weights.
        layers: Its architecture.
        unit: What it learns from, in the plural.
        batch: How many of them are in a batch.
        group: How many batches are made together.
        load: Loads what things are made from, such as hands; a function of a module, or a partial.
        make: Makes a group of batches from that, a seed and an index; a function of a module.
        evaluate: Measures a model.
    """

    network: str
    layers: Sequence[Layer]
    unit: str
    batch: int
    group: int
    load: Callable[[], Any]
    make: Callable[[Any, int, int], Sequence[Batch]]
    evaluate: Callable[[keras.Model], dict[str, Any]]


def parse_arguments(
    module: str, text: str | None, network: str, unit: str, usual: tuple[int, int, int]
) -> argparse.Namespace:
    """Read the command line of a training, and check what it says of publishing.

    Args:
        module: That is run, below `training`.
        text: What the command does.
        network: Name of the network in a set of weights.
        unit: What the network learns from, in the plural.
        usual: How many of them in all, while the rate falls, and between checkpoints.
    """
    count, cool, every = usual
    parser = argparse.ArgumentParser(prog=f"python -m training.{module}", description=text)
    run = Path("runs") / network
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
    return arguments


def prepare_hands(run: Path, data: Path | None, parts: dict[str, slice]) -> None:
    """Trace MNIST's training images for a run, unless that was done before.

    Args:
        run: Folder of the run.
        data: Folder with the MNIST files.
        parts: Which images, by the name of the file in the run's folder.
    """
    run.mkdir(parents=True, exist_ok=True)
    mnist: Mnist | None = None
    for name, part in parts.items():
        if not (run / name).exists():
            mnist = mnist or load_mnist(data)
            save_hands(run / name, mnist.train_images[part], mnist.train_labels[part])


def train(
    task: Task,
    training: AveragedModel,
    arguments: argparse.Namespace,
    samples: Callable[[], npt.NDArray[Any]],
) -> None:
    """Train, or go on training, until all is seen.

    Args:
        task: What is learned.
        training: The model.
        arguments: Of `parse_arguments`.
        samples: Returns what batch normalization is measured on for `--start`.
    """
    run = RunFolder(arguments.run)
    count = getattr(arguments, task.unit)
    if (run.path / _CHECKPOINT).exists():
        training.load(run.path / _CHECKPOINT)
        print(f"going on after {training.step * task.batch} {task.unit}", flush=True)
    elif arguments.start:
        known = getattr(weights.load_folder(arguments.start), task.network)
        training.start_from(task.layers, known, samples())
    group = task.batch * task.group
    started, before = time.monotonic(), training.step * task.batch
    losses: list[float] = []
    scores: dict[str, Any] | None = None
    indices = range(before // group, -(-count // group))
    for batches in produce(task.make, task.load, arguments.seed, indices, arguments.workers):
        losses += [training.learn(*batch) for batch in batches]
        seen = training.step * task.batch
        if seen % arguments.every < group or seen >= count:
            training.save(run.path / _CHECKPOINT)
            arrays = keras_layers.folded(training.averaged, task.layers)
            run.write_bytes(f"{task.network}.safetensors", weights.serialize(arrays))
            speed = (seen - before) / (time.monotonic() - started)
            line = {task.unit: seen, "loss": round(float(np.mean(losses)), 4)}
            line |= {f"{task.unit}_per_second": round(speed, 1)}
            scores = task.evaluate(training.averaged)
            run.log(line | {"validation": scores})
            losses = []
    scores = scores or task.evaluate(training.averaged)
    run.become_set(arguments.reader, task.network, scores)
    push.push(run.path, arguments)

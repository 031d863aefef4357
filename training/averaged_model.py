"""A model in training, and the moving average of its weights, which is what is kept."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from digits.layers import Layer
from digits.weights import BUNDLED
from training import keras_layers

_AVERAGE: Final = 0.998
"""Share of the moving average that a step keeps."""

_RATE: Final = 2e-3
_WARM_UP: Final = 300  # steps


def rate_at(step: int, steps: int, cooling: int) -> float:
    """Return the learning rate at a step: it falls over the last `cooling` of them."""
    warm = min(1.0, (step + 1) / _WARM_UP)
    left = min(1.0, max(0.0, steps - step) / max(cooling, 1))
    return _RATE * warm * max(left, 1e-3)


def add_arguments(
    parser: argparse.ArgumentParser, run: Path, unit: str, usual: tuple[int, int, int]
) -> None:
    """Add the options of a training with a moving average.

    Args:
        parser: Of the command.
        run: Folder of the run, where none is named.
        unit: What it learns from, in the plural.
        usual: How many of them in all, while the rate falls, and between checkpoints.
    """
    count, cool, every = usual
    parser.add_argument("--run", type=Path, default=run, help="folder of the run")
    parser.add_argument("--data", type=Path, help="folder with the MNIST files")
    parser.add_argument("--start", type=Path, help="set of weights to start from (else random)")
    parser.add_argument("--reader", type=Path, default=BUNDLED, help="set with the other networks")
    parser.add_argument(f"--{unit}", type=int, default=count, help=f"{unit} to learn from, in all")
    parser.add_argument("--cool", type=int, default=cool, help=f"{unit} while the rate falls")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help=f"processes that make {unit}")
    parser.add_argument("--every", type=int, default=every, help=f"{unit} between checkpoints")


class AveragedModel:
    """A model, its optimizer and the moving average of its weights.

    Args:
        build: Returns a new model.
        steps: How many there will be in all.
        cooling: Over how many of them the learning rate falls.

    Attributes:
        model: Learns.
        averaged: The same with averaged weights.
        step: How many steps were made.
    """

    def __init__(self, build: Callable[[], keras.Model], steps: int, cooling: int) -> None:
        self.model, self.averaged = build(), build()
        self.averaged.set_weights(self.model.get_weights())
        self._optimizer = keras.optimizers.AdamW(_RATE, weight_decay=1e-4, clipnorm=1.0)
        self._optimizer.build(self.model.trainable_variables)
        self.step = 0
        self._steps, self._cooling = steps, cooling
        self._keep = tf.Variable(0.0, trainable=False)

    def next_step(self) -> None:
        """Set rate and average for the step that follows."""
        self._optimizer.learning_rate.assign(rate_at(self.step, self._steps, self._cooling))
        self._keep.assign(min(_AVERAGE, (1 + self.step) / (10 + self.step)))
        self.step += 1

    def learn(self, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """Apply the gradients of a loss; may be part of a graph."""
        variables = self.model.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        for average, weight in zip(self.averaged.weights, self.model.weights, strict=True):
            average.assign(self._keep * average + (1 - self._keep) * weight)

    def save(self, path: Path) -> None:
        """Write a checkpoint; a kill while it is written leaves the one before."""
        state = {f"model{i}": w for i, w in enumerate(self.model.get_weights())}
        state |= {f"averaged{i}": w for i, w in enumerate(self.averaged.get_weights())}
        state |= {f"optimizer{i}": v.numpy() for i, v in enumerate(self._optimizer.variables)}
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, step=self.step, **state)
        partial.replace(path)

    def start_from(
        self,
        layers: Sequence[Layer],
        arrays: Mapping[str, npt.NDArray[np.float32]],
        samples: npt.NDArray[np.float32],
    ) -> None:
        """Start from published weights; see `keras_layers.load_folded`."""
        keras_layers.load_folded(self.model, layers, arrays, samples)
        self.averaged.set_weights(self.model.get_weights())

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        with np.load(path) as state:
            self.step = int(state["step"])
            for name, model in (("model", self.model), ("averaged", self.averaged)):
                model.set_weights([state[f"{name}{i}"] for i in range(len(model.weights))])
            for index, variable in enumerate(self._optimizer.variables):
                variable.assign(state[f"optimizer{index}"])

"""A model in training, and the exponential moving average of its weights."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from digits.layers import Tensors
from training import keras_networks

_AVERAGE: Final = 0.998
"""Decay of the moving average."""

_RATE: Final = 2e-3
_WARM_UP: Final = 300  # steps

Loss = Callable[..., tf.Tensor]
"""Takes a model's outputs for a batch's first array, and its other arrays, the targets."""


def rate_at(step: int, steps: int, cooling: int) -> float:
    """Return the learning rate at a step: warm-up first, decay over the last `cooling` steps."""
    warm = min(1.0, (step + 1) / _WARM_UP)
    left = min(1.0, max(0.0, steps - step) / max(cooling, 1))
    return _RATE * warm * max(left, 1e-3)


class AveragedModel:
    """A model in training, and the exponential moving average of its weights, which is saved.

    Args:
        build: Returns a new model.
        loss: The loss function.
        steps: Total number of training steps.
        cooling: Number of final steps over which the learning rate decays.
        signature: Shapes and dtypes of a batch's arrays, if shapes vary between batches.

    Attributes:
        model: The model that is trained.
        averaged: The same model with averaged weights.
        step: Number of steps so far.
    """

    def __init__(
        self,
        build: Callable[[], keras.Model],
        loss: Loss,
        steps: int,
        cooling: int,
        signature: Sequence[tf.TensorSpec] | None = None,
    ) -> None:
        self.model, self.averaged = build(), build()
        self.averaged.set_weights(self.model.get_weights())
        self._optimizer = keras.optimizers.AdamW(_RATE, weight_decay=1e-4, clipnorm=1.0)
        self._optimizer.build(self.model.trainable_variables)
        self.step = 0
        self._loss = loss
        self._steps, self._cooling = steps, cooling
        self._keep = tf.Variable(0.0, trainable=False)
        self._compiled = tf.function(self._learn, input_signature=signature, autograph=False)

    def learn(self, *batch: npt.NDArray[Any]) -> float:
        """Train on one batch; return the loss."""
        self._optimizer.learning_rate.assign(rate_at(self.step, self._steps, self._cooling))
        self._keep.assign(min(_AVERAGE, (1 + self.step) / (10 + self.step)))
        self.step += 1
        return float(self._compiled(*batch))

    def _learn(self, inputs: tf.Tensor, *targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            outputs = self.model(tf.cast(inputs, tf.float32), training=True)
            loss = self._loss(outputs, *targets)
        variables = self.model.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        for average, weight in zip(self.averaged.weights, self.model.weights, strict=True):
            average.assign(self._keep * average + (1 - self._keep) * weight)
        return loss

    def save(self, path: Path) -> None:
        """Save a checkpoint; if killed while writing, the previous one is kept."""
        state = {f"model{i}": w for i, w in enumerate(self.model.get_weights())}
        state |= {f"averaged{i}": w for i, w in enumerate(self.averaged.get_weights())}
        state |= {f"optimizer{i}": v.numpy() for i, v in enumerate(self._optimizer.variables)}
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, step=self.step, **state)
        partial.replace(path)

    def start_from(self, tensors: Tensors, samples: npt.NDArray[Any]) -> None:
        """Start from published weights; see `keras_networks.load_folded`."""
        keras_networks.load_folded(self.model, tensors, samples)
        self.averaged.set_weights(self.model.get_weights())

    def load(self, path: Path) -> None:
        """Restore a checkpoint."""
        with np.load(path) as state:
            self.step = int(state["step"])
            for name, model in (("model", self.model), ("averaged", self.averaged)):
                model.set_weights([state[f"{name}{i}"] for i in range(len(model.weights))])
            for index, variable in enumerate(self._optimizer.variables):
                variable.assign(state[f"optimizer{index}"])

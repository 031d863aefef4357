"""Keras models of the networks in `digits.networks`, and their weights by name."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from digits import networks
from digits.networks import (
    Conv,
    Crop,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    Step,
)
from digits.onnx_graph import BATCH_NORM_EPSILON
from digits.weights import Tensors

_NEW_KEYS = frozenset(
    {
        "input_axes",
        "optional",
        "output_axes",
        "quantization_config",
        "renorm",
        "renorm_clipping",
        "renorm_momentum",
    }
)
"""Options of layers and initializers, all at their defaults, that Keras 3.3 does not know."""


def build(name: str) -> keras.Sequential:
    """Build a network of `digits.networks.NETWORKS` with fresh weights, not compiled.

    Its layers are named as `digits.networks.steps` names them.

    Raises:
        ValueError: If there is no network of this name.
    """
    steps = networks.steps(networks.find(name))
    return keras.Sequential(
        [keras.Input(networks.IMAGE_SHAPE), *(layer for step in steps for layer in _layers(step))],
        name=name,
    )


def _layers(step: Step) -> list[keras.Layer]:  # noqa: PLR0911 - one for each record
    name = step.name
    match step.layer:
        case Conv() as conv:
            options = {"strides": conv.stride, "padding": conv.padding, "name": name}
            if not conv.batch_norm:
                return [layers.Conv2D(conv.filters, conv.kernel, activation="relu", **options)]
            return [
                layers.Conv2D(conv.filters, conv.kernel, use_bias=False, **options),
                layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=f"{name}_norm"),
                layers.ReLU(name=f"{name}_relu"),
            ]
        case MaxPool(size=size):
            return [layers.MaxPooling2D(size, name=name)]
        case Crop(margin=margin):
            return [layers.Cropping2D(margin, name=name)]
        case Flatten():
            return [layers.Flatten(name=name)]
        case GlobalAveragePool():
            return [layers.GlobalAveragePooling2D(name=name)]
        case Dropout(rate=rate):
            return [layers.Dropout(rate, name=name)]
        case Dense(units=units, activation=activation):
            return [layers.Dense(units, activation=activation, name=name)]


def read_tensors(model: keras.Model) -> Tensors:
    """Read the weights of a model: float32, named and shaped as `digits.networks.shapes` says."""
    return {name: np.asarray(variable) for name, variable in _variables(model).items()}


def assign_tensors(model: keras.Model, tensors: Mapping[str, npt.NDArray[np.float32]]) -> None:
    """Set the weights of a model from what `read_tensors` returns."""
    for name, variable in _variables(model).items():
        variable.assign(tensors[name])


def portable(config: Any) -> Any:  # noqa: ANN401 - JSON
    """Drop from a config what only this version of Keras writes: new options, at defaults."""
    match config:
        case dict():
            return {key: portable(value) for key, value in config.items() if key not in _NEW_KEYS}
        case list():
            return [portable(value) for value in config]
        case _:
            return config


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    found = {}
    for layer in model.layers:
        for variable in layer.weights:
            if variable.name != "seed_generator_state":  # dropout's
                name = variable.name.removeprefix("moving_")
                found[f"{layer.name.removesuffix('_norm')}.{name}"] = variable
    return found

"""The networks by name: architecture lives in code, files hold weights only.

Every network takes `(N, 28, 28, 1)` float32 images in `[0, 1]` (0 paper, 1 full ink) and gives
probabilities: `(N, 10)` by digit, or `(N, 11)` where class 10 means "not a digit".
"""

from collections.abc import Callable

import keras
from keras import layers

IMAGE_SHAPE = (28, 28, 1)
NOT_A_DIGIT = 10


def dense128() -> keras.Sequential:
    """Two convolutions and one hidden layer of 128: 225,034 parameters."""
    return _sequential(
        "dense128",
        *_two_convolutions(),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    )


def dense128_onehot() -> keras.Sequential:
    """The layers of `dense128`; its recipe differs, with one-hot labels."""
    return dense128()


def dropout() -> keras.Sequential:
    """Two convolutions, half of the features dropped while training: 34,826 parameters."""
    return _sequential(
        "dropout",
        *_two_convolutions(),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    )


def fnn() -> keras.Sequential:
    """No convolution at all, two hidden layers of 256 and 128: 235,146 parameters."""
    return _sequential(
        "fnn",
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    )


def conv3() -> keras.Sequential:
    """Three convolutions and one hidden layer of 64: 93,322 parameters."""
    return _sequential(
        "conv3",
        *_two_convolutions(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    )


def conv7() -> keras.Model:
    """Seven normalized convolutions, two of them strided, and an average: the default network.

    Strided convolutions instead of pooling after wide ones keep the cost where the picture is
    small; the global average lets a digit sit a pixel off without a change of the answer.
    The eleventh output is "not a digit".
    """
    image = x = keras.Input(IMAGE_SHAPE)
    x = _convolution(x, 16)
    x = _convolution(x, 32, strides=2)
    x = _convolution(x, 48)
    x = _convolution(x, 48)
    x = _convolution(x, 96, strides=2)
    x = _convolution(x, 96)
    x = _convolution(x, 96)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(image, layers.Dense(11, activation="softmax")(x), name="conv7")


def strided3() -> keras.Model:
    """Three normalized, strided convolutions, the quickest to 99 %: 37,850 parameters.

    The outer two pixels hold 0.24 % of the ink of MNIST's training images; they are cut off.
    """
    image = x = keras.Input(IMAGE_SHAPE)
    x = layers.Cropping2D(2)(x)
    x = _convolution(x, 16, kernel=5, strides=2)
    x = _convolution(x, 32, kernel=5, strides=2)
    x = _convolution(x, 64, strides=2)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(10, activation="softmax")(x), name="strided3")


NETWORKS: dict[str, Callable[[], keras.Model]] = {
    "conv7": conv7,
    "dense128": dense128,
    "dropout": dropout,
    "dense128-onehot": dense128_onehot,
    "fnn": fnn,
    "conv3": conv3,
    "strided3": strided3,
}
DEFAULT_NETWORK = "conv7"


def build(name: str) -> keras.Model:
    """Build a network with fresh weights.

    Args:
        name: A key of `NETWORKS`.

    Returns:
        The network, not compiled.

    Raises:
        ValueError: If there is no network of this name.
    """
    if name not in NETWORKS:
        raise ValueError(f"Expected a network of {', '.join(NETWORKS)}. Received: name={name!r}")
    return NETWORKS[name]()


def _sequential(name: str, *steps: keras.Layer) -> keras.Sequential:
    return keras.Sequential([keras.Input(IMAGE_SHAPE), *steps], name=name)


def _two_convolutions() -> tuple[keras.Layer, ...]:
    return (
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
    )


def _convolution(
    x: keras.KerasTensor, filters: int, kernel: int = 3, strides: int = 1
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))

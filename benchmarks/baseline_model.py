"""The baseline's model: the network `dense128` of this repository, saved whole as usual.

    python -m benchmarks.baseline_model MODEL.keras [--data MNIST_FOLDER]

With MNIST it is trained for one epoch by the repository's own training; without, its weights are
random. No speed depends on them: the same operations run on the same sizes.
"""

import argparse
import tempfile
from pathlib import Path

import keras

from digits.weights import load_folder
from training import console, keras_networks, recipes
from training.data.mnist import load_mnist
from training.train import Job, train

NETWORK = "dense128"

_DECISIVE = 20.0
"""Random weights say about 10 % to every digit; this much larger ones in the last layer give every
drawing other confidences, as trained ones do."""


def random_model() -> keras.Model:
    """Build the network with random weights, seeded."""
    keras.utils.set_random_seed(0)
    model = keras_networks.build(NETWORK)
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([_DECISIVE * kernel, bias])
    return model


def trained_model(mnist_folder: Path, limit: int | None = None) -> keras.Model:
    """Train the network."""
    recipe = recipes.Recipe(network=NETWORK, epochs=1, loss="sparse_categorical_crossentropy")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        train(Job(recipe=recipe, limit=limit), load_mnist(mnist_folder), run)
        model = keras_networks.build(NETWORK)
        keras_networks.assign_tensors(model, load_folder(run).tensors)
    return model


def main() -> None:
    """Write the model."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.baseline_model")
    parser.add_argument("path", type=Path)
    parser.add_argument("--data", type=Path, metavar="MNIST_FOLDER")
    arguments = parser.parse_args()
    model = trained_model(arguments.data) if arguments.data else random_model()
    model.save(arguments.path)


if __name__ == "__main__":
    console.run(main)

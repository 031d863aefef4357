"""The baseline's model: the network `dense128` of this repository, saved as a whole Keras model.

    python -m benchmarks.baseline_model MODEL.keras

Its weights are random, as speed does not depend on them.
"""

import sys

import keras

from training import keras_networks

_DECISIVE = 20.0
"""Factor of the last layer's random weights, which would otherwise give every digit about 10 %:
with it, confidences differ between drawings, as with trained weights."""


def main() -> None:
    """Save the model to the file named on the command line."""
    keras.utils.set_random_seed(0)
    model = keras_networks.build("dense128")
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([_DECISIVE * kernel, bias])
    model.save(sys.argv[1])


if __name__ == "__main__":
    main()

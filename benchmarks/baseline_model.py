"""The baseline's model: the network `dense128` of this repository, saved whole as usual.

    python -m benchmarks.baseline_model MODEL.keras

Its weights are random, as no speed depends on them: the same operations run on the same sizes.
"""

import sys

import keras

from training import keras_networks

_DECISIVE = 20.0
"""Random weights say about 10 % to every digit; this much larger ones in the last layer give every
drawing other confidences, as trained ones do."""


def main() -> None:
    """Write the model to the file that the command line names."""
    keras.utils.set_random_seed(0)
    model = keras_networks.build("dense128")
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([_DECISIVE * kernel, bias])
    model.save(sys.argv[1])


if __name__ == "__main__":
    main()

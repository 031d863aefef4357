"""The finder as a Keras model."""

import keras

from digits.segmentation.letterbox import SIDE
from digits.segmentation.network import LAYERS, PICTURE
from training import keras_layers

_BIASES = {"classes": (2.0, 0.0, 0.0, 0.0), "centres": (-4.0, 3.5)}
"""What the heads say at first: nothing, no centre, digits 33 pixels high."""


def build() -> keras.Model:
    """Build the model: `(N, 384, 384, 3)` float32 in `[0, 255]` to the logits of both heads."""
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    scaled = keras.layers.Rescaling(1 / 255, name=PICTURE)(pixels)
    made = keras_layers.connect(LAYERS, {PICTURE: scaled}, _BIASES)
    return keras.Model(pixels, [made["classes"], made["centres"]], name="finder")

"""The line reader as a Keras model."""

import keras

from digits.numbers.frame import HEIGHT
from digits.numbers.network import LAYERS, LINE
from training import keras_layers


def build() -> keras.Model:
    """Build the model: `(N, 32, w, 1)` float32 in `[0, 1]` to `(N, 1, w / 2, 12)` logits."""
    line = keras.Input((HEIGHT, None, 1), name=LINE)
    made = keras_layers.connect(LAYERS, {LINE: line}, {})
    return keras.Model(line, made["columns"], name="line_reader")

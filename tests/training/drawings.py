"""Simple drawings for tests: strokes `UNIT` wide or high."""

import numpy as np

from training.handwriting import strokes
from training.handwriting.strokes import Sample

_ANGLE = np.linspace(0, 2 * np.pi, 60)
_CIRCLE = np.column_stack([np.cos(_ANGLE), np.sin(_ANGLE)])

ONE = [np.array([[0, 0], [0, 1000]], float)]
SEVEN = [np.array([[0, 0], [600, 0], [200, 1000]], float)]
OVAL = [500 + _CIRCLE * (300, 500)]
RING = [500 + _CIRCLE * 400]
CROSS = [np.array([[0, 500], [1000, 500]], float), np.array([[500, 0], [500, 1000]], float)]

SAMPLES = [Sample("a", "7", SEVEN), Sample("a", "1", ONE), Sample("b", "0", OVAL)]
LETTERS = [
    Sample("a", "V", [np.array([[0, 0], [300, 1000], [600, 0]], float)]),
    Sample("a", "T", [np.array([[0, 0], [600, 0]], float), np.array([[300, 0], [300, 1000]])]),
]


def mnist_image(drawing, pen=2.5):
    """Draw strokes as in MNIST: 20 pixels high, centered in 28x28."""
    placed = [stroke * 0.018 + 5 for stroke in drawing]
    return np.round(255 * strokes.draw(placed, (28, 28), pen)).astype(np.uint8)

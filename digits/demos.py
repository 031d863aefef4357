"""Networks of well-known demos, compared with the served one on the same drawing.

Each network reads the drawing twice: with the whole pad shrunk to 28x28, as in those demos, and in
MNIST's frame, as produced by `digits.preprocessing.normalize`. This shows visitors on their own
digit how much the frame matters, whatever the network.
"""

import json
from functools import cached_property
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from digits import weights
from digits.ink import InkArray
from digits.preprocessing import IMAGE_SIDE, normalize

if TYPE_CHECKING:
    from digits.recognizer import Recognizer

FOLDER: Final = weights.BUNDLED / "demos"
"""Contains `NETWORK.safetensors` in half precision for each of `DEMOS`, and `metrics.json`."""

METRICS: Final = "metrics.json"

DEMOS: Final = ("fnn", "dropout", "dense128", "dense128-onehot", "conv3")
"""Keys of `digits.networks.NETWORKS`."""


class Guess(BaseModel):
    """A digit and its probability."""

    digit: int
    confidence: float


class Compared(BaseModel):
    """A network's answers for the whole pad shrunk to 28x28 and for MNIST's frame."""

    network: str | None  # None for the served one
    accuracy: float  # on MNIST's test set
    shrunk: Guess
    normalized: Guess


class NetworkError(ValueError):
    """There is no network of this name; the text lists the valid ones."""


class Demos:
    """The bundled networks of the demos, each loaded on first use. Thread-safe."""

    def __init__(self) -> None:
        """Create an empty cache of networks."""
        self._recognizers: dict[str, Recognizer] = {}

    def recognizer(self, network: object, served: "Recognizer") -> "Recognizer":
        """Replace the served network by one of `DEMOS`, which rejects no single digit.

        If `network` is None, `served` itself is returned.

        Raises:
            NetworkError: If `network` is anything else.
        """
        if network is None:
            return served
        if not isinstance(network, str) or network not in DEMOS:
            raise NetworkError(f"Leave the network out, or send one of {', '.join(DEMOS)}.")
        if network not in self._recognizers:
            data = (FOLDER / f"{network}.safetensors").read_bytes()
            tensors = weights.parse_tensors(data, network)
            self._recognizers[network] = served.with_network(network, tensors)
        return self._recognizers[network]

    def compare(self, images: InkArray, served: "Recognizer") -> list[Compared]:
        """Read `(2, 28, 28)` of `shrink_and_normalize` with every network, the served one last."""
        accuracies = self._accuracies | {
            None: served.weights.metrics["mnist_test"]["top1_accuracy"]
        }
        return [
            _row(name, accuracies[name], self.recognizer(name, served).predict_images(images))
            for name in (*DEMOS, None)
        ]

    @cached_property
    def _accuracies(self) -> dict[str | None, float]:
        return json.loads((FOLDER / METRICS).read_text("utf-8"))


def shrink_and_normalize(ink: InkArray) -> InkArray:
    """Shrink the whole pad, as the usual demo does, and normalize its ink to MNIST's frame.

    From `(h, w)` with some ink to `(2, 28, 28)`, both float32 in `[0, 1]`.
    """
    shrunk = cv2.resize(ink, (IMAGE_SIDE, IMAGE_SIDE), interpolation=cv2.INTER_AREA)
    return np.stack([np.asarray(shrunk, np.float32), normalize(ink)])


def _row(network: str | None, accuracy: float, probabilities: npt.NDArray[np.float32]) -> Compared:
    shrunk, normalized = (
        Guess(digit=int(row[:10].argmax()), confidence=float(row[:10].max() / row[:10].sum()))
        for row in probabilities.astype(np.float64)
    )
    return Compared(network=network, accuracy=accuracy, shrunk=shrunk, normalized=normalized)

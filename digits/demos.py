"""The networks of well-known demos, asked beside the served one about one drawing.

Each sees it twice: as those demos show it to their network, the whole pad shrunk to 28x28, and in
MNIST's frame, as `digits.preprocessing.normalize` makes it. So a visitor sees on a digit of their
own what the frame is worth, whatever the network.
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
"""`NETWORK.safetensors` in half precision for each of `DEMOS`, and `metrics.json`."""

METRICS: Final = "metrics.json"

DEMOS: Final = ("fnn", "dropout", "dense128", "dense128-onehot", "conv3")
"""Keys of `digits.networks.NETWORKS`."""


class Guess(BaseModel):
    """A digit and its probability."""

    digit: int
    confidence: float


class Compared(BaseModel):
    """What a network says of the whole pad shrunk to 28x28, and of MNIST's frame."""

    network: str | None  # None for the served one
    accuracy: float  # share of MNIST's test set that it reads right
    shrunk: Guess
    normalized: Guess


class NetworkError(ValueError):
    """No network of this name can be asked; the text says which can."""


class Demos:
    """The bundled demos' networks; loaded when they are first asked, safe to share."""

    def __init__(self) -> None:
        """Load nothing yet."""
        self._recognizers: dict[str, Recognizer] = {}

    def recognizer(self, network: object, served: "Recognizer") -> "Recognizer":
        """Put one of `DEMOS` in the served network's place, where it rejects no single digit.

        Without a name, the served network stays.

        Raises:
            NetworkError: If it is anything else.
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
        """Ask every network about `(2, 28, 28)` of `shrink_and_normalize`, the served one last."""
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
    """Shrink the whole pad, as the usual demo does, and bring its ink into MNIST's frame.

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

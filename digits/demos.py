"""The networks of well-known demos, asked beside the served one about one drawing.

Each sees it twice: as those demos show it to their network, the whole pad shrunk to 28x28, and in
MNIST's frame, as `digits.preprocessing.normalize` makes it. So a visitor sees on a digit of their
own what the frame is worth, whatever the network.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from digits import networks, weights
from digits.ink import InkArray
from digits.numbers.lattice import Classify
from digits.preprocessing import IMAGE_SIDE, normalize

FOLDER: Final = weights.BUNDLED / "demos"
"""`NETWORK.safetensors` in half precision for each of `DEMOS`, and `metrics.json`."""

METRICS: Final = "metrics.json"

DEMOS: Final = ("fnn", "dropout", "dense128", "dense128-onehot", "conv3")
"""Keys of `digits.networks.NETWORKS`."""


@dataclass(frozen=True)
class Answer:
    """What one network says of one image: the likeliest digit and its probability."""

    digit: int
    confidence: float


@dataclass(frozen=True)
class Row:
    """What one network says of a drawing.

    Attributes:
        network: Its name; None for the served one.
        accuracy: Share of MNIST's test set that it reads right.
        shrunk: Of the whole pad, shrunk to 28x28.
        normalized: Of the same drawing in MNIST's frame.
    """

    network: str | None
    accuracy: float
    shrunk: Answer
    normalized: Answer

    def as_json(self) -> dict[str, Any]:
        """Return the row as `/v1/compare` answers it."""
        return {
            "network": self.network,
            "accuracy": self.accuracy,
            "shrunk": vars(self.shrunk),
            "normalized": vars(self.normalized),
        }


class Demos:
    """The bundled demos' networks; loaded when they are first asked, safe to share."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Remember where they lie."""
        self._folder = folder

    def compare(self, images: InkArray, served: Classify, served_accuracy: float) -> list[Row]:
        """Ask every network about one drawing, the served one last.

        Args:
            images: `(2, 28, 28)` float32 in `[0, 1]`, as of `shrink_and_normalize`.
            served: As `Recognizer.predict_images`.
            served_accuracy: Share of MNIST's test set that it reads right.

        Returns:
            A row for each network.
        """
        rows = [
            _row(name, accuracy, classify(images))
            for name, (accuracy, classify) in self._networks.items()
        ]
        return [*rows, _row(None, served_accuracy, served(images))]

    @cached_property
    def _networks(self) -> dict[str, tuple[float, Classify]]:
        accuracies = json.loads((self._folder / METRICS).read_text("utf-8"))
        return {name: (accuracies[name], self._open(name)) for name in DEMOS}

    def _open(self, name: str) -> Classify:
        from digits import onnx_graph  # noqa: PLC0415 - the page does not wait for the runtime

        data = (self._folder / f"{name}.safetensors").read_bytes()
        graph = onnx_graph.build(networks.find(name), weights.parse_tensors(data, name))
        session = onnx_graph.open_session(graph)

        def classify(images: InkArray) -> InkArray:
            asked = {onnx_graph.INPUT: images[..., None]}
            rows: InkArray = session.run([onnx_graph.PROBABILITIES], asked)[0]
            return rows

        return classify


def shrink_and_normalize(ink: InkArray) -> InkArray:
    """Shrink the whole pad, as the usual demo does, and bring its ink into MNIST's frame.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`, the whole pad, with some ink.

    Returns:
        `(2, 28, 28)` float32 in `[0, 1]`.
    """
    shrunk = cv2.resize(ink, (IMAGE_SIDE, IMAGE_SIDE), interpolation=cv2.INTER_AREA)
    return np.stack([np.asarray(shrunk, np.float32), normalize(ink)])


def _row(network: str | None, accuracy: float, probabilities: npt.NDArray[np.float32]) -> Row:
    shrunk, normalized = (
        Answer(int(row[:10].argmax()), float(row[:10].max() / row[:10].sum()))
        for row in probabilities.astype(np.float64)
    )
    return Row(network, accuracy, shrunk, normalized)

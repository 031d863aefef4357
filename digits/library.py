"""The Python API: load weights from the Hub or a folder, and read pictures of any kind."""

import os
import re
from pathlib import Path
from typing import Final, TypeAlias

from huggingface_hub import constants
from PIL import Image

from digits import hub, weights
from digits.pictures import Samples, load_picture
from digits.prediction import Prediction, Reading
from digits.recognizer import Recognizer
from digits.service import DEFAULT_REVISION
from digits.weights import Weights, WeightsError

Source: TypeAlias = str | os.PathLike[str] | bytes | Image.Image | Samples
"""The path or content of a picture file, a Pillow image or an array of pixels."""

_REPO: Final = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


class Reader:
    """Reads pictures with one set of weights. Thread-safe.

    Attributes:
        model: The weights in use: `bundled`, `owner/name@0123abc`, or their folder.
    """

    def __init__(self, recognizer: Recognizer, model: str) -> None:
        """Wrap a recognizer; `model` names its weights."""
        self.model = model
        self._recognizer = recognizer

    def predict(self, source: Source) -> Prediction:
        """Read the one handwritten digit in a picture, as `/predict` does.

        Args:
            source: The picture: dark on light or light on dark, drawn, scanned or photographed. An
                array is `(H, W)` gray, `(H, W, 3)` RGB or `(H, W, 4)` RGBA of any real dtype; raw
                MNIST images work too.

        Returns:
            The prediction. A picture without a digit is no error: the prediction has the reason.

        Raises:
            PictureError: If the source is not a picture or cannot be read.
        """
        return self._recognizer.predict(load_picture(source))

    def read(self, source: Source) -> Reading:
        """Read all handwritten digits in a picture, line by line, as `/read` does.

        Accepts and raises the same as `predict`. Numbers are ordered from top to bottom; there are
        none if the picture has no digits.
        """
        return self._recognizer.read(load_picture(source))


def load(model: str | os.PathLike[str] | None = None, revision: str | None = None) -> Reader:
    """Load weights; this takes a moment, after which each picture takes milliseconds.

    Args:
        model: A run folder, or `owner/name` of a model repository on the Hub; None for the bundled
            weights. An existing folder takes precedence over the Hub.
        revision: Branch, tag or commit of the repository; None is `main`.

    Raises:
        HubError: If the download fails.
        WeightsError: If there are no weights, they fail a check of `digits.weights`, those of a
            repository cannot read known digits, or a revision is given without a repository.
    """
    found = _find(model, revision)
    recognizer = Recognizer(found)
    if found.origin.repo:
        # As in the app. A local run is not checked, so that an undertrained one can be inspected.
        recognizer.self_test()
    if model is None or found.origin.repo:
        return Reader(recognizer, found.origin.label)
    return Reader(recognizer, os.fspath(model))


def _find(model: str | os.PathLike[str] | None, revision: str | None) -> Weights:
    if isinstance(model, str) and _REPO.fullmatch(model) and not Path(model).is_dir():
        cache = Path(constants.HF_HUB_CACHE)
        return hub.fetch(model, revision or DEFAULT_REVISION, cache=cache)
    if revision:
        raise WeightsError(
            "Expected a revision only with owner/name of a repository on the Hub. "
            f"Received: model={model!r}, revision={revision!r}."
        )
    folder = weights.BUNDLED if model is None else Path(model)
    if not folder.is_dir():
        raise WeightsError(f"Expected a run folder, or owner/name on the Hub. Received: {folder}")
    return weights.load_folder(folder)

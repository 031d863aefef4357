"""Reading pictures from Python: weights by where they lie, pictures by whatever holds them."""

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
"""A picture file by its path or its content, a Pillow image or an array of pixels."""

_REPO: Final = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


class Reader:
    """One set of weights that reads any picture; safe to share between threads.

    Attributes:
        model: Which weights answer: `bundled`, `owner/name@0123abc`, or the folder they lie in.
    """

    def __init__(self, recognizer: Recognizer, model: str) -> None:
        """Take a recognizer and the name of its weights."""
        self.model = model
        self._recognizer = recognizer

    def predict(self, source: Source) -> Prediction:
        """Read the one handwritten digit in a picture, as `/predict` does.

        Args:
            source: The picture: dark on light or light on dark, drawn, scanned or photographed. An
                array is `(H, W)` gray, `(H, W, 3)` RGB or `(H, W, 4)` RGBA of any real dtype; an
                image of MNIST as it is will do.

        Returns:
            The answer. A picture without a digit is an answer too, with the reason for it.

        Raises:
            PictureError: If it is no picture, or none that can be read.
        """
        return self._recognizer.predict(load_picture(source))

    def read(self, source: Source) -> Reading:
        """Read all handwritten digits in a picture, line by line, as `/read` does.

        `source` and errors are as of `predict`. Numbers come from top to bottom; none where there
        is no digit.
        """
        return self._recognizer.read(load_picture(source))


def load(model: str | os.PathLike[str] | None = None, revision: str | None = None) -> Reader:
    """Make weights ready to read; this takes a moment, each picture then milliseconds.

    Args:
        model: A run folder, or `owner/name` of a model repository on the Hub; None is the weights
            that come with this package. A folder that exists is taken before the Hub is asked.
        revision: Branch, tag or commit of the repository; None is `main`.

    Raises:
        HubError: If the Hub does not deliver.
        WeightsError: If there are no weights, they fail a check of `digits.weights`, those of a
            repository cannot read known digits, or a revision is given without a repository.
    """
    found = _find(model, revision)
    recognizer = Recognizer(found)
    if found.origin.repo:
        # As in the app. Whoever tries a run of one's own may find out how little it has learned.
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

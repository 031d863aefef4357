"""Handler for Hugging Face Inference Endpoints, with the responses of the app's `/predict`.

It is published as `handler.py` in the model repository, where the Endpoints toolkit looks for it.
It needs only what is published beside it: the weights, the modules in `digits/`, and the packages
in `requirements.txt`. It downloads nothing.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from PIL import Image

from digits.pictures import MAX_FILE_BYTES, Picture, PictureError, load_picture
from digits.recognizer import Recognizer
from digits.weights import load_folder

MAX_BATCH: Final = 256
"""Maximum number of pictures in a request; other requests wait meanwhile."""

_HOW: Final = (
    'Send {"inputs": "..."} with the picture file in base64, {"inputs": ["...", "..."]} for '
    "several, or the bytes of one file with a Content-Type such as image/png."
)
_MAX_TEXT: Final = MAX_FILE_BYTES * 4 // 3 + 100  # base64 and the prefix of a data: URL


class InputError(ValueError):
    """The input cannot be read; the message says what to send instead."""


class EndpointHandler:
    """Serves one snapshot of the model repository."""

    def __init__(self, path: str = "") -> None:
        """Load and verify the weights in the snapshot's folder.

        Raises:
            WeightsError: If files are missing or do not belong together.
        """
        weights = load_folder(Path(path))
        self._recognizer = Recognizer(weights)
        self._model = f"{weights.config.network} {weights.config.sha256[:12]}"

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any] | list[dict[str, Any]]:
        """Read the one digit of each picture.

        Args:
            data: `inputs` is a picture file in base64 or as a `data:` URL, its bytes, a Pillow
                image, or a list of these; or `{"picture": ...}` with one of them, which the toolkit
                passes on unchanged, where it removes the transparency of the others.

        Returns:
            `digit` (0-9, or None with the `reason` why there is none), `confidences` (ten, sum 1),
            `score` and `model` (network and the start of the weights' SHA-256); a list of these for
            a list.

        Raises:
            InputError: If a picture cannot be read; the message says which, and what to do.
        """
        inputs = data.get("inputs")
        if isinstance(inputs, Mapping) and inputs.keys() == {"picture"}:
            inputs = inputs["picture"]
        if not isinstance(inputs, list):
            return self._read([inputs])[0]
        if not 1 <= len(inputs) <= MAX_BATCH:
            raise InputError(
                f"Expected 1 to {MAX_BATCH} pictures. Received: {len(inputs)}. "
                "Send them in several requests."
            )
        return self._read(inputs)

    def _read(self, inputs: list[Any]) -> list[dict[str, Any]]:
        return [self._recognizer.predict(p).as_json(self._model) for p in _pictures(inputs)]


def _pictures(inputs: list[Any]) -> Iterator[Picture]:
    """Open pictures one at a time, so that only one is in memory at full size."""
    for index, one in enumerate(inputs):
        try:
            yield load_picture(_content(one))
        except (InputError, PictureError) as error:
            where = f"Picture {index + 1} of {len(inputs)}: " if len(inputs) > 1 else ""
            raise InputError(f"{where}{error}") from error


def _content(one: object) -> bytes | Image.Image:
    match one:
        case str():
            return _decode(one)
        case bytes() | Image.Image():
            return one
        case bytearray() | memoryview():
            return bytes(one)
        case _:
            raise InputError(f"Expected a picture. Received: {type(one).__name__}. {_HOW}")


def _decode(text: str) -> bytes:
    if len(text) > _MAX_TEXT:
        raise InputError(
            f"The file is too large: at most {MAX_FILE_BYTES // 1_000_000} MB are accepted. "
            "Make the picture smaller, or save it as JPEG or PNG."
        )
    if text.startswith("data:"):
        _, _, text = text.partition(";base64,")
    elif "://" in text[:20]:
        raise InputError(f"URLs are not fetched. {_HOW}")
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"This text is not base64. {_HOW}") from error
    if not content:
        raise InputError(f"There is no picture in this text. {_HOW}")
    return content

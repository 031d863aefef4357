"""Views: answers as JSON-serializable types that the page can render."""

import base64
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from digits.demos import Demos, NetworkError
from digits.ink import InkArray
from digits.pictures import Picture
from digits.prediction import Reading
from digits.preprocessing import IMAGE_SIDE

if TYPE_CHECKING:
    from digits.recognizer import Recognizer
    from digits.weights import Weights

View = dict[str, Any]

_PREVIEW_SIDE: Final = 880
"""Longer side of the preview in pixels: the page shows it up to 440 high, here at 2x density."""


class ImageError(ValueError):
    """The request does not hold an image as the server encodes it."""


def weights_view(weights: "Weights") -> View:
    """Return the origin of the weights and their errors on MNIST's test set.

    Returns:
        `repo`, `revision`, `commit` (None for the bundled weights), `errors` and `tested`.
    """
    origin, test = weights.origin, weights.metrics["mnist_test"]
    commit = origin.commit and origin.commit[:7]
    return {
        "repo": origin.repo if commit else None,
        "revision": origin.revision,
        "commit": commit,
        "errors": test["errors"],
        "tested": test["count"],
    }


def reading_view(reading: Reading, model: str) -> View:
    """Return `reading.as_json(model)` with the `image` of each digit, as of `encode_image`."""
    view = reading.as_json(model)
    for entry, digit in zip(view["digits"], reading.digits, strict=True):
        entry["image"] = encode_image(digit.image)
    return view


def picture_view(recognizer: "Recognizer", picture: Picture) -> View:
    """Read all digits in a picture and return them with a preview and their positions.

    Args:
        recognizer: The recognizer to use.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.

    Returns:
        A view of kind `digit`, `number` (two digits or more) or `blank`, with `picture` (a data
        URL), `size` `[W, H]`, and `boxes` and `unread` `[[x, y, w, h], ...]` in pixels of `size`.
    """
    model = recognizer.weights.origin.label
    height, width = picture.shape[:2]
    look = recognizer.look(picture)
    reading = reading_view(recognizer.read_look(look), model)
    boxes = [digit["box"] for digit in reading["digits"]]
    shown = {
        "picture": _encode_preview(picture),
        "size": [width, height],
        "boxes": boxes,
        "unread": reading["unread"],
    }
    if len(reading["digits"]) > 1:
        return {"kind": "number", **reading, **shown}
    prediction = recognizer.predict_look(look)
    if prediction.image is None or prediction.box is None:
        return {"kind": "blank", "model": model, **shown}
    if prediction.digit is not None:
        shown["boxes"] = [list(prediction.box)]
    return {
        "kind": "digit",
        "image": encode_image(prediction.image),
        **prediction.as_json(model),
        **shown,
    }


def _encode_preview(picture: Picture) -> str:
    scale = min(1.0, _PREVIEW_SIDE / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    if small.ndim == 3:
        small = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()


def why_view(recognizer: "Recognizer", demos: Demos, request: object) -> View:
    """Explain which ink spoke for and against a digit.

    Args:
        recognizer: The served recognizer.
        demos: The networks of the demos, one of which may be asked instead.
        request: `[image, digit]`: the image as it came with an answer, and 0 to 9; optionally
            followed by the name of the demo's network that answered, or None.

    Returns:
        `digit`, and `shares`: 784 signed bytes in base64, positive where ink speaks for the digit;
        the strongest is 127 or -127. `{"kind": "refused"}` for any other request.
    """
    try:
        match request:
            case [str() as encoded, int() as digit, *more] if is_digit(digit) and len(more) < 2:
                image = decode_image(encoded)
                chosen = demos.recognizer(more[0] if more else None, recognizer)
            case _:
                return {"kind": "refused"}
    except (ImageError, NetworkError):
        return {"kind": "refused"}
    shares = chosen.explain(image, digit)
    strongest = float(np.abs(shares).max())
    scaled = np.round(shares * (127 / strongest)) if strongest else shares
    return {
        "digit": digit,
        "shares": base64.b64encode(scaled.astype(np.int8).tobytes()).decode(),
    }


def is_digit(value: int) -> bool:
    """Return whether a value is 0 to 9; JSON's `true` is not."""
    return type(value) is int and 0 <= value <= 9


def encode_image(image: InkArray) -> str:
    """Encode a (28, 28) float32 image in [0, 1] as 784 bytes in base64, 255 full ink."""
    return base64.b64encode(np.round(image * 255).astype(np.uint8).tobytes()).decode()


def decode_image(encoded: str) -> InkArray:
    """Decode what `encode_image` returned.

    Raises:
        ImageError: If it is anything else.
    """
    try:
        content = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise ImageError("Expected base64. Received: something else") from error
    if len(content) != IMAGE_SIDE**2:
        raise ImageError(f"Expected 784 bytes. Received: {len(content)}")
    pixels = np.frombuffer(content, np.uint8).reshape(IMAGE_SIDE, IMAGE_SIDE)
    return pixels.astype(np.float32) / np.float32(255)

"""What the page is told: plain Python types that the browser can draw."""

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
"""Pixels of the preview's larger side: the page shows it up to 440 high, also on fine screens."""


class ImageError(ValueError):
    """What the browser sent is not the picture that it was shown."""


def weights_view(weights: "Weights") -> View:
    """Say which weights these are and how many test digits they misread.

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
    """Say what was read, with the image of each digit.

    Args:
        reading: What was read.
        model: Which weights answered.

    Returns:
        As of `Reading.as_json`; each digit has its `image` too, 784 bytes in base64, 255 full ink.
    """
    view = reading.as_json(model)
    for entry, digit in zip(view["digits"], reading.digits, strict=True):
        entry["image"] = encode_image(digit.image)
    return view


def picture_view(recognizer: "Recognizer", picture: Picture) -> View:
    """Read the digits in a picture, however many, and show where they are.

    Args:
        recognizer: The weights that answer.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.

    Returns:
        A view of kind `digit`, `number` (two digits or more) or `blank`, with `picture` (a data
        URL), `size` `[W, H]`, and `boxes` and `unread` `[[x, y, w, h], ...]` in its pixels.
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
    """Answer what the page asks when the visitor wants to see why.

    Args:
        recognizer: Who explains.
        demos: The networks that may explain instead.
        request: `[image, digit]`: the image as it came with an answer, and 0 to 9; and a third,
            the network where a demo's has answered.

    Returns:
        `digit`, and `shares`: 784 signed bytes in base64, 127 speaks most for the digit and -127
        most against it. `{"kind": "refused"}` for any other request.
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
    """Tell whether it is 0 to 9, which JSON's `true` is not."""
    return type(value) is int and 0 <= value <= 9


def encode_image(image: InkArray) -> str:
    """Write a (28, 28) float32 image in [0, 1] as 784 bytes in base64, 255 full ink."""
    return base64.b64encode(np.round(image * 255).astype(np.uint8).tobytes()).decode()


def decode_image(encoded: str) -> InkArray:
    """Read what `encode_image` wrote.

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

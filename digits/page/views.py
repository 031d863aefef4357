"""What the page is told about an uploaded picture: plain Python types that the browser can draw."""

import base64
from typing import TYPE_CHECKING, Any, Final

import cv2

from digits.page.why import encode_image
from digits.pictures import Picture
from digits.prediction import Reading

if TYPE_CHECKING:
    from digits.recognizer import Recognizer
    from digits.weights import Weights

View = dict[str, Any]

_PREVIEW_SIDE: Final = 880
"""Pixels of the preview's larger side: the page shows it up to 440 high, also on fine screens."""


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

"""What the page is told about an uploaded picture: plain Python types that the browser can draw."""

import base64
from typing import TYPE_CHECKING, Any, Final

import cv2

from digits.page.why import encode_image
from digits.pictures import Picture

if TYPE_CHECKING:
    from digits.recognizer import Recognizer

View = dict[str, Any]

_PREVIEW_SIDE: Final = 360
"""Pixels of the preview's larger side: twice what the page shows, for fine screens."""


def picture_view(recognizer: "Recognizer", picture: Picture, mode: str) -> View:
    """Read one digit or a number in a picture, and show where it is.

    Args:
        recognizer: The weights that answer.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.
        mode: `digit` or `number`.

    Returns:
        A view of kind `digit`, `number` or `blank`, with `picture` (a data URL), `size` `[W, H]`
        and `boxes` `[[x, y, w, h], ...]` in its pixels.
    """
    model = recognizer.weights.origin.label
    height, width = picture.shape[:2]
    shown = {"picture": _encode_preview(picture), "size": [width, height]}
    if mode == "number":
        # It brings the runtime, which the page does not wait for.
        from digits.reading import read  # noqa: PLC0415

        view = read(recognizer, picture).as_json(model)
        boxes = [digit["box"] for digit in view["digits"]]
        return {"kind": "number", "boxes": boxes, **shown, **view}
    prediction = recognizer.predict(picture)
    if prediction.image is None or prediction.box is None:
        return {"kind": "blank", "mode": "picture", "boxes": [], "model": model, **shown}
    return {
        "kind": "digit",
        "image": encode_image(prediction.image),
        "boxes": [list(prediction.box)],
        **shown,
        **prediction.as_json(model),
    }


def _encode_preview(picture: Picture) -> str:
    scale = min(1.0, _PREVIEW_SIDE / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    if small.ndim == 3:
        small = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()

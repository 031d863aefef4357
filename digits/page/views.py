"""What the page is told about an answer: plain Python types that the browser can draw.

Every view is a dict with a `kind`; `answer.js` has one way to show for each.
"""

import base64
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from digits.ink import BlankPictureError, main_ink, possible_inks
from digits.page.strokes import PAD_WIDTHS, StrokesError, draw, parse_strokes
from digits.page.why import encode_image
from digits.pictures import Picture
from digits.preprocessing import normalize

if TYPE_CHECKING:
    from digits.prediction import Prediction, Recognizer

View = dict[str, Any]

_PREVIEW_SIDE: Final = 360
"""Pixels of the preview's larger side: twice what the page shows, for fine screens."""


_FAINT: Final = 0.02
"""Ink below this is no ink to a box, as in `digits.preprocessing`."""


def drawing_view(recognizer: "Recognizer", request: object) -> View:
    """Answer what the pad asks.

    Args:
        recognizer: Who reads.
        request: `[mode, strokes]` as `pad.js` sends it; anything else is refused.

    Returns:
        A view of kind `digit`, `number`, `blank` or `refused`.
    """
    try:
        mode, message = _parse_request(request)
        strokes = parse_strokes(message)
    except StrokesError:
        return {"kind": "refused"}
    return picture_view(recognizer, draw(strokes, PAD_WIDTHS[mode]), mode)


def _parse_request(request: object) -> tuple[str, object]:
    if not isinstance(request, list) or len(request) != 2:
        raise StrokesError(f"Expected [mode, strokes]. Received: {type(request).__name__}")
    mode, message = request
    if not isinstance(mode, str) or mode not in PAD_WIDTHS:
        raise StrokesError(f"Expected one of {', '.join(PAD_WIDTHS)}. Received: another mode")
    return mode, message


def picture_view(recognizer: "Recognizer", picture: Picture, mode: str) -> View:
    """Read one digit or a number in a picture.

    Args:
        recognizer: Who reads.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.
        mode: `digit` or `number`.

    Returns:
        A view of kind `digit`, `number` or `blank`.
    """
    model = recognizer.weights.origin.label
    if mode == "digit":
        return _digit_view(recognizer.predict(picture), model)
    height, width = picture.shape[:2]
    found = number_in(recognizer, picture)
    return {"kind": "number", "size": [width, height], "model": model} | found


def number_in(recognizer: "Recognizer", picture: Picture) -> View:
    """Read all digits of a picture.

    Args:
        recognizer: Who reads.
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.

    Returns:
        `number` and `digits`, as `/read` promises.
    """
    # It brings TensorFlow, which the page does not wait for; it is loaded where one can read.
    from digits.reading import read  # noqa: PLC0415

    found: View = read(recognizer, picture).as_json()
    return found


def _digit_view(prediction: "Prediction", model: str) -> View:
    if prediction.image is None:
        return {"kind": "blank", "mode": "picture", "model": model}
    view = prediction.as_json(model)
    return {"kind": "digit", "image": encode_image(prediction.image)} | view


def preview(picture: Picture, mode: str, view: View) -> View:
    """Show a picture that was handed in, and where in it the ink was found.

    Args:
        picture: `(H, W)` or `(H, W, 3)` uint8, upright.
        mode: `digit` or `number`.
        view: What was read in it.

    Returns:
        `picture` (a data URL), `size` `[W, H]` and `boxes` `[[x, y, w, h], ...]` in its pixels.
    """
    height, width = picture.shape[:2]
    read = [digit["box"] for digit in view.get("digits", ())]
    return {
        "picture": _encode_preview(picture),
        "size": [width, height],
        "boxes": read if mode == "number" else _ink_boxes(picture, view.get("image")),
    }


def _ink_boxes(picture: Picture, image: object) -> list[list[int]]:
    """Where the ink is; of several ways to find it, the one whose image was answered for."""
    try:
        inks = possible_inks(picture)
    except BlankPictureError:
        return []
    written = {encode_image(normalize(main_ink(ink))): ink for ink in reversed(inks)}
    ink = written.get(str(image), inks[0])
    box = cv2.boundingRect((main_ink(ink) > _FAINT).astype(np.uint8))
    return [[round(value * ink.scale) for value in box]]


def _encode_preview(picture: Picture) -> str:
    scale = min(1.0, _PREVIEW_SIDE / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    if small.ndim == 3:
        small = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()

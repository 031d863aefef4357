"""What spoke for an answer, as the page paints it over the picture that the network saw."""

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from digits.demos import Demos, NetworkError

if TYPE_CHECKING:
    from digits.recognizer import Recognizer

_SIDE: Final = 28


class ImageError(ValueError):
    """What the browser sent is not the picture that it was shown."""


def why_view(recognizer: "Recognizer", demos: Demos, request: object) -> dict[str, Any]:
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
    match request:
        case [str() as encoded, int() as digit, *more] if (
            0 <= digit <= 9 and type(digit) is int and len(more) < 2
        ):
            pass
        case _:
            return {"kind": "refused"}
    try:
        image = decode_image(encoded)
        chosen = demos.recognizer(more[0] if more else None, recognizer)
    except (ImageError, NetworkError):
        return {"kind": "refused"}
    shares = chosen.explain(image, digit)
    strongest = float(np.abs(shares).max())
    scaled = np.round(shares * (127 / strongest)) if strongest else shares
    return {
        "digit": digit,
        "shares": base64.b64encode(scaled.astype(np.int8).tobytes()).decode(),
    }


def encode_image(image: npt.NDArray[np.float32]) -> str:
    """Write a (28, 28) float32 image in [0, 1] as 784 bytes in base64, 255 full ink."""
    return base64.b64encode(np.round(image * 255).astype(np.uint8).tobytes()).decode()


def decode_image(encoded: str) -> npt.NDArray[np.float32]:
    """Read what `encode_image` wrote.

    Raises:
        ImageError: If it is anything else.
    """
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: not ASCII.
        raise ImageError("Expected base64. Received: something else") from error
    if len(content) != _SIDE * _SIDE:
        raise ImageError(f"Expected 784 bytes. Received: {len(content)}")
    pixels = np.frombuffer(content, np.uint8).reshape(_SIDE, _SIDE)
    return pixels.astype(np.float32) / np.float32(255)

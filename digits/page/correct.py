"""Corrections of answers, as the page sends them."""

import asyncio
from typing import TYPE_CHECKING, Any

from digits.corrections import Correction, Corrections, NotKeptError
from digits.page.views import ImageError, decode_image, is_digit

if TYPE_CHECKING:
    from digits.recognizer import Recognizer


async def keep_view(
    recognizer: "Recognizer", corrections: Corrections, request: object
) -> dict[str, Any]:
    """Store a correction and return once it is stored.

    Args:
        recognizer: Reads the image again, so that a client cannot make up the answer.
        corrections: Where to store it.
        request: `[consent, image, correction]`: True, the image as it came with the answer, and
            0 to 9 or None for "no digit".

    Returns:
        A view of kind `kept`, `not kept`, or `refused` if the request is malformed.
    """
    try:
        correction = await asyncio.to_thread(_parse, recognizer, request)
        future = asyncio.wrap_future(corrections.submit(correction))
        await asyncio.wait_for(future, timeout=60)  # until the Hub confirms
    except ImageError:
        return {"kind": "refused"}
    except (NotKeptError, TimeoutError):
        return {"kind": "not kept"}
    return {"kind": "kept"}


def _parse(recognizer: "Recognizer", request: object) -> Correction:
    match request:
        case [True, str() as encoded, (int() | None) as digit] if digit is None or is_digit(digit):
            image = decode_image(encoded)
        case _:
            raise ImageError("Expected [True, image, digit or None]. Received: something else")
    if not image.any():
        raise ImageError("Expected ink. Received: a blank image")
    answer = recognizer.decide(image, recognizer.predict_images(image[None])[0])
    weights = recognizer.weights
    return Correction(
        image=image,
        answer=answer.digit,
        correction=digit,
        score=answer.score,
        weights={
            "repo": weights.origin.repo,
            "commit": weights.origin.commit,
            "sha256": weights.config.sha256,
        },
    )

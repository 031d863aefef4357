"""`/v1/compare`: what the networks of well-known demos and the served one say of a drawing."""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from digits.demos import Compared, Demos, shrink_and_normalize
from digits.drawing import PAD_WIDTHS, draw, parse_strokes
from digits.page.why import encode_image
from digits.preprocessing import has_ink

if TYPE_CHECKING:
    from digits.recognizer import Recognizer


class Comparison(BaseModel):
    """The demos' networks, then the served one, whose name is null; none for a blank pad.

    Both images are 784 bytes in base64, 255 full ink.
    """

    networks: list[Compared]
    shrunk: str | None
    normalized: str | None
    model: str


def compare_strokes(
    recognizer: "Recognizer", demos: Demos, mode: str, strokes: object
) -> dict[str, Any]:
    """Answer `/v1/compare`.

    Raises:
        StrokesError: If these are no strokes.
    """
    ink = draw(parse_strokes(strokes), PAD_WIDTHS[mode])
    label = recognizer.weights.origin.label
    if not has_ink(ink):
        return {"networks": [], "shrunk": None, "normalized": None, "model": label}
    images = shrink_and_normalize(ink)
    rows = demos.compare(images, recognizer)
    shrunk, normalized = map(encode_image, images)
    return {
        "networks": [row.model_dump() for row in rows],
        "shrunk": shrunk,
        "normalized": normalized,
        "model": label,
    }

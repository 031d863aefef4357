"""`/v1/inside`: what the layers make of an image, quick enough to be asked while one draws."""

import base64
import gzip
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, Field, ValidationError
from starlette.responses import Response

from digits.demos import DEMOS, Demos
from digits.layers import Conv, Dense, GlobalAveragePool, MaxPool, ReceptiveField, Step
from digits.page.views import ImageError, decode_image

if TYPE_CHECKING:
    from digits.recognizer import Recognizer

_KINDS: Final = {
    Conv: "convolution",
    MaxPool: "pooling",
    GlobalAveragePool: "average",
    Dense: "dense",
}

_COMPRESSION: Final = 1
"""Of gzip. Half of all values are 0: this saves two thirds, more effort saves little more."""


class Layer(BaseModel):
    """A layer's output: one byte a value in base64, by channel, row and column; 255 its largest.

    Point i of a map looks at `field.size` pixels from `field.start` + i * `field.step` on, down and
    across.
    """

    name: str
    kind: str
    channels: int
    height: int
    width: int
    field: ReceptiveField | None
    values: str


class Inside(BaseModel):
    """Feature maps from the first to the last, then features, which are 1 x 1."""

    layers: list[Layer]
    model: str


NetworkName: TypeAlias = Annotated[
    Any,
    Field(
        description="A well-known demo's network, to be asked instead of the served one.",
        json_schema_extra={"enum": [*DEMOS, None]},
    ),
]


class Question(BaseModel):
    """What `/v1/inside` is asked."""

    image: str = Field(description="784 bytes in base64, as `/v1/draw` answers them.")
    network: NetworkName = None


def inside_answer(recognizer: "Recognizer", demos: Demos, body: bytes, encodings: str) -> Response:
    """Answer `/v1/inside`.

    Returns:
        JSON as `Inside` describes it, compressed where the client accepts that.

    Raises:
        ImageError: If there is no image of 784 bytes in the request.
        NetworkError: If there is no such network.
    """
    try:
        asked = Question.model_validate_json(body)
    except ValidationError as error:
        how = 'Send {"image": "..."} as JSON, with the image of an answer of /v1/draw.'
        raise ImageError(how) from error
    chosen = demos.recognizer(asked.network, recognizer)
    layers = [
        layer_view(activation.step)
        | {"values": base64.b64encode(activation.quantized().tobytes()).decode()}
        for activation in chosen.activations(decode_image(asked.image))
    ]
    answer = {"layers": layers, "model": asked.network or recognizer.weights.origin.label}
    content = json.dumps(answer, separators=(",", ":")).encode()
    headers = {"Vary": "Accept-Encoding"}
    if "gzip" in encodings:
        content = gzip.compress(content, _COMPRESSION)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type="application/json", headers=headers)


def layer_view(step: Step) -> dict[str, Any]:
    """Describe a layer as `Layer` does, without its values."""
    *sides, channels = step.output_shape
    height, width = sides or (1, 1)
    return {
        "name": step.name,
        "kind": _KINDS[type(step.layer)],
        "channels": channels,
        "height": height,
        "width": width,
        "field": step.field and asdict(step.field),
    }

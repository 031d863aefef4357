"""`/v1/inside`: layer activations of an image, fast enough to request while drawing."""

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
"""Gzip level. Half of all values are 0: level 1 saves two thirds, higher levels little more."""


class Layer(BaseModel):
    """A layer's output: uint8 values in base64, by channel, row and column; 255 is the maximum.

    In both directions, the receptive field of point i of a map is the `field.size` pixels from
    `field.start` + i * `field.step`.
    """

    name: str
    kind: str
    channels: int
    height: int
    width: int
    field: ReceptiveField | None
    values: str


class Inside(BaseModel):
    """The layers in order: feature maps first, then feature vectors, which are 1 x 1."""

    layers: list[Layer]
    model: str


NetworkName: TypeAlias = Annotated[
    Any,
    Field(
        description="Network of a well-known demo, to use instead of the served one.",
        json_schema_extra={"enum": [*DEMOS, None]},
    ),
]


class Question(BaseModel):
    """Request of `/v1/inside`."""

    image: str = Field(description="784 bytes in base64, as returned by `/v1/draw`.")
    network: NetworkName = None


def inside_answer(recognizer: "Recognizer", demos: Demos, body: bytes, encodings: str) -> Response:
    """Answer `/v1/inside`.

    Returns:
        `Inside` as JSON, gzipped if the client accepts it.

    Raises:
        ImageError: If the request has no image of 784 bytes.
        NetworkError: If there is no such network.
    """
    try:
        question = Question.model_validate_json(body)
    except ValidationError as error:
        how = 'Send {"image": "..."} as JSON, with the image from a response of /v1/draw.'
        raise ImageError(how) from error
    chosen = demos.recognizer(question.network, recognizer)
    layers = [
        layer_view(activation.step)
        | {"values": base64.b64encode(activation.quantized().tobytes()).decode()}
        for activation in chosen.activations(decode_image(question.image))
    ]
    answer = {"layers": layers, "model": question.network or recognizer.weights.origin.label}
    content = json.dumps(answer, separators=(",", ":")).encode()
    headers = {"Vary": "Accept-Encoding"}
    if "gzip" in encodings:
        content = gzip.compress(content, _COMPRESSION)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type="application/json", headers=headers)


def layer_view(step: Step) -> dict[str, Any]:
    """Return the fields of `Layer` without `values`."""
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

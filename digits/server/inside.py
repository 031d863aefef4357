"""`/v1/inside`: what the layers make of an image, quick enough to be asked while one draws."""

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel
from starlette.responses import Response

from digits.activations import Activation
from digits.demos import DEMOS, Demos
from digits.networks import Conv, Dense, GlobalAveragePool, MaxPool, Step
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


class Field(BaseModel):
    """Point i of a map looks at `size` pixels from `start` + i * `step` on, down and across."""

    start: int
    step: int
    size: int


class Layer(BaseModel):
    """A layer's output: one byte a value in base64, by channel, row and column; 255 its largest."""

    name: str
    kind: str
    channels: int
    height: int
    width: int
    field: Field | None
    values: str


class Inside(BaseModel):
    """Feature maps from the first to the last, then features, which are 1 x 1."""

    layers: list[Layer]
    model: str


NETWORK: Final = {
    "description": "A well-known demo's network, to be asked instead of the served one.",
    "enum": list(DEMOS),
}

BODY: Final = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": ["image"],
            "properties": {
                "image": {
                    "description": "784 bytes in base64, as `/v1/draw` answers them.",
                    "type": "string",
                },
                "network": NETWORK,
            },
        }
    }
}


def inside_answer(recognizer: "Recognizer", demos: Demos, body: bytes, encodings: str) -> Response:
    """Answer `/v1/inside`.

    Returns:
        JSON as `Inside` describes it, compressed where the client accepts that.

    Raises:
        ImageError: If there is no image of 784 bytes in the request.
        NetworkError: If there is no such network.
    """
    encoded, network = _parse(body)
    chosen = demos.recognizer(network, recognizer)
    layers = [_layer(activation) for activation in chosen.activations(decode_image(encoded))]
    answer = {"layers": layers, "model": recognizer.weights.origin.label}
    content = json.dumps(answer, separators=(",", ":")).encode()
    headers = {"Vary": "Accept-Encoding"}
    if "gzip" in encodings:
        content = gzip.compress(content, _COMPRESSION)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type="application/json", headers=headers)


def _parse(body: bytes) -> tuple[str, object]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ImageError("Send the image as JSON.") from error
    match message:
        case {"image": str() as encoded}:
            return encoded, message.get("network")
        case _:
            raise ImageError('Send {"image": "..."} with the image of an answer of /v1/draw.')


def _layer(activation: Activation) -> dict[str, Any]:
    values = base64.b64encode(activation.quantized().tobytes()).decode()
    return {**layer_view(activation.step), "values": values}


def layer_view(step: Step) -> dict[str, Any]:
    """Describe a layer as `Layer` does, without its values."""
    *sides, channels = step.output_shape
    height, width = sides or (1, 1)
    field = step.field
    return {
        "name": step.name,
        "kind": _KINDS[type(step.layer)],
        "channels": channels,
        "height": height,
        "width": width,
        "field": field and {"start": field.start, "step": field.step, "size": field.size},
    }

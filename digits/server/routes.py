"""The HTTP API: read pictures and strokes, inspect and compare networks, report health.

OpenAPI describes it at `/v1/openapi.json`. Every error is JSON: `error` says what to do.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import numpy as np
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, SkipValidation, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from digits.demos import Compared, Demos, Guess, NetworkError, shrink_and_normalize
from digits.drawing import INK_HEIGHT, PAD_HEIGHT, PAD_WIDTHS, StrokesError, draw, parse_strokes
from digits.page.views import ImageError, encode_image, picture_view, reading_view
from digits.pictures import Picture, PictureError, load_picture
from digits.preprocessing import has_ink
from digits.server import inside
from digits.service import NotReadyError, Service

if TYPE_CHECKING:
    from digits.recognizer import Recognizer

PREFIX: Final = "/v1"

JsonObject: TypeAlias = dict[str, Any]

PICTURES_AT_ONCE: Final = 2
"""Pictures read concurrently here, and as many again by Gradio's API: reading one of 50 million
pixels takes half a gigabyte of memory."""

_HOW: Final = (
    "Send the picture file as the request's body with a Content-Type such as image/png, "
    "or as one file of a multipart/form-data request."
)


class Prediction(BaseModel):
    """The digit of a picture."""

    digit: int | None
    reason: str | None
    confidences: list[float]
    score: float
    others: int
    model: str


class DrawnPrediction(Prediction):
    """The digit of a drawing, and the 784 bytes of the network's input in base64."""

    image: str | None


class ReadDigit(BaseModel):
    """One digit of a number with its bounding box; `image` only if requested."""

    digit: int
    confidence: float
    runner_up: Guess
    box: tuple[int, int, int, int]
    line: int
    image: str | None = None


class Reading(BaseModel):
    """The numbers in a picture, and the bounding boxes of ink that is not a digit."""

    number: str
    lines: list[str]
    digits: list[ReadDigit]
    unread: list[tuple[int, int, int, int]]
    reason: str | None
    model: str


class Comparison(BaseModel):
    """The demos' networks, then the served one, whose name is null; empty for a blank pad.

    Both images are 784 bytes in base64; 255 is full ink.
    """

    networks: list[Compared]
    shrunk: str | None
    normalized: str | None
    model: str


class Failure(BaseModel):
    """Why there is no answer, and what to do."""

    error: str
    code: str | None = None


_REFUSED: Final = (
    HTTPException, StrokesError, ImageError, NetworkError, PictureError, NotReadyError,
)  # fmt: skip


class Strokes(BaseModel):
    """The strokes on the pad."""

    mode: Literal["digit", "number"]
    # Validated by `parse_strokes`, which has better error messages.
    strokes: SkipValidation[list[Annotated[list[int], Field(min_length=3)]]] = Field(
        description="Each stroke is [brush, x, y, x, y, ...] in pad units."
    )


class Drawing(Strokes):
    """Request of `/v1/draw`."""

    images: SkipValidation[bool] = Field(
        default=False, description="Whether to return the 28x28 image of each digit of a number."
    )
    network: inside.NetworkName = None


class ApiFirst:
    """ASGI middleware that passes everything below `PREFIX` to another application.

    Starlette's `Mount` would do, but for proxies that strip their prefix from the path.
    """

    def __init__(self, app: ASGIApp, api: ASGIApp) -> None:
        """Wrap an app."""
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route a request."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(f"{PREFIX}/"):
            inner = {**scope, "path": path.removeprefix(PREFIX), "root_path": ""}
            await self._api(inner, receive, send)
        else:
            await self._app(scope, receive, send)


def http_api(service: Service, demos: Demos, health: Callable[[], JsonObject]) -> ASGIApp:
    """Build the application for everything below `PREFIX`."""
    api = FastAPI(
        title="Handwritten digits",
        servers=[{"url": "."}],  # relative to the description, so it holds behind a proxy too
        docs_url=None,
        redoc_url=None,
        exception_handlers=dict.fromkeys(_REFUSED, _refuse),
    )
    limiter = CapacityLimiter(PICTURES_AT_ONCE)

    async def in_thread(respond: Callable[..., JsonObject], *arguments: object) -> JSONResponse:
        return JSONResponse(await to_thread.run_sync(respond, *arguments, limiter=limiter))

    @api.post("/predict", **_documented(Prediction, _PICTURE_BODY))
    async def predict(request: Request) -> JSONResponse:
        """Read the one handwritten digit in a picture."""
        return await in_thread(_answer, predict_picture, service, await _picture_file(request))

    @api.post("/read", **_documented(Reading, _PICTURE_BODY))
    async def read(request: Request) -> JSONResponse:
        """Read the handwritten digits in a picture, line by line."""
        return await in_thread(_answer, read_picture, service, await _picture_file(request))

    @api.post("/look", include_in_schema=False)
    async def look(request: Request, turns: int = 0) -> JSONResponse:
        """Read the picture of the upload tab after rotating it clockwise by `turns` * 90°."""
        return await in_thread(_view_upload, turns, service, await request.body())

    @api.post("/draw", **_documented(DrawnPrediction | Reading, _json(Drawing)))
    async def draw_strokes(request: Request) -> JSONResponse:
        """Read strokes on a pad of 1000 x 1000 (`digit`) or 2000 x 1000 (`number`) units."""
        drawing = _parse_drawing(await request.body())
        served = service.recognizer(timeout_seconds=0)
        if drawing.mode == "digit" and drawing.network is None:
            # Faster than passing it to a thread.
            return JSONResponse(predict_strokes(served, drawing.strokes))
        return JSONResponse(await to_thread.run_sync(_answer_drawing, served, demos, drawing))

    @api.post("/inside", **_documented(inside.Inside, _json(inside.Question)))
    async def look_inside(request: Request) -> Response:
        """Return the layer activations for an image returned by `/v1/draw`."""
        body, encodings = await request.body(), request.headers.get("accept-encoding", "")
        recognizer = service.recognizer(timeout_seconds=0)
        # In a thread, so that `/v1/draw` does not have to wait.
        return await to_thread.run_sync(inside.inside_answer, recognizer, demos, body, encodings)

    @api.post("/compare", **_documented(Comparison, _json(Strokes)))
    async def compare_networks(request: Request) -> JSONResponse:
        """Read one drawing with the networks of well-known demos and with the served one."""
        drawing = _parse_drawing(await request.body())
        recognizer = service.recognizer(timeout_seconds=0)
        compared = await to_thread.run_sync(compare_strokes, recognizer, demos, drawing)
        return JSONResponse(compared.model_dump())

    @api.get("/health", responses={200: {"model": dict[str, Any]}})
    async def report_health() -> JSONResponse:
        """Report which files and weights are served, and whether they are ready."""
        return JSONResponse(health())

    return api


def predict_picture(recognizer: "Recognizer", picture: Picture) -> JsonObject:
    """Return the response of `/v1/predict` and of Gradio's `/predict`."""
    return recognizer.predict(picture).as_json(recognizer.weights.origin.label)


def read_picture(recognizer: "Recognizer", picture: Picture) -> JsonObject:
    """Return the response of `/v1/read` and of Gradio's `/read`."""
    return recognizer.read(picture).as_json(recognizer.weights.origin.label)


def predict_strokes(recognizer: "Recognizer", strokes: object) -> JsonObject:
    """Return the response of `/v1/draw` for one digit.

    Returns:
        The keys of `/v1/predict`, and `image`: the 784 bytes of the network's input in base64, 255
        is full ink; None for a blank pad.

    Raises:
        StrokesError: If the strokes are invalid.
    """
    prediction = recognizer.predict_ink(draw(parse_strokes(strokes)))
    image = None if prediction.image is None else encode_image(prediction.image)
    return {"image": image, **prediction.as_json(recognizer.weights.origin.label)}


def compare_strokes(recognizer: "Recognizer", demos: Demos, drawing: Strokes) -> Comparison:
    """Return the response of `/v1/compare`.

    Raises:
        StrokesError: If the strokes are invalid.
    """
    ink = draw(parse_strokes(drawing.strokes), PAD_WIDTHS[drawing.mode])
    label = recognizer.weights.origin.label
    if not has_ink(ink):
        return Comparison(networks=[], shrunk=None, normalized=None, model=label)
    images = shrink_and_normalize(ink)
    rows = demos.compare(images, recognizer)
    shrunk, normalized = map(encode_image, images)
    return Comparison(networks=rows, shrunk=shrunk, normalized=normalized, model=label)


def _answer(
    respond: Callable[["Recognizer", Picture], JsonObject], service: Service, content: bytes
) -> JsonObject:
    return respond(service.recognizer(), load_picture(content))


def _view_upload(turns: int, service: Service, content: bytes) -> JsonObject:
    """Return the view for the upload tab; its kind is `problem` if the picture cannot be read."""
    try:
        picture = np.ascontiguousarray(np.rot90(load_picture(content), -turns))
        return picture_view(service.recognizer(), picture)
    except PictureError as error:
        return {"kind": "problem", "code": error.code}
    except NotReadyError:
        return {"kind": "problem", "code": "not_ready"}


def _answer_drawing(served: "Recognizer", demos: Demos, drawing: Drawing) -> JsonObject:
    """Return the response of `/v1/draw`: for a number that of `/v1/read`, boxes in pad units."""
    recognizer = demos.recognizer(drawing.network, served)
    if drawing.mode == "digit":
        answer = predict_strokes(recognizer, drawing.strokes)
    else:
        ink = draw(parse_strokes(drawing.strokes), PAD_WIDTHS[drawing.mode])
        reading = recognizer.read_ink(ink, PAD_HEIGHT / INK_HEIGHT)
        label = recognizer.weights.origin.label
        shown = drawing.images is True
        answer = reading_view(reading, label) if shown else reading.as_json(label)
    return answer if drawing.network is None else {**answer, "model": drawing.network}


def _parse_drawing(body: bytes) -> Drawing:
    try:
        return Drawing.model_validate_json(body)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise HTTPException(400, "Send the drawing as JSON.") from error
        raise HTTPException(
            422,
            'Send {"mode": "digit" or "number", "strokes": [[brush, x, y, ...], ...]} with '
            "integers in pad units.",
        ) from error


async def _picture_file(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _uploaded_file(request)
    if kind and not kind.startswith("image/") and kind != "application/octet-stream":
        raise HTTPException(415, _HOW)
    content = await request.body()
    if not content:
        raise HTTPException(400, f"There is no picture in this request. {_HOW}")
    return content


async def _uploaded_file(request: Request) -> bytes:
    try:
        async with request.form(max_files=1, max_fields=1) as form:
            for value in form.values():
                if isinstance(value, UploadFile):
                    return await value.read()
    except HTTPException as error:
        raise HTTPException(400, f"This form cannot be read. {_HOW}") from error
    raise HTTPException(400, f"There is no picture in this form. {_HOW}")


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, NotReadyError):
        return JSONResponse({"error": str(error), "code": "warming"}, 503, {"Retry-After": "5"})
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)
    return JSONResponse({"error": str(error)}, 422)


_FILE: Final = {"type": "string", "format": "binary"}
_PICTURE_BODY: Final = {
    "image/*": {"schema": _FILE},
    "application/octet-stream": {"schema": _FILE},
    "multipart/form-data": {"schema": {"type": "object", "properties": {"file": _FILE}}},
}


def _json(question: type[BaseModel]) -> JsonObject:
    return {"application/json": {"schema": question.model_json_schema()}}


def _documented(answer: Any, body: Mapping[str, Any]) -> JsonObject:  # noqa: ANN401 - a type
    """Describe a route for OpenAPI, with the errors that every route may return."""
    failures = {status: {"model": Failure} for status in (400, 408, 413, 415, 422, 503)}
    return {
        "responses": {200: {"model": answer}, **failures},
        "openapi_extra": {"requestBody": {"required": True, "content": body}},
    }

"""The HTTP API: pictures, strokes, what the network makes of them, and which weights answer.

Described by OpenAPI at `/v1/openapi.json`. Every error is JSON: `error` says what to do.
"""

from collections.abc import Callable, Mapping
from functools import partial
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
"""Here, and as many again by Gradio's API. One of 50 million pixels takes half a gigabyte of memory
while it is read."""

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
    """The digit of a drawing, and the 784 bytes that the network saw, in base64."""

    image: str | None


class ReadDigit(BaseModel):
    """One digit of a number, and where it is; `image` only where it was asked for."""

    digit: int
    confidence: float
    runner_up: Guess
    box: tuple[int, int, int, int]
    line: int
    image: str | None = None


class Reading(BaseModel):
    """The numbers in a picture, and the boxes of what is written and is no digit."""

    number: str
    lines: list[str]
    digits: list[ReadDigit]
    unread: list[tuple[int, int, int, int]]
    reason: str | None
    model: str


class Comparison(BaseModel):
    """The demos' networks, then the served one, whose name is null; none for a blank pad.

    Both images are 784 bytes in base64, 255 full ink.
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
    """What is on the pad."""

    mode: Literal["digit", "number"]
    # `parse_strokes` checks them, and says what is wrong in its own words.
    strokes: SkipValidation[list[Annotated[list[int], Field(min_length=3)]]] = Field(
        description="Each stroke is [brush, x, y, x, y, ...] in pad units."
    )


class Drawing(Strokes):
    """What `/v1/draw` is asked."""

    images: SkipValidation[bool] = Field(
        default=False, description="Whether each digit of a number has its 28x28 image."
    )
    network: inside.NetworkName = None


class ApiFirst:
    """ASGI middleware that answers everything below `PREFIX` by another application.

    Starlette's `Mount` would do, were it not for proxies that cut their prefix off the path.
    """

    def __init__(self, app: ASGIApp, api: ASGIApp) -> None:
        """Stand before an app."""
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(f"{PREFIX}/"):
            inner = {**scope, "path": path.removeprefix(PREFIX), "root_path": ""}
            await self._api(inner, receive, send)
        else:
            await self._app(scope, receive, send)


def http_api(service: Service, demos: Demos, health: Callable[[], JsonObject]) -> ASGIApp:
    """Build the application that answers below `PREFIX`."""
    api = FastAPI(
        title="Handwritten digits",
        servers=[{"url": "."}],  # where the description lies, also behind a proxy
        docs_url=None,
        redoc_url=None,
        exception_handlers=dict.fromkeys(_REFUSED, _refuse),
    )
    limiter = CapacityLimiter(PICTURES_AT_ONCE)

    async def answer_picture(
        respond: Callable[[Service, bytes], JsonObject], content: bytes
    ) -> JSONResponse:
        work = to_thread.run_sync(respond, service, content, limiter=limiter)
        return JSONResponse(await work)

    @api.post("/predict", **_documented(Prediction, _PICTURE_BODY))
    async def predict(request: Request) -> JSONResponse:
        """Read the one handwritten digit in a picture."""
        return await answer_picture(partial(_answer, predict_picture), await _picture_file(request))

    @api.post("/read", **_documented(Reading, _PICTURE_BODY))
    async def read(request: Request) -> JSONResponse:
        """Read the handwritten digits in a picture, line by line."""
        return await answer_picture(partial(_answer, read_picture), await _picture_file(request))

    @api.post("/look", include_in_schema=False)
    async def look(request: Request, turns: int = 0) -> JSONResponse:
        """Read the upload tab's picture, turned by 90 degrees clockwise so often."""
        return await answer_picture(partial(_view_upload, turns), await request.body())

    @api.post("/draw", **_documented(DrawnPrediction | Reading, _json(Drawing)))
    async def draw_strokes(request: Request) -> JSONResponse:
        """Read strokes of a pad of 1000 x 1000 units (`digit`) or 2000 x 1000 (`number`)."""
        drawing = _parse_drawing(await request.body())
        served = service.recognizer(timeout_seconds=0)
        if drawing.mode == "digit" and drawing.network is None:
            # Quicker than handing it to a thread.
            return JSONResponse(predict_strokes(served, drawing.strokes))
        return JSONResponse(await to_thread.run_sync(_answer_drawing, served, demos, drawing))

    @api.post("/inside", **_documented(inside.Inside, _json(inside.Question)))
    async def look_inside(request: Request) -> Response:
        """Show what the layers of the network make of an image that `/v1/draw` answered."""
        body, encodings = await request.body(), request.headers.get("accept-encoding", "")
        recognizer = service.recognizer(timeout_seconds=0)
        # In a thread, for the pen's answers not to wait.
        return await to_thread.run_sync(inside.inside_answer, recognizer, demos, body, encodings)

    @api.post("/compare", **_documented(Comparison, _json(Strokes)))
    async def compare_networks(request: Request) -> JSONResponse:
        """Ask the networks of well-known demos and the served one about one drawing."""
        drawing = _parse_drawing(await request.body())
        recognizer = service.recognizer(timeout_seconds=0)
        compared = await to_thread.run_sync(compare_strokes, recognizer, demos, drawing)
        return JSONResponse(compared.model_dump())

    @api.get("/health", responses={200: {"model": dict[str, Any]}})
    async def report_health() -> JSONResponse:
        """Say which files and weights are served, and whether they answer."""
        return JSONResponse(health())

    return api


def predict_picture(recognizer: "Recognizer", picture: Picture) -> JsonObject:
    """Answer `/v1/predict` and Gradio's `/predict`."""
    return recognizer.predict(picture).as_json(recognizer.weights.origin.label)


def read_picture(recognizer: "Recognizer", picture: Picture) -> JsonObject:
    """Answer `/v1/read` and Gradio's `/read`; see `predict_picture`."""
    return recognizer.read(picture).as_json(recognizer.weights.origin.label)


def predict_strokes(recognizer: "Recognizer", strokes: object) -> JsonObject:
    """Answer `/v1/draw` for one digit.

    Returns:
        As of `/v1/predict`, and `image`: the 784 bytes that the network saw in base64, 255 full
        ink; None for a blank pad.

    Raises:
        StrokesError: If these are no strokes.
    """
    prediction = recognizer.predict_ink(draw(parse_strokes(strokes)))
    image = None if prediction.image is None else encode_image(prediction.image)
    return {"image": image, **prediction.as_json(recognizer.weights.origin.label)}


def compare_strokes(recognizer: "Recognizer", demos: Demos, drawing: Strokes) -> Comparison:
    """Answer `/v1/compare`.

    Raises:
        StrokesError: If these are no strokes.
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
    """Answer the upload tab: a view, of kind `problem` where there is no answer."""
    try:
        picture = np.ascontiguousarray(np.rot90(load_picture(content), -turns))
        return picture_view(service.recognizer(), picture)
    except PictureError as error:
        return {"kind": "problem", "code": error.code}
    except NotReadyError:
        return {"kind": "problem", "code": "not_ready"}


def _answer_drawing(served: "Recognizer", demos: Demos, drawing: Drawing) -> JsonObject:
    """Answer `/v1/draw`; a number as of `/v1/read`, with boxes in pad units."""
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
    """Describe a route for OpenAPI; the errors are those that any route may answer."""
    failures = {status: {"model": Failure} for status in (400, 408, 413, 415, 422, 503)}
    return {
        "responses": {200: {"model": answer}, **failures},
        "openapi_extra": {"requestBody": {"required": True, "content": body}},
    }

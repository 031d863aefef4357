"""HTTP client of the apps, with keep-alive connections."""

import functools
import json
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import urllib3

from benchmarks.serving import BenchmarkError, Server
from digits.drawing import as_picture, draw, parse_strokes
from digits.examples import digit_example


class RefusedError(BenchmarkError):
    """The server responded with an error.

    Attributes:
        status: HTTP status; 200 if the error was sent as an event.
        content: Body of the response.
    """

    def __init__(self, path: str, status: int, content: bytes) -> None:
        super().__init__(f"{path} responded {status}: {content[-200:]!r}")
        self.status = status
        self.content = content


def encode(pixels: npt.NDArray[np.uint8], kind: str = ".png") -> bytes:
    """Encode a picture; `kind` is the file name's extension."""
    return cv2.imencode(kind, pixels)[1].tobytes()


@functools.cache
def picture(digit: int) -> bytes:
    """Draw a digit as a 500x500 PNG."""
    drawn = as_picture(draw(parse_strokes(digit_example(digit))))
    return encode(cv2.resize(drawn, (500, 500), interpolation=cv2.INTER_CUBIC))


def as_new_file(content: bytes) -> bytes:
    """Append a unique mark to a PNG, without changing the image: Gradio stores equal files once."""
    return content + uuid.uuid4().bytes


class Caller:
    """Client of one server; `connections` is the number of concurrent threads."""

    def __init__(self, server: Server, connections: int = 1) -> None:
        self._app = server.app
        self._pool = urllib3.connection_from_url(
            server.url, maxsize=connections, timeout=120, retries=False
        )

    def request(self, method: str, path: str, **options: Any) -> bytes:  # noqa: ANN401 - urllib3's
        """Send a request and return the body of the response.

        Raises:
            RefusedError: If the response is an error.
            urllib3.exceptions.HTTPError: If there is no response.
        """
        response = self._pool.request(method, path, **options)
        if response.status != HTTPStatus.OK:
            raise RefusedError(path, response.status, response.data)
        return response.data

    def upload(self, content: bytes) -> str:
        """Upload a PNG and return its path on the server."""
        files = {"files": ("digit.png", content, "image/png")}
        return json.loads(self.request("POST", "/gradio_api/upload", fields=files))[0]

    def predict(self, path: str) -> dict[str, Any]:
        """Call Gradio's `/predict` for an uploaded picture and wait for its event.

        Raises:
            RefusedError: If the response or the event is an error.
        """
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        question = {"data": [self._app.question(file)]}
        asked = json.loads(self.request("POST", "/gradio_api/call/predict", json=question))
        stream = self.request("GET", f"/gradio_api/call/predict/{asked['event_id']}").decode()
        kind, _, rest = stream.rpartition("event: ")[2].partition("\ndata: ")
        if kind != "complete":
            raise RefusedError("/predict", HTTPStatus.OK, stream.encode())
        return json.loads(rest)[0]

    def read(self, content: bytes, endpoint: str = "predict") -> dict[str, Any]:
        """Send one picture the fastest way that the app supports."""
        if self._app.is_gradio_alone:
            return self.predict(self.upload(content))
        kind = {"Content-Type": "application/octet-stream"}
        return json.loads(self.request("POST", f"/v1/{endpoint}", body=content, headers=kind))

    def draw(self, strokes: Sequence[Sequence[int]]) -> dict[str, Any]:
        """Send strokes as the page's pad does at each stroke."""
        question = {"mode": "digit", "strokes": strokes}
        return json.loads(self.request("POST", "/v1/draw", json=question))

"""A client of the apps over plain HTTP: one connection, kept alive, and nothing that costs more."""

import http.client
import itertools
import json
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.serving import BenchmarkError, Server
from digits.drawing import as_picture, draw, parse_strokes
from digits.examples import digit_example

TIMEOUT_SECONDS = 120.0


class RefusedError(BenchmarkError):
    """The server's answer is an error.

    Attributes:
        status: Of HTTP; 200 where the error came as an event.
        content: What the server said.
    """

    def __init__(self, path: str, status: int, content: bytes) -> None:
        """Say who answered what."""
        super().__init__(f"{path} answered {status}: {content[-200:]!r}")
        self.status = status
        self.content = content


def encode(pixels: npt.NDArray[np.uint8], kind: str = ".png") -> bytes:
    """Return a picture as the content of a file; `kind` is the ending of its name."""
    content: bytes = cv2.imencode(kind, pixels)[1].tobytes()
    return content


def picture(digit: int) -> bytes:
    """Draw a digit, 500 x 500, as PNG."""
    drawn = as_picture(draw(parse_strokes(digit_example(digit))))
    return encode(cv2.resize(drawn, (500, 500), interpolation=cv2.INTER_CUBIC))


class Pictures:
    """Pictures of which no two are the same file, as no two visitors' are.

    Gradio keeps equal files once, which would hide how its folder grows.
    """

    def __init__(self) -> None:
        """Draw the ten digits."""
        self._digits = [picture(digit) for digit in range(10)]
        self._count = itertools.count()

    def next(self) -> bytes:
        """Return the next one: a number behind the end of a PNG changes the file, not the image."""
        number = next(self._count)
        return self._digits[number % 10] + number.to_bytes(8, "big")


class Caller(AbstractContextManager["Caller"]):
    """One client of one server; not for several threads at once."""

    def __init__(self, server: Server) -> None:
        """Connect when first needed."""
        self._app = server.app
        address = urlsplit(server.url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=TIMEOUT_SECONDS
        )

    def __exit__(self, *error: object) -> None:
        """Hang up."""
        self.hang_up()

    def request(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        """Send a request and read the whole answer.

        Raises:
            RefusedError: If the answer is an error.
        """
        headers = {"Content-Type": kind} if kind else {}
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status != http.client.OK:
            raise RefusedError(path, response.status, content)
        return content

    def hang_up(self) -> None:
        """Close the connection; the next request opens another one."""
        self._connection.close()

    def post(self, path: str, value: object) -> Any:  # noqa: ANN401 - JSON is anything
        """Post JSON, return JSON."""
        body = json.dumps(value).encode()
        return json.loads(self.request("POST", path, body, "application/json"))

    def upload(self, content: bytes) -> str:
        """Upload a PNG; return where the server keeps it."""
        mark = uuid.uuid4().hex
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="digit.png"\r\n'
            "Content-Type: image/png\r\n\r\n"
        )
        body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
        kind = f"multipart/form-data; boundary={mark}"
        path: str = json.loads(self.request("POST", "/gradio_api/upload", body, kind))[0]
        return path

    def predict(self, path: str) -> dict[str, Any]:
        """Call Gradio's `/predict` for an uploaded picture: ask, then listen to the answer.

        Raises:
            RefusedError: If the answer is an error.
        """
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        question = {"data": [self._app.question(file)]}
        event = self.post("/gradio_api/call/predict", question)["event_id"]
        stream = self.request("GET", f"/gradio_api/call/predict/{event}").decode()
        kind, _, rest = stream.rpartition("event: ")[2].partition("\ndata: ")
        if kind != "complete":
            raise RefusedError("/predict", http.client.OK, stream.encode())
        answer: dict[str, Any] = json.loads(rest)[0]
        return answer

    def read(self, content: bytes, endpoint: str = "predict") -> dict[str, Any]:
        """Ask for one picture in the quickest way that the app has."""
        if self._app.is_gradio_alone:
            return self.predict(self.upload(content))
        answer: dict[str, Any] = json.loads(
            self.request("POST", f"/v1/{endpoint}", content, "application/octet-stream")
        )
        return answer

    def draw(self, strokes: Sequence[Sequence[int]]) -> dict[str, Any]:
        """Ask what our page's pad asks at each stroke."""
        answer: dict[str, Any] = self.post("/v1/draw", {"mode": "digit", "strokes": strokes})
        return answer


class Crowd(AbstractContextManager["Crowd"]):
    """Several clients at once, each with a connection of its own.

    Attributes:
        callers: The clients.
        milliseconds: How long each answer of the last round took.
        seconds: How long the last round took.
    """

    def __init__(self, server: Server, count: int) -> None:
        """Prepare the clients."""
        self.callers = [Caller(server) for _ in range(count)]
        self.milliseconds: list[float] = []
        self.seconds = 0.0

    def __exit__(self, *error: object) -> None:
        """Let all hang up."""
        for caller in self.callers:
            caller.hang_up()

    def work(self, asks: Sequence[Callable[[int], object]], total: int) -> None:
        """Let all clients ask as fast as they are answered.

        Raises:
            BenchmarkError: If an answer is an error.
            OSError: If there is no answer.
        """
        numbers = iter(range(total))
        self.milliseconds = []

        def client(ask: Callable[[int], object]) -> None:
            for number in numbers:
                start = time.perf_counter()
                ask(number)
                self.milliseconds.append(1000 * (time.perf_counter() - start))

        start = time.perf_counter()
        with ThreadPoolExecutor(len(asks)) as pool:
            list(pool.map(client, asks))
        self.seconds = time.perf_counter() - start

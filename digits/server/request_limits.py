"""An allowlist of Gradio's routes, with limits on body size, concurrency and time.

Gradio serves more than this page and its API need: a proxy, deep links, monitoring, an editor, a
way around its own queue. Every path that is not listed here is a 404. Bodies are limited before
they are read, and a request over a limit is refused at once instead of waiting.
"""

import asyncio
import errno
import logging
import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from gradio.utils import get_upload_folder
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digits.pictures import MAX_FILE_BYTES
from digits.server.headers import PAGE_HEADERS, UPLOAD_HEADERS
from digits.server.uploads import lies_in

MAX_QUESTION_BYTES: Final = 262_144
"""The most points of a drawing, `digits.drawing.MAX_POINTS`, are 60 kB of JSON."""

MAX_UPLOAD_BYTES: Final = MAX_FILE_BYTES + 65_536
"""One file and what a form writes around it."""

MAX_TOOL_BYTES: Final = MAX_FILE_BYTES * 4 // 3 + 65_536
"""An assistant sends a picture as base64."""

_DRAINED_BYTES: Final = 128_000_000
_DRAIN_SECONDS: Final = 30.0
"""How much of a refused body is read and dropped: a client that is sending reads no answer."""

_OPEN_FILES: Final = 8192

FILE_PREFIX: Final = "/gradio_api/file="


@dataclass(frozen=True)
class Route:
    """Requests that are allowed, and their limits.

    Attributes:
        name: Says what it is for.
        paths: Regular expression for the whole path.
        methods: What may be done there.
        max_bytes: Largest body.
        at_once: Most requests at the same time.
        seconds: Longest time for one request, from its head to the end of the answer.
        asks: Whether it starts new work, which is refused during shutdown.
        answers: Whether a client waits for an answer, which shutdown finishes.
    """

    name: str
    paths: str
    methods: frozenset[str] = frozenset({"GET", "HEAD"})
    max_bytes: int = 0
    at_once: int = 256
    seconds: float = 300.0
    asks: bool = False
    answers: bool = True


_log = logging.getLogger(__name__)

_POST: Final = frozenset({"POST"})
_API: Final = r"/gradio_api"

ROUTES: Final = (
    Route(
        "page",
        r"/|/config/?|/theme\.css|/favicon\.ico|/preview\.png|/misread\.png|/robots\.txt|/manifest\.json"
        r"|/(?:assets|static)/.+|/samples/(?:photo|form|board)\.jpg|/v1/(?:health|openapi\.json)"
        r"|/monitoring/summary"  # asked for by the page of the API; empty here
        rf"|{_API}/(?:info/?|openapi\.json|theme\.css|startup-events|app_id)",
        answers=False,
    ),
    Route("upload shown", f"(?s:{re.escape(FILE_PREFIX)}.+)", answers=False),
    # One for each open page: cheap, and as long as the page is open.
    Route("heartbeat", rf"{_API}/heartbeat/[^/]+", at_once=2000, seconds=math.inf, answers=False),
    Route(
        "stream",
        rf"{_API}/(?:queue/data|upload_progress|call/(?:v2/)?(?:predict|read|health)/[0-9a-f]+)",
        at_once=500,
    ),
    Route(
        "question",
        rf"{_API}/(?:component_server|queue/join|cancel|reset|run/health"
        r"|call/(?:v2/)?(?:predict|read|health))/?",
        _POST,
        MAX_QUESTION_BYTES,
        asks=True,
    ),
    # A stroke of the pad, or what the network makes of it; answered in milliseconds.
    Route("drawing", "/v1/(?:draw|inside|compare)", _POST, MAX_QUESTION_BYTES, asks=True),
    # Its body is in memory until it is answered.
    Route("picture", "/v1/(?:predict|read|look)", _POST, MAX_UPLOAD_BYTES, at_once=32, asks=True),
    Route("upload", rf"{_API}/upload/?", _POST, MAX_UPLOAD_BYTES, asks=True),
    Route(
        "assistant",
        rf"{_API}/mcp(?:/|/http/?|/schema)?",
        frozenset({"GET", "POST", "DELETE"}),
        MAX_TOOL_BYTES,
        at_once=64,
        asks=True,
    ),
)


@dataclass
class Traffic:
    """Running requests; shared by `RequestLimits` and `digits.server.shutdown`.

    Attributes:
        shutting_down: Set once; no new work is accepted from then on.
    """

    shutting_down: bool = False
    _inside: Counter[Route] = field(default_factory=Counter)

    def admits(self, route: Route) -> bool:
        """Tell whether there is room for one more."""
        return self._inside[route] < route.at_once

    @contextmanager
    def inside(self, route: Route) -> Iterator[None]:
        """Count a request as long as it lasts."""
        self._inside[route] += 1
        try:
            yield
        finally:
            self._inside[route] -= 1

    def answering(self) -> int:
        """Count the requests that wait for an answer."""
        return sum(count for route, count in self._inside.items() if route.answers)


def _refusal(status: int, text: str, **headers: str) -> JSONResponse:
    # `error` is what Gradio's page and clients show, `detail` what they show of a full queue.
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"detail": text, "error": text}, status, named)


BUSY: Final = "This page is busy: try again in a few seconds."
TOO_LARGE: Final = (
    f"This is too large: pictures may have {MAX_FILE_BYTES // 1_000_000} MB. "
    "Make it smaller and try again."
)
TOO_SLOW: Final = "This took too long: try again."
_DISK_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


async def handle_disk_full(_: Request, error: Exception) -> JSONResponse:
    """Answer 507 if the disk is full; any other OS error is a defect."""
    if not isinstance(error, OSError) or error.errno not in _DISK_ERRORS:
        raise error
    _log.warning("an upload was not taken: %s", error.strerror)
    return _refusal(
        507, "There is no room for pictures at the moment: draw the digit, or try again later."
    )


async def handle_server_error(_: Request, __: Exception) -> JSONResponse:
    """Answer 500 for an unexpected error; details go to the log alone."""
    return _refusal(500, "This did not work. Try again, or with another picture.", **PAGE_HEADERS)


def allow_connections() -> None:
    """Raise the limit of open files to what all routes together may take."""
    try:
        import resource  # noqa: PLC0415 - not on Windows, where no such limit is in the way
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class RequestLimits:
    """ASGI middleware that enforces `ROUTES`."""

    def __init__(
        self,
        app: ASGIApp,
        traffic: Traffic,
        routes: tuple[Route, ...] = ROUTES,
        idle_seconds: float = 30.0,
    ) -> None:
        """Wrap an app; a client that sends a body may pause for `idle_seconds`."""
        self._app = app
        self._traffic = traffic
        self._routes = routes
        self._idle_seconds = idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        send = _with_headers(send, UPLOAD_HEADERS if path.startswith(FILE_PREFIX) else PAGE_HEADERS)
        admitted = self._admit(scope)
        if isinstance(admitted, Route):
            with self._traffic.inside(admitted):
                await _Visit(admitted, self._idle_seconds, receive, send).serve(self._app, scope)
        else:
            await _drain(receive)
            await admitted(scope, receive, send)

    def _admit(self, scope: Scope) -> Route | JSONResponse:
        """Return the route of a request, or its refusal."""
        path = scope["path"]
        route = next((route for route in self._routes if re.fullmatch(route.paths, path)), None)
        file = path.removeprefix(FILE_PREFIX)
        if route is None or (file != path and not lies_in(file, get_upload_folder())):
            return _refusal(404, "There is nothing here.")
        if scope["method"] not in route.methods:
            allowed = ", ".join(sorted(route.methods))
            return _refusal(405, f"Use {allowed} here.", Allow=allowed)
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length) > route.max_bytes:
            return _refusal(413, TOO_LARGE)
        if self._traffic.shutting_down and route.asks:
            return _refusal(
                503, "This page is restarting: try again in a minute.", Retry_After="60"
            )
        if not self._traffic.admits(route):
            return _refusal(503, BUSY, Retry_After="5")
        return route


class _Visit:
    """One accepted request."""

    def __init__(self, route: Route, idle_seconds: float, receive: Receive, send: Send) -> None:
        self._route = route
        self._idle_seconds = idle_seconds
        self._client_receive = receive
        self._client_send = send
        self._bytes = 0
        self._received = False
        self._started = False
        self._refusal: JSONResponse | None = None

    async def serve(self, app: ASGIApp, scope: Scope) -> None:
        """Let the app answer, within the limits; replace its answer where it exceeds them."""
        seconds = self._route.seconds
        try:
            async with asyncio.timeout(None if math.isinf(seconds) else seconds) as patience:
                await app(scope, self._receive, self._send)
        except ClientDisconnect:
            pass  # gone, or sent away below
        except TimeoutError:
            if not patience.expired():
                raise
            self._refusal = self._refusal or _refusal(408, TOO_SLOW)
        if self._refusal is not None and not self._started:
            if not self._received:
                await _drain(self._client_receive)
            await self._refusal(scope, self._client_receive, self._client_send)

    async def _receive(self) -> Message:
        if self._received:
            return await self._client_receive()
        try:
            async with asyncio.timeout(self._idle_seconds):
                message = await self._client_receive()
        except TimeoutError:
            self._received = True
            return self._sent_away(408, TOO_SLOW)
        self._bytes += len(message.get("body", b""))
        self._received = not message.get("more_body", False)
        if self._bytes > self._route.max_bytes:
            return self._sent_away(413, TOO_LARGE)
        return message

    def _sent_away(self, status: int, text: str) -> Message:
        self._refusal = _refusal(status, text)
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        # Gradio's queue is full, as it tells developers; `/v1` says itself when to try again.
        if (
            message["type"] == "http.response.start"
            and message["status"] == 503
            and not any(name == b"retry-after" for name, _ in message["headers"])
        ):
            self._refusal = _refusal(503, BUSY, Retry_After="5")
        if self._refusal is not None and not self._started:
            return
        self._started = True
        await self._client_send(message)


async def _drain(receive: Receive) -> None:
    left = _DRAINED_BYTES
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return send_with_headers

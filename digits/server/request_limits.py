"""An allowlist of Gradio's routes, with limits on body size, concurrency and time.

Gradio serves more than this page and its API need: a proxy, deep links, monitoring, an editor, a
way around its own queue. Every path not listed here is a 404. Body sizes are checked before the
body is read, and requests over a limit are rejected at once instead of queued.
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
"""A drawing of `digits.drawing.MAX_POINTS` points is 60 kB of JSON."""

MAX_UPLOAD_BYTES: Final = MAX_FILE_BYTES + 65_536
"""One file with its multipart overhead."""

MAX_TOOL_BYTES: Final = MAX_FILE_BYTES * 4 // 3 + 65_536
"""MCP clients send pictures as base64."""

_DRAINED_BYTES: Final = 128_000_000
_DRAIN_SECONDS: Final = 30.0
"""Limits for discarding a rejected body: a client reads no response while it is still sending."""

_OPEN_FILES: Final = 8192

FILE_PREFIX: Final = "/gradio_api/file="


@dataclass(frozen=True)
class Route:
    """Allowed requests and their limits.

    Attributes:
        name: What the route is for.
        paths: Regular expression for the whole path.
        methods: Allowed HTTP methods.
        max_bytes: Maximum body size.
        at_once: Maximum number of concurrent requests.
        seconds: Timeout of one request, from its headers to the end of the response.
        asks: Whether it starts new work, which is rejected during shutdown.
        answers: Whether shutdown waits for its response.
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
        r"|/monitoring/summary"  # requested by Gradio's API page; empty here
        rf"|{_API}/(?:info/?|openapi\.json|theme\.css|startup-events|app_id)",
        answers=False,
    ),
    Route("upload shown", f"(?s:{re.escape(FILE_PREFIX)}.+)", answers=False),
    # One per open page: cheap, and open as long as the page.
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
    # A drawing on the pad, or its activations; answered in milliseconds.
    Route("drawing", "/v1/(?:draw|inside|compare)", _POST, MAX_QUESTION_BYTES, asks=True),
    # The body stays in memory until the response.
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
    """Active requests; shared by `RequestLimits` and `digits.server.shutdown`.

    Attributes:
        shutting_down: Set once; from then on no new work is accepted.
    """

    shutting_down: bool = False
    _inside: Counter[Route] = field(default_factory=Counter)

    def admits(self, route: Route) -> bool:
        """Return whether the route has room for one more request."""
        return self._inside[route] < route.at_once

    @contextmanager
    def inside(self, route: Route) -> Iterator[None]:
        """Count a request as active within the block."""
        self._inside[route] += 1
        try:
            yield
        finally:
            self._inside[route] -= 1

    def answering(self) -> int:
        """Return the number of active requests that shutdown waits for."""
        return sum(count for route, count in self._inside.items() if route.answers)


def _refusal(status: int, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    # Gradio's page and clients show `error`, but `detail` for a full queue.
    return JSONResponse({"detail": text, "error": text}, status, headers)


BUSY: Final = "This page is busy: try again in a few seconds."
TOO_LARGE: Final = (
    f"This is too large: pictures may be up to {MAX_FILE_BYTES // 1_000_000} MB. "
    "Make it smaller and try again."
)
TOO_SLOW: Final = "This took too long: try again."
RESTARTING: Final = "This page is restarting: try again in a minute."
_DISK_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


async def handle_disk_full(_: Request, error: Exception) -> JSONResponse:
    """Respond with 507 if the disk is full; any other OS error is a bug."""
    if not isinstance(error, OSError) or error.errno not in _DISK_ERRORS:
        raise error
    _log.warning("upload rejected: %s", error.strerror)
    return _refusal(
        507, "There is no room for pictures at the moment: draw the digit, or try again later."
    )


async def handle_server_error(_: Request, __: Exception) -> JSONResponse:
    """Respond with 500 to an unexpected error; details go only to the log."""
    return _refusal(500, "Something went wrong. Try again, or try another picture.", PAGE_HEADERS)


def allow_connections() -> None:
    """Raise the limit of open files to what all routes together may need."""
    try:
        import resource  # noqa: PLC0415 - missing on Windows, which has no such limit
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
        """Wrap an app; a client may pause for `idle_seconds` while sending a body."""
        self._app = app
        self._traffic = traffic
        self._routes = routes
        self._idle_seconds = idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the app, or reject it."""
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
        """Return the route of a request, or the response that rejects it."""
        path = scope["path"]
        route = next((route for route in self._routes if re.fullmatch(route.paths, path)), None)
        file = path.removeprefix(FILE_PREFIX)
        if route is None or (file != path and not lies_in(file, get_upload_folder())):
            return _refusal(404, "There is nothing here.")
        if scope["method"] not in route.methods:
            allowed = ", ".join(sorted(route.methods))
            return _refusal(405, f"Use {allowed} here.", {"Allow": allowed})
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length) > route.max_bytes:
            return _refusal(413, TOO_LARGE)
        if self._traffic.shutting_down and route.asks:
            return _refusal(503, RESTARTING, {"Retry-After": "60"})
        if not self._traffic.admits(route):
            return _refusal(503, BUSY, {"Retry-After": "5"})
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
        """Run the app within the limits; replace its response if the request exceeds them."""
        seconds = self._route.seconds
        try:
            async with asyncio.timeout(None if math.isinf(seconds) else seconds) as patience:
                await app(scope, self._receive, self._send)
        except ClientDisconnect:
            pass  # the client is gone, or rejected below
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
            return self._reject(408, TOO_SLOW)
        self._bytes += len(message.get("body", b""))
        self._received = not message.get("more_body", False)
        if self._bytes > self._route.max_bytes:
            return self._reject(413, TOO_LARGE)
        return message

    def _reject(self, status: int, text: str) -> Message:
        self._refusal = _refusal(status, text)
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        # Gradio's message for a full queue is for developers; a 503 of `/v1` sets Retry-After.
        if (
            message["type"] == "http.response.start"
            and message["status"] == 503
            and not any(name == b"retry-after" for name, _ in message["headers"])
        ):
            self._refusal = _refusal(503, BUSY, {"Retry-After": "5"})
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

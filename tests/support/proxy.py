"""A reverse proxy on loopback that serves an app below a path of its own."""

import contextlib
import threading
from collections.abc import AsyncIterator, Iterator

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from tests.support.hub import wait_until
from tests.support.page_support import free_port

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "date"}


@contextlib.contextmanager
def behind_proxy(url: str, prefix: str) -> Iterator[str]:
    """Serve the app at `url` below `prefix`, which the app does not get to see.

    Yields:
        The address of the app behind the proxy.
    """
    client = httpx.AsyncClient(base_url=url, timeout=600)

    async def forward(request: Request) -> StreamingResponse:
        target = request.url.path.removeprefix(prefix) or "/"
        sent = client.build_request(
            request.method,
            target,
            params=request.query_params,
            headers=dict(request.headers) | {"x-forwarded-host": request.headers["host"]},
            content=await request.body(),
        )
        received = await client.send(sent, stream=True)
        kept = {k: v for k, v in received.headers.items() if k.lower() not in _HOP_BY_HOP}
        return StreamingResponse(
            received.aiter_bytes(),
            received.status_code,
            kept,
            background=BackgroundTask(received.aclose),
        )

    port = free_port()

    @contextlib.asynccontextmanager
    async def closing(_: Starlette) -> AsyncIterator[None]:
        yield
        await client.aclose()

    routes = [Route("/{path:path}", forward, methods=["GET", "HEAD", "POST"])]
    app = Starlette(routes=routes, lifespan=closing)
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=5)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, 60)
    yield f"http://127.0.0.1:{port}{prefix}"
    server.should_exit = True
    thread.join()

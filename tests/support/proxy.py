"""A reverse proxy on loopback that serves an app below a path of its own."""

import contextlib
import http.server
from collections.abc import Iterator

import httpx

from tests.support.page_support import serving

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding"}


class _Forwarding(http.server.BaseHTTPRequestHandler):
    url: str
    prefix: str

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        target = self.path.removeprefix(self.prefix) or "/"
        headers = {**self.headers, "x-forwarded-host": self.headers["host"]}
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with (
            contextlib.suppress(ConnectionError),  # the browser may leave before the end
            httpx.Client(base_url=self.url, timeout=600, trust_env=False) as client,
            client.stream(self.command, target, headers=headers, content=body) as received,
        ):
            self.send_response_only(received.status_code)
            for name, value in received.headers.items():
                if name not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.end_headers()  # by HTTP/1.0 the answer ends with the connection
            for part in received.iter_bytes():
                self.wfile.write(part)

    do_HEAD = do_POST = do_GET  # noqa: N815 - the base class's names


@contextlib.contextmanager
def behind_proxy(url: str, prefix: str) -> Iterator[str]:
    """Serve the app at `url` below `prefix`, which the app does not get to see.

    Yields:
        The address of the app behind the proxy.
    """
    with serving(type("Handler", (_Forwarding,), {"url": url, "prefix": prefix})) as address:
        yield address + prefix

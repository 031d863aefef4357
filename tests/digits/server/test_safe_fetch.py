"""URLs that clients send instead of a picture: what is fetched, and what is not."""

import asyncio
import contextlib
import socket
import threading

import pytest

from digits.server import safe_fetch
from digits.server.safe_fetch import AddressError, fetch
from tests.support.page_support import listen

REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def public(monkeypatch):
    """Treat loopback as a public host, so that there is one to fetch from."""

    async def loopback(_):
        return "127.0.0.1"

    monkeypatch.setattr(safe_fetch, "_public_address", loopback)


def serve(answer):
    """Respond to every connection with these bytes; return the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def run():
        while True:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(1000)
                connection.sendall(answer)

    threading.Thread(target=run, daemon=True).start()
    return server.getsockname()[1]


@pytest.mark.usefixtures("public")
def test_a_picture_at_a_public_address_is_fetched():
    port = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    assert asyncio.run(fetch(f"http://example.com:{port}/x.png")) == b"abc"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(21_000_000), "larger than 20 MB"),
        (REDIRECT % b"/x", "too many redirects"),
    ],
    ids=["too large", "in circles"],
)
@pytest.mark.usefixtures("public")
def test_fetching_ends(answer, words):
    with pytest.raises(AddressError, match=words):
        asyncio.run(fetch(f"http://example.com:{serve(answer)}/x"))


def test_a_public_address_that_leads_to_this_machine_is_not_followed(monkeypatch):
    look_up, hosts, calls = safe_fetch._public_address, [], []  # noqa: SLF001

    async def first_only(host):
        hosts.append(host)
        return "127.0.0.1" if len(hosts) == 1 else await look_up(host)

    monkeypatch.setattr(safe_fetch, "_public_address", first_only)
    target = f"http://localhost:{listen(calls)}/".encode()
    with pytest.raises(AddressError, match="not public"):
        asyncio.run(fetch(f"http://example.com:{serve(REDIRECT % target)}/x"))
    assert calls == []

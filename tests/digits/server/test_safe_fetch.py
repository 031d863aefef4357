"""Addresses that clients name instead of a picture: what is fetched, and what is not."""

import asyncio
import socket
import threading

import pytest

from digits.server import safe_fetch
from digits.server.safe_fetch import AddressError, fetch
from tests.support.page_support import listen


@pytest.fixture
def public(monkeypatch):
    """Take the loopback for a public host, so that there is one to fetch from."""

    async def loopback(_):
        return "127.0.0.1"

    monkeypatch.setattr(safe_fetch, "_public_address", loopback)


def serve(answer, times=1):
    """Answer so many connections with these bytes; return the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def run():
        with server:
            for _ in range(times):
                connection, _ = server.accept()
                with connection:
                    connection.recv(1000)
                    try:
                        connection.sendall(answer)
                    except OSError:
                        return

    threading.Thread(target=run, daemon=True).start()
    return server.getsockname()[1]


@pytest.mark.usefixtures("public")
def test_a_picture_at_a_public_address_is_fetched():
    port = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    assert asyncio.run(fetch(f"http://example.com:{port}/x.png")) == b"abc"


@pytest.mark.usefixtures("public")
def test_a_file_without_end_is_not_fetched_to_its_end():
    port = serve(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(21_000_000))
    with pytest.raises(AddressError, match="larger than 20 MB"):
        asyncio.run(fetch(f"http://example.com:{port}/x.png"))


@pytest.mark.usefixtures("public")
def test_addresses_that_lead_in_circles_are_left():
    port = serve(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", times=9)
    with pytest.raises(AddressError, match="leads from one to the next"):
        asyncio.run(fetch(f"http://example.com:{port}/x"))


def test_a_public_address_that_leads_to_this_machine_is_not_followed(monkeypatch):
    look_up, hosts, calls = safe_fetch._public_address, [], []  # noqa: SLF001

    async def first_only(host):
        hosts.append(host)
        return "127.0.0.1" if len(hosts) == 1 else await look_up(host)

    monkeypatch.setattr(safe_fetch, "_public_address", first_only)
    target = f"http://localhost:{listen(calls)}/"
    port = serve(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())
    with pytest.raises(AddressError, match="not public"):
        asyncio.run(fetch(f"http://example.com:{port}/x"))
    assert calls == []

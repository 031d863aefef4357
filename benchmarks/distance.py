"""A network between browser and app: a TCP relay on the loopback that delivers everything later.

Chromium's own emulation delays whole requests; this one delays bytes, both ways, as distance does:
opening a connection is free, and what follows costs the delay for each way.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

_CHUNK_BYTES = 2**16


@contextmanager
def at_a_distance(url: str, delay_seconds: float) -> Iterator[str]:
    """Serve an app at another address, with a delay.

    Yields:
        The other address.
    """
    target = urlsplit(url)
    ready = threading.Event()
    shared: dict[str, Any] = {}

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(
            _carry(reader, far_writer, delay_seconds), _carry(far_reader, writer, delay_seconds)
        )

    async def serve() -> None:
        shared["loop"], shared["stop"] = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        shared["port"] = server.sockets[0].getsockname()[1]
        ready.set()
        await shared["stop"].wait()
        server.close()

    # `run` also ends the connections that are still open.
    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield f"http://127.0.0.1:{shared['port']}"
    finally:
        shared["loop"].call_soon_threadsafe(shared["stop"].set)
        thread.join()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_seconds: float
) -> None:
    """Pass bytes on in their order, each a fixed time after it came; then the end, likewise."""
    loop = asyncio.get_running_loop()
    try:
        while chunk := await reader.read(_CHUNK_BYTES):
            loop.call_later(delay_seconds, writer.write, chunk)
        await asyncio.sleep(delay_seconds)
    except ConnectionError:  # a side that hangs up: nothing is left to carry
        pass
    finally:
        writer.close()

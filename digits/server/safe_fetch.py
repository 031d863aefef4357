"""Picture inputs of Gradio's API: safe downloads of URLs, and helpful errors for malformed input.

URLs are fetched only from public hosts, with limits on size and time. Gradio's own download has no
size limit, holds the file in memory, and queries another DNS server when the system's resolver
returns no public address.
"""

import asyncio
import hashlib
import ipaddress
import logging
import socket
from pathlib import Path
from typing import Any, Final

import gradio as gr
import httpx
import safehttpx
from gradio.processing_utils import PUBLIC_HOSTNAME_WHITELIST

from digits.pictures import MAX_FILE_BYTES

FETCH_SECONDS: Final = 20.0
MAX_REDIRECTS: Final = 5

_log = logging.getLogger(__name__)


HOW: Final = (
    'Send one picture file: handle_file("seven.png") in Python, or over HTTP the file itself to '
    "/v1/predict or /v1/read."
)


class PictureBlocks(gr.Blocks):
    """Blocks whose API responds to malformed input with `HOW`, where Gradio's error is `null`."""

    async def preprocess_data(self, *args: Any, **options: Any) -> list[Any]:  # noqa: ANN401 - Gradio's
        """Preprocess as Gradio does, but explain what to send if the input is not a picture."""
        try:
            return await super().preprocess_data(*args, **options)
        except gr.Error:  # already says what to do
            raise
        except ValueError as error:
            raise gr.Error(HOW, print_exception=False) from error


class AddressError(Exception):
    """A URL could not be fetched; the text tells the client what to do."""


def watch_addresses(image: gr.Image) -> gr.Image:
    """Make a component download URLs with `fetch`; return the component.

    It is patched, not subclassed: Gradio writes a file beside the source of every subclass.
    """
    keep = image.async_move_resource_to_block_cache

    async def take(name: str | Path | None) -> str | None:
        if not str(name or "").lower().startswith(("http://", "https://")):
            return await keep(name)
        try:
            content = await fetch(str(name))
        except AddressError as error:
            raise gr.Error(str(error), print_exception=False) from error
        folder = Path(image.GRADIO_CACHE) / hashlib.sha256(content).hexdigest()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "picture"
        path.write_bytes(content)
        image.temp_files.add(str(path))
        return str(path)

    image.async_move_resource_to_block_cache = take  # type: ignore[assignment, method-assign]
    return image


async def fetch(address: str) -> bytes:
    """Download the content of a URL.

    Raises:
        AddressError: If the host is not public, or the file is missing, too large or too slow.
    """
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            for _ in range(1 + MAX_REDIRECTS):
                content, address = await _fetch_once(address)
                if content is not None:
                    return content
    except TimeoutError as error:
        raise AddressError("This address takes too long. Upload the picture instead.") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        _log.info("URL not fetched: %s", type(error).__name__)
        raise AddressError("This address cannot be reached. Upload the picture instead.") from error
    raise AddressError("This address has too many redirects. Upload the picture instead.")


async def _fetch_once(address: str) -> tuple[bytes | None, str]:
    """Return the content, or None and the URL that it redirects to."""
    url = httpx.URL(address)
    if url.scheme not in {"http", "https"} or not url.host:
        raise AddressError("This is not the address of a picture. Upload the picture instead.")
    host = await _public_address(url.host)
    transport = safehttpx.AsyncSecureTransport(host) if host else None
    async with (
        httpx.AsyncClient(transport=transport) as client,
        client.stream("GET", url) as response,
    ):
        if response.has_redirect_location:
            return None, str(url.join(response.headers["location"]))
        response.raise_for_status()
        content = bytearray()
        async for chunk in response.aiter_bytes(65_536):
            content += chunk
            if len(content) > MAX_FILE_BYTES:
                size = f"{MAX_FILE_BYTES // 1_000_000} MB"
                raise AddressError(f"This file is larger than {size}. Make it smaller.")
        return bytes(content), address


async def _public_address(host: str) -> str | None:
    """Resolve a host once; None for the Hub's, which may have private addresses on a Space."""
    if safehttpx.matches_domain_whitelist(host, PUBLIC_HOSTNAME_WHITELIST):
        return None
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(_is_public(one) for one in addresses):
        raise AddressError("This address is not public. Upload the picture instead.")
    return addresses[0]


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_global and not ip.is_multicast

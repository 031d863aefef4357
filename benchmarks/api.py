"""`/predict` as programs call it: by `gradio_client`, and by plain HTTP."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gradio_client import Client, handle_file  # type: ignore[import-untyped]

from benchmarks.calls import Caller, Pictures, picture
from benchmarks.figures import Figures, Row
from benchmarks.serving import Apps, Server


@dataclass(frozen=True)
class Counts:
    """How much is measured.

    Attributes:
        client: Calls by `gradio_client`.
        plain: Calls by plain HTTP.
        warm_up: Calls before each of these that do not count.
    """

    client: int = 30
    plain: int = 60
    warm_up: int = 3


QUICK: Final = Counts(client=1, plain=1, warm_up=0)


def _times(call: Callable[[], object], count: int, warm_up: int) -> Figures:
    waited = []
    for _ in range(warm_up + count):
        start = time.perf_counter()
        call()
        waited.append(1000 * (time.perf_counter() - start))
    return Figures.of(waited[warm_up:])


def by_client(server: Server, counts: Counts) -> Figures:
    """Milliseconds of one call by `gradio_client`, which uploads the picture first."""
    client = Client(server.url, verbose=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digit.png"
        path.write_bytes(picture(7))
        question = server.app.question(handle_file(path))
        figures = _times(
            lambda: client.predict(question, api_name="/predict"), counts.client, counts.warm_up
        )
    client.close()
    return figures


def by_http(server: Server, counts: Counts) -> tuple[Figures, Figures]:
    """Milliseconds of one call over one connection: without, and with the picture's upload."""
    pictures = Pictures()
    with Caller(server) as caller:
        path = caller.upload(picture(7))
        call = _times(lambda: caller.predict(path), counts.plain, counts.warm_up)
        whole = _times(
            lambda: caller.upload_and_predict(pictures.next()), counts.plain, counts.warm_up
        )
    return call, whole


def measure(apps: Apps, counts: Counts) -> list[Row]:
    """Measure both apps, one after the other."""
    client, call, whole = {}, {}, {}
    for app in apps.both:
        server = apps.running(app)
        client[app.name] = by_client(server, counts)
        call[app.name], whole[app.name] = by_http(server, counts)
    return [
        Row("`/predict` by gradio_client", "ms", client["ours"], client["baseline"]),
        Row("`/predict` by HTTP, picture uploaded", "ms", call["ours"], call["baseline"]),
        Row("`/predict` by HTTP, with its upload", "ms", whole["ours"], whole["baseline"]),
    ]

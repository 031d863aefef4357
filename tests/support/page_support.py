"""Start the real app.py, once for all tests that use it, and other loopback servers."""

import atexit
import contextlib
import functools
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 600  # only a failure takes so long; the machine may be busy
# Without keep-alive: the app closes idle connections after five seconds.
_CLIENT = httpx.Client(
    timeout=60, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
)


@dataclass
class App:
    url: str
    uploads: Path
    log: Path
    process: subprocess.Popen | None = None
    hub_calls: list = field(default_factory=list)

    def get(self, path):
        return self.request("GET", path).raise_for_status().content

    def request(self, method, path, **options):
        """Send a request and return the response, whatever its status."""
        return _CLIENT.request(method, self.url + path, **options)

    def post(self, path, value):
        return self.request("POST", path, json=value).raise_for_status().json()

    def ask(self, endpoint, **options):
        """Post to the HTTP API; return status and JSON of the response."""
        response = self.request("POST", f"/v1/{endpoint}", **options)
        return response.status_code, response.json()

    def upload(self, content, name="digit.png"):
        """Upload a file as a browser does; return it as events expect it."""
        response = self.request("POST", "/gradio_api/upload", files={"files": (name, content)})
        [path] = response.raise_for_status().json()
        return {"path": path, "meta": {"_type": "gradio.FileData"}}

    def call(self, name, *data):
        """Call an endpoint over plain HTTP; return name and data of the last event."""
        event = self.post(f"/gradio_api/call/{name}", {"data": data})["event_id"]
        lines = self.get(f"/gradio_api/call/{name}/{event}").decode().strip().splitlines()
        last = dict(line.split(": ", 1) for line in lines if ": " in line)
        return last["event"], json.loads(last["data"])

    def draw(self, mode, strokes):
        """Send strokes as the pad does."""
        return self.post("/v1/draw", {"mode": mode, "strokes": strokes})

    def server_function(self, name, data):
        [component] = [
            component["id"]
            for component in json.loads(self.get("/config"))["components"]
            if name in component["props"].get("server_fns", [])
        ]
        return self.post(
            "/gradio_api/component_server/",
            {"data": data, "component_id": component, "fn_name": name, "session_hash": "test"},
        )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@functools.cache
def running_app(settings=()):
    """Start app.py with the bundled weights and wait until it is ready; stops with the tests.

    Args:
        settings: Pairs of additional environment variables and values.
    """
    folder = Path(tempfile.mkdtemp(prefix="digits app "))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return start_app(folder, dict(settings))


def start_app(folder, settings, prefix=()):
    """Start a new app.py and wait until it is ready; stops with the tests at the latest.

    It cannot import packages that only training installs: TensorFlow, Keras and more.

    Args:
        folder: Folder of its log and, unless `settings` override it, its files.
        settings: Additional environment variables; None removes one.
        prefix: Words of a command that runs another command.
    """
    port = free_port()
    app = App(f"http://127.0.0.1:{port}", folder / "uploads", folder / "log.txt")
    hub = listen(app.hub_calls)
    environment = os.environ | {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(app.uploads),
        "HF_ENDPOINT": f"http://127.0.0.1:{hub}",
        "HF_HOME": str(folder / "hub"),
        "PYTHONPATH": str(ROOT / "tests" / "without_training"),
        **settings,
    }
    with app.log.open("wb") as log:
        app.process = subprocess.Popen(
            [*prefix, sys.executable, "app.py"],
            cwd=ROOT,
            env={key: value for key, value in environment.items() if value is not None},
            stdout=log,
            stderr=log,
        )
    atexit.register(app.process.wait)
    atexit.register(app.process.kill)
    _wait_until_ready(app)
    return app


@contextlib.contextmanager
def serving(handler):
    """Serve on loopback, each request in its own thread, until the block ends; yield the URL."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def listen(calls):
    """Record connections on loopback without answering them; return the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            connection, address = server.accept()
            calls.append(address)
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    return server.getsockname()[1]


def _wait_until_ready(app):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert app.process.poll() is None, app.log.read_text()
        with contextlib.suppress(OSError, httpx.HTTPError):
            if app.get("/") and app.server_function("read_status", [])["ready"]:
                return
        time.sleep(0.1)
    raise AssertionError(f"not ready after {START_SECONDS} s:\n{app.log.read_text()}")

"""Start the real app.py, once for all tests that talk to it, and other servers on loopback."""

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

ROOT = Path(__file__).parents[2]
START_SECONDS = 600  # only a failure waits so long, and a machine may be busy with other things
# Without kept connections: the app hangs up on them after five seconds.
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
        """Send a request; return the answer whatever its status."""
        return _CLIENT.request(method, self.url + path, **options)

    def post(self, path, value):
        return self.request("POST", path, json=value).raise_for_status().json()

    def ask(self, endpoint, **options):
        """Post to the HTTP API; return the status and the JSON of the answer."""
        answer = self.request("POST", f"/v1/{endpoint}", **options)
        return answer.status_code, answer.json()

    def upload(self, content, name="digit.png"):
        """Upload a file as a browser does; return what events are given of it."""
        answer = self.request("POST", "/gradio_api/upload", files={"files": (name, content)})
        [path] = answer.raise_for_status().json()
        return {"path": path, "meta": {"_type": "gradio.FileData"}}

    def call(self, name, *data):
        """Run an endpoint over plain HTTP; return the last event's name and data."""
        event = self.post(f"/gradio_api/call/{name}", {"data": data})["event_id"]
        lines = self.get(f"/gradio_api/call/{name}/{event}").decode().strip().splitlines()
        last = dict(line.split(": ", 1) for line in lines if ": " in line)
        return last["event"], json.loads(last["data"])

    def draw(self, mode, strokes):
        """Ask what strokes say, as the pad does."""
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
    """Start app.py with the bundled weights and wait until it can read; ends with the tests.

    Args:
        settings: Pairs of environment variable and value, beside the usual ones.
    """
    folder = Path(tempfile.mkdtemp(prefix="digits app "))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return start_app(folder, dict(settings))


def start_app(folder, settings, prefix=()):
    """Start app.py anew and wait until it can read; ends with the tests at the latest.

    It cannot import what only training installs: TensorFlow, Keras and more.

    Args:
        folder: Where its log and, if `settings` do not say otherwise, its files lie.
        settings: Variables of the environment beside the usual ones; None takes one out.
        prefix: A command that starts another one.
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
    _wait(app.process, app, lambda: app.get("/"))
    _wait(app.process, app, lambda: app.server_function("read_status", [])["ready"])
    return app


@contextlib.contextmanager
def serving(handler):
    """Serve on the loopback, each request in a thread, until the block ends; give the address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def listen(calls):
    """Remember who connects and answer nobody; return the port of the loopback."""
    server = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            connection, address = server.accept()
            calls.append(address)
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    return server.getsockname()[1]


def _wait(process, app, done):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, app.log.read_text()
        try:
            if done():
                return
        except (OSError, httpx.HTTPError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"not up after {START_SECONDS} s:\n{app.log.read_text()}")

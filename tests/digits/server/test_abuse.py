"""Hostile requests over HTTP.

Every response in these tests is searched for data that must never leave the machine.
"""

import http.client
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import pytest

from tests.support import pen
from tests.support.page_support import ROOT, listen, running_app

CANARY = "canary-3f1b9c"
FILE = {"_type": "gradio.FileData"}
LEAKS = re.compile(
    rf"{CANARY}|Traceback|site-packages|root:x:|{re.escape(str(ROOT))}|File \"|\.py\b"
)


@pytest.fixture(scope="module")
def trap():
    """A loopback server that must get no connection, also set as the app's proxy: `port, calls`."""
    calls = []
    return listen(calls), calls


@pytest.fixture(scope="module")
def hostile(trap):
    """The app with secrets in its environment, and with all telemetry of Gradio switched on."""
    proxy = f"http://127.0.0.1:{trap[0]}"
    return running_app(
        (
            ("CANARY", CANARY),
            ("HF_TOKEN", f"hf_{CANARY}"),
            ("GRADIO_ANALYTICS_ENABLED", "True"),
            ("HF_HUB_DISABLE_TELEMETRY", "0"),
            ("HTTP_PROXY", proxy),
            ("HTTPS_PROXY", proxy),
            ("ALL_PROXY", proxy),
            ("NO_PROXY", "127.0.0.1,localhost"),
        )
    )


@pytest.fixture(scope="module")
def ask(hostile):
    """Send a raw request; return status, headers and body after checking them for leaks."""
    address = urlsplit(hostile.url)

    def send(method, path, body=None, kind="application/json", timeout=60, **headers):
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {"Content-Type": kind} if content is not None else {}
        connection.request(method, path, content, named | headers)
        response = connection.getresponse()
        answer = response.read().decode("utf-8", "replace")
        connection.close()
        received = answer + str(response.headers)
        assert not LEAKS.search(received), (method, path, LEAKS.search(received), received[:500])
        return response.status, response.headers, answer

    return send


@pytest.fixture(scope="module")
def event(ask):
    """Call an endpoint; return the kind of the last event and the whole response."""

    def call(name, *data):
        status, _, answer = ask("POST", f"/gradio_api/call/{name}", {"data": list(data)})
        if status != 200:
            return "refused", answer
        _, _, stream = ask("GET", f"/gradio_api/call/{name}/{json.loads(answer)['event_id']}")
        return re.findall(r"^event: (\w+)", stream, re.MULTILINE)[-1], stream

    return call


@pytest.fixture(scope="module")
def secrets(hostile, tmp_path_factory):
    """Pictures of digits that the app could open but must not."""
    elsewhere = tmp_path_factory.mktemp("elsewhere") / f"{CANARY}.png"
    beside = hostile.uploads.parent / f"{CANARY}.png"
    cached = hostile.uploads.parent / "hub" / f"{CANARY}.png"
    cached.parent.mkdir(exist_ok=True)
    for path in (elsewhere, beside, cached):
        pen.save(path, pen.sheet(8))
    return [elsewhere, beside, cached, ROOT / ".github" / "screenshots" / "page.webp"]


def names_of(path, uploads):
    """Return names that a client could use for a file of the server."""
    dotted = f"{uploads}/{os.path.relpath(path, uploads)}"
    return [
        str(path),
        f"file://{path}",
        os.path.relpath(path, ROOT),
        dotted,
        quote(dotted, safe=""),
        dotted.replace("..", "%2e%2e"),
        f"/{path}",
        f"/gradio_api/file={path}",
    ]


def addresses(port):
    """Return obfuscated URLs of the server's own machine and network."""
    return [
        f"http://127.0.0.1:{port}/x.png",
        f"HTTP://localhost:{port}/x.png",
        f"http://[::1]:{port}/x.png",
        f"http://[::ffff:127.0.0.1]:{port}/x.png",
        f"http://2130706433:{port}/x.png",
        f"http://0x7f000001:{port}/x.png",
        f"http://127.1:{port}/x.png",
        f"http://0.0.0.0:{port}/x.png",
        f"http://huggingface.co@127.0.0.1:{port}/x.png",
        f"https://127.0.0.1:{port}/x.png",
        f"ftp://127.0.0.1:{port}/x.png",
        f"//127.0.0.1:{port}/x.png",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/",
    ]


def references(name):
    """Return the ways to pass a name as a picture."""
    return [
        {"path": name},
        {"path": name, "meta": FILE},
        {"path": name, "meta": {"_type": "gradio.Other"}},
        {"path": name, "meta": None},
        {"path": name, "meta": "gradio.FileData"},
        {"path": name, "meta": FILE, "is_stream": True},
        {"path": name, "url": name, "meta": FILE, "orig_name": name, "mime_type": "image/png"},
        {"path": "", "url": name, "meta": FILE},
        {"url": name},
        {"url": name, "meta": FILE},
        {"path": None, "url": name, "meta": FILE},
        {"image": {"path": name, "meta": FILE}},
        {"path": {"path": name, "meta": FILE}, "meta": FILE},
        {"path": [name], "meta": FILE},
        [{"path": name, "meta": FILE}],
        name,
        [name],
    ]


def test_no_file_of_the_server_is_opened_however_it_is_named(event, hostile, secrets):
    first, *others = secrets
    whole = [form for name in names_of(first, hostile.uploads) for form in references(name)]
    for path in others:
        names = names_of(path, hostile.uploads)
        whole += [form for name in names for form in references(name)[:2]]
    with ThreadPoolExecutor(8) as pool:
        kinds = [kind for kind, _ in pool.map(lambda form: event("predict", form), whole)]
        kinds += [kind for kind, _ in pool.map(lambda form: event("read", form), whole[::7])]
    assert set(kinds) <= {"error", "refused"}


def test_nothing_of_the_servers_own_network_is_fetched(event, ask, trap):
    port, calls = trap
    forms = [form for name in addresses(port) for form in references(name)]
    with ThreadPoolExecutor(8) as pool:
        kinds = {kind for kind, _ in pool.map(lambda form: event("predict", form), forms)}
    assert kinds <= {"error", "refused"}
    _, answer = event("predict", forms[1])
    assert "Upload the picture instead" in answer
    for address in addresses(port):
        for path in (f"file={address}", f"proxy={address}", f"file/{address}"):
            status, _, _ = ask("GET", f"/gradio_api/{quote(path, safe='=')}")
            assert status == 404
    assert calls == []


def test_the_events_of_the_page_open_no_other_file_either(ask, hostile, secrets):
    config = json.loads(hostile.get("/config"))
    private = [one["id"] for one in config["dependencies"] if one["api_visibility"] == "private"]
    session = "abuse"
    for index in private:
        for form in references(str(secrets[0]))[:3]:
            body = {"data": [form, "digit", 0], "fn_index": index, "session_hash": session}
            status, _, _ = ask("POST", "/gradio_api/queue/join", body)
            if status == 200:
                _, _, stream = ask("GET", f"/gradio_api/queue/data?session_hash={session}")
                assert '"kind":"digit"' not in stream.replace(" ", "")


def test_no_file_but_an_upload_is_shown(ask, hostile, secrets):
    names = [name for path in secrets for name in names_of(path, hostile.uploads)]
    for name in [*names, "/etc/passwd", "/proc/self/environ", "app.py", str(ROOT / "app.py")]:
        for door in ("file=", "file/", "proxy="):
            status, _, answer = ask("GET", f"/gradio_api/{door}{quote(name)}")
            assert status == 404, (door, name, answer)


CLOSED = [
    "/monitoring", "/monitoring/x", "/login", "/logout", "/docs", "/redoc", "/openapi.json",
    "/pwa_icon", "/svelte/x.js", "/.env", "/app.py", "/static/../app.py",
    "/static/%2e%2e/%2e%2e/app.py", "/assets/..%2f..%2fapp.py",
    "/gradio_api/deep_link?session_hash=x", "/gradio_api/dev/reload", "/gradio_api/proxy=http://x/",
    "/gradio_api/token", "/gradio_api/user", "/gradio_api/runs", "/gradio_api/run-history/buckets",
    "/gradio_api/custom_component/x/client/y/z", "/gradio_api/stream/a/b/1/playlist.m3u8",
    "/gradio_api/stream/a/b/1/playlist-file", "/gradio_api/vibe-code",
    "/gradio_api/profiling/traces", "/gradio_api/queue/status", "/gradio_api/mcp/sse",
    "/gradio_api/mcp/messages/", "/gradio_api/file=", "/gradio_api/call/read_upload/0", "/nowhere",
    "/samples/photo.png", "/samples/", "/samples/../app.py", "/samples/none.jpg",
]  # fmt: skip
CLOSED_TO_POST = [
    "/login", "/gradio_api/run/predict", "/gradio_api/api/predict",
    "/gradio_api/call/read_upload", "/gradio_api/call/zero_gpu_greeting",
    "/gradio_api/process_recording", "/gradio_api/vibe-edit", "/gradio_api/undo-vibe-edit",
    "/gradio_api/stream/x", "/gradio_api/stream/x/close", "/gradio_api/run-history/connect",
    "/gradio_api/mcp/messages/",
]  # fmt: skip


def test_only_what_page_and_api_need_is_open(ask):
    answers = {path: ask("GET", path)[0] for path in CLOSED}
    answers |= {f"POST {path}": ask("POST", path, {"data": []})[0] for path in CLOSED_TO_POST}
    assert {path: status for path, status in answers.items() if status not in {403, 404}} == {}
    assert json.loads(ask("GET", "/gradio_api/startup-events")[2]) is False
    assert json.loads(ask("GET", "/monitoring/summary")[2]) == {"functions": {}}
    # From it, a page that reconnects knows whether the app has restarted.
    assert set(json.loads(ask("GET", "/gradio_api/app_id")[2])) == {"app_id"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "CONNECT", "X"])
def test_other_verbs_are_refused(ask, method):
    for path in ("/", "/gradio_api/upload", "/gradio_api/call/predict", "/gradio_api/info"):
        assert ask(method, path)[0] in {400, 404, 405}


def test_every_answer_carries_the_security_headers(ask, tmp_path):
    pen.save(tmp_path / "digit.png", pen.sheet(1))
    stored = uploaded(ask, (tmp_path / "digit.png").read_bytes())
    answers = [
        ask("GET", "/"),
        ask("GET", "/config"),
        ask("GET", "/static/js/iframeResizer.contentWindow.min.js"),
        ask("GET", f"/gradio_api/file={quote(stored)}"),
        ask("GET", "/gradio_api/info"),
        ask("POST", "/gradio_api/call/predict", b"{"),
        ask("POST", "/gradio_api/run/health", {"data": []}),
        ask("GET", "/nowhere"),
        ask("PUT", "/"),
        ask("POST", "/gradio_api/component_server", {"data": 1, "component_id": [], "fn_name": "x",
                                                     "session_hash": "x"}),
    ]  # fmt: skip
    assert [status for status, _, _ in answers][:5] == [200] * 5
    for _, headers, _ in answers:
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "microphone=()" in headers["Permissions-Policy"]
        assert "frame-ancestors" in headers["Content-Security-Policy"]
        assert "X-Frame-Options" not in headers
    assert "https://huggingface.co" in answers[0][1]["Content-Security-Policy"]
    assert "sandbox" in answers[3][1]["Content-Security-Policy"]


def uploaded(ask, content, name="digit.png"):
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="files"; filename="' + name.encode()
        + b'"\r\n\r\n' + content + b"\r\n--edge--\r\n"
    )  # fmt: skip
    status, _, answer = ask(
        "POST", "/gradio_api/upload", body, "multipart/form-data; boundary=edge"
    )
    assert status == 200, answer
    return json.loads(answer)[0]


def test_an_upload_stays_in_its_folder_and_is_never_run(ask, hostile):
    page = b"<script>alert(1)</script>"
    for name in ("../../x.html", "..%2fx.html", "/etc/x.html", "x.html\\", "x.svg", "."):
        path = uploaded(ask, page, name)
        assert os.path.realpath(path).startswith(os.path.realpath(hostile.uploads) + "/")
        _, headers, _ = ask("GET", f"/gradio_api/file={quote(path)}")
        assert "sandbox" in headers["Content-Security-Policy"]
        assert headers["Content-Disposition"].startswith("attachment")


BAD_BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"7",
    b"\xff\xfe",
    b'{"data": null}',
    b'{"data": {}}',
    b'{"data": [], "event_data": 1, "session_hash": []}',
    b'{"data": [NaN]}',
    b'{"data": []}',
    b'{"data": [null]}',
    b'{"data": [1, 2, 3, 4, 5, 6, 7]}',
    b'{"data": [true]}',
    b'{"data": [1e999]}',
    b'{"data": ["' + b"a" * 100_000 + b'"]}',
    b'{"data": [{"path": "a\\u0000b", "meta": {"_type": "gradio.FileData"}}]}',
    b'{"data": [{"path": "' + b"a/" * 20_000 + b'", "meta": {"_type": "gradio.FileData"}}]}',
    b'{"data": [{"path": "\\ud800"}]}',
    b'{"data": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    b'{"data": [' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"]}",
    b'{"data": [null], "trigger_id": "x", "fn_index": 10000000000}',
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:40]))
def test_bodies_of_no_sense_get_an_error_and_nothing_more(ask, event, body):
    for path in ("call/predict", "call/v2/predict", "queue/join", "component_server", "mcp/"):
        status, _, answer = ask(
            "POST", f"/gradio_api/{path}", body, Accept="application/json, text/event-stream"
        )
        if path == "call/predict" and status == 200:
            _, _, answer = ask("GET", f"/gradio_api/{path}/{json.loads(answer)['event_id']}")
            assert "event: error" in answer
        assert "confidences" not in answer
    # The app still works.
    assert event("predict", None)[0] == "error"


def test_too_large_a_body_is_refused_unread_and_the_answer_says_what_to_do(ask, hostile):
    before = set(hostile.uploads.rglob("*"))
    question, form = b'"' + b"a" * 5_000_000 + b'"', "multipart/form-data; boundary=edge"
    sent = {"upload": (bytes(60_000_000), form)}
    sent |= dict.fromkeys(("call/predict", "queue/join", "component_server", "cancel"), (question,))
    for path, body in sent.items():
        status, _, answer = ask("POST", f"/gradio_api/{path}", *body)
        assert status == 413
        assert re.search("too large: .* Make it smaller", answer)
    assert set(hostile.uploads.rglob("*")) == before


def test_nothing_went_out_that_no_visitor_caused(hostile, trap):
    assert hostile.get("/")
    assert trap[1] == []
    assert hostile.hub_calls == []

"""Request limits: allowed routes, body size, concurrency and time.

The long runs are `python -m benchmarks.soak`.
"""

import asyncio
import json
import re
import resource
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import psutil
import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from benchmarks.calls import Caller, RefusedError
from benchmarks.serving import OURS, Server
from benchmarks.soak import Report, plot, soak
from benchmarks.visitors import Outcome, Question, Visitor, huge_picture
from digits.server.headers import page_policy
from digits.server.request_limits import RequestLimits, Route, Traffic
from tests.support import pen

BURST = 150
"""Concurrent clients; the app's queue has room for 64."""


@pytest.fixture(scope="module")
def server(app):
    return Server(OURS, app.url, psutil.Process(app.process.pid))


def test_visitors_at_once_get_their_own_answers(server):
    visitors = [Visitor(server, number) for number in range(8)]
    for visitor in visitors:
        visitor.learn()

    def visit(visitor):
        return [visitor.pad(), visitor.picture(), visitor.nonsense(), visitor.picture()]

    with ThreadPoolExecutor(len(visitors)) as pool:
        for outcomes in pool.map(visit, visitors):
            assert outcomes == [Outcome.RIGHT, Outcome.RIGHT, Outcome.REFUSED, Outcome.RIGHT]


@pytest.mark.nightly
def test_a_crowd_of_visitors_gets_its_own_answers_and_it_is_calm_again(server):
    told = soak(server, clients=24, seconds=6).as_json()
    assert (told["outcomes"]["wrong"], told["outcomes"]["lost"]) == (0, 0)
    assert told["outcomes"]["right"] > 0
    assert told["outcomes"]["refused"] > 0
    # Four of the largest pictures at once, and what the allocator keeps of their memory.
    assert told["megabytes"]["after"] < told["megabytes"]["before"] + 2500


@pytest.mark.nightly
def test_who_comes_when_all_is_taken_is_told_so_and_all_others_are_answered(app, server):
    file = app.upload(pen.png(7))
    caller = Caller(server, BURST)
    large = caller.upload(huge_picture())

    def ask(number):
        try:
            return caller.predict(large if number < 4 else file["path"])["digit"]
        except RefusedError as error:
            return error.status, json.loads(error.content)["detail"]

    with ThreadPoolExecutor(BURST) as pool:
        answers = Counter(pool.map(ask, range(BURST)))
    busy = 503, "This page is busy: try again in a few seconds."
    assert set(answers) == {3, 7, busy}
    assert answers[busy] > 0
    assert answers[7] >= 64 - 4


def status_of(connection):
    """Return the status of a response that has begun; 0 if there is none."""
    first = connection.recv(64)
    return int(first.split()[1]) if first else 0


@pytest.mark.nightly
def test_the_page_answers_beside_thousands_of_open_streams(app):
    address = urlsplit(app.url)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
        streams = []
        for number in range(2500):
            stream = socket.create_connection((address.hostname, address.port), timeout=30)
            stack.callback(stream.close)
            head = f"GET /gradio_api/heartbeat/s{number} HTTP/1.1\r\nHost: x\r\n\r\n"
            stream.sendall(head.encode())
            streams.append(stream)
        statuses = [status_of(stream) for stream in streams]
        assert statuses.count(200) == 2000
        assert statuses.count(503) == 500
        assert app.get("/")
        assert app.draw("digit", [[40, 500, 200, 500, 800]])["digit"] == 1
        late = app.request("GET", "/gradio_api/heartbeat/late")
        assert (late.status_code, late.headers["Retry-After"]) == (503, "5")
        assert "busy" in late.text


UPLOAD_HEAD = (
    b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n"
    b"Content-Type: multipart/form-data; boundary=edge\r\n\r\n--edge\r\n"
)


def test_clients_that_send_or_read_slowly_keep_nobody_waiting(app):
    address = urlsplit(app.url)
    heads = [
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /gradio_api/call/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
        UPLOAD_HEAD,
        b"GET /config HTTP/1.1\r\nHost: x\r\n\r\n" * 20,
    ]
    with ExitStack() as stack:
        for number in range(100):
            slow = socket.create_connection((address.hostname, address.port), timeout=30)
            stack.callback(slow.close)
            slow.sendall(heads[number % 4])
        assert app.get("/")
        assert app.draw("digit", [[40, 500, 200, 500, 800]])["digit"] == 1


def test_an_answer_that_is_anothers_is_noticed(server):
    one, other = Visitor(server, 1), Visitor(server, 11)
    one.learn()
    other.learn()
    one._known, other._known = other._known, one._known  # noqa: SLF001 - as if they were mixed up
    assert one.digit == other.digit
    assert one.picture() is Outcome.WRONG
    assert one.pad() is Outcome.WRONG


def test_the_report_counts_and_the_plot_is_drawn(tmp_path):
    questions = [
        Question("pad", Outcome.RIGHT, 1.0, 6),
        Question("pad", Outcome.LOST, 2.0, 30),
        Question("pad", Outcome.RIGHT, 3.0, 72),
    ]
    report = Report(questions, [(0, 100.0), (60, 300.0), (90, 200.0)], 1.5)
    told = report.as_json()
    assert told["questions"] == 3
    assert told["outcomes"] == {"right": 2, "refused": 0, "busy": 0, "wrong": 0, "lost": 1}
    assert told["megabytes"] == {"before": 100, "peak": 300, "after": 200}
    assert told["seconds"]["pad"]["longest"] == 3.0
    assert report.faults == 1
    plot(report, tmp_path / "soak.png")
    assert (tmp_path / "soak.png").read_bytes().startswith(b"\x89PNG")


def test_scripts_of_another_host_run_under_a_temporary_public_link_alone():
    [alone] = re.findall(r"script-src ([^;]+)", page_policy(shared=False))
    [shared] = re.findall(r"script-src ([^;]+)", page_policy(shared=True))
    assert "https://" not in alone
    assert re.findall(r"https://\S+", shared) == ["https://gradio.s3-us-west-2.amazonaws.com"]


def visit(app, path="/gradio_api/upload", method="POST", chunks=(b"",), pause=0.0, **options):
    """Send a request to an app behind `RequestLimits`; return status and body."""
    sent, left = [], list(chunks)

    async def receive():
        if not left:
            await asyncio.sleep(60)
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b""}
    limits = RequestLimits(app, options.pop("traffic", Traffic()), **options)
    asyncio.run(limits(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], body.decode()


async def reader(scope, receive, send):
    """Read the body and respond with its length."""
    total, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        total += len(message["body"])
        more = message["more_body"]
    await PlainTextResponse(str(total))(scope, receive, send)


UPLOAD = (Route("upload", "/gradio_api/upload", frozenset({"POST"}), 10, seconds=60),)


def test_a_body_that_does_not_announce_its_size_is_cut_at_the_limit():
    assert visit(reader, chunks=(b"12345", b"67890"), routes=UPLOAD) == (200, "10")
    status, body = visit(reader, chunks=[b"12345"] * 3, routes=UPLOAD)
    assert status == 413
    assert "Make it smaller" in body


def test_a_client_that_stops_sending_is_told_and_sent_away():
    status, body = visit(reader, chunks=(b"1", b"2"), pause=0.3, routes=UPLOAD, idle_seconds=0.1)
    assert status == 408
    assert "try again" in body


def test_a_request_that_never_ends_is_ended():
    async def forever(*_):
        await asyncio.sleep(60)

    route = Route("page", "/", seconds=0.1)
    assert visit(forever, "/", "GET", routes=(route,))[0] == 408


def test_a_full_queue_is_put_in_words_for_visitors():
    async def full(scope, receive, send):
        await PlainTextResponse("Queue is full. Max size is 64.", 503)(scope, receive, send)

    status, body = visit(full, routes=UPLOAD)
    assert status == 503
    assert "try again in a few seconds" in body
    assert "Queue" not in body


def test_an_answer_that_says_when_to_try_again_is_given_as_it_is():
    async def warming(scope, receive, send):
        answer = JSONResponse({"code": "warming"}, 503, {"Retry-After": "5"})
        await answer(scope, receive, send)

    assert visit(warming, routes=UPLOAD) == (503, '{"code":"warming"}')


def test_who_comes_when_every_place_is_taken_is_told_to_come_again():
    traffic = Traffic()
    [route] = UPLOAD
    with ExitStack() as stack:
        for _ in range(route.at_once):
            stack.enter_context(traffic.inside(route))
        status, body = visit(reader, routes=UPLOAD, traffic=traffic)
        assert status == 503
        assert "busy" in body
    assert visit(reader, routes=UPLOAD, traffic=traffic)[0] == 200


def test_an_app_that_ends_begins_nothing_new_and_gives_answers_out():
    traffic = Traffic(shutting_down=True)
    status, body = visit(reader, "/gradio_api/call/predict", traffic=traffic)
    assert status == 503
    assert "restarting" in body
    assert visit(reader, "/gradio_api/call/predict/0a", "GET", traffic=traffic)[0] == 200


def test_an_error_of_the_app_is_no_bodys_but_the_apps():
    async def broken(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        visit(broken, routes=UPLOAD)

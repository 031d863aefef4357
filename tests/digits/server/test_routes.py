"""The HTTP API over real HTTP: pictures, strokes, and responses to invalid requests."""

import base64
import json
import re

import numpy as np
import pytest

from digits.examples import digit_example, number_example
from tests.support import pen

PNG = {"Content-Type": "image/png"}
FORM = "multipart/form-data"


def test_a_digit_is_answered_with_confidences(app):
    status, answer = app.ask("predict", content=pen.png(7), headers=PNG)
    assert status == 200
    assert set(answer) == {"digit", "reason", "confidences", "score", "others", "model"}
    assert (answer["digit"], answer["reason"], answer["model"]) == (7, None, "bundled")
    assert len(answer["confidences"]) == 10
    assert sum(answer["confidences"]) == pytest.approx(1)
    assert np.argmax(answer["confidences"]) == 7
    assert 0 <= answer["score"] <= 1


@pytest.mark.parametrize("name", ["file", "picture"])
def test_a_picture_as_a_form_gets_the_same_answer(app, name):
    alone = app.ask("predict", content=pen.png(7), headers=PNG)
    assert app.ask("predict", files={name: ("seven.png", pen.png(7))}) == alone


def test_a_number_is_read_with_its_boxes(app):
    status, answer = app.ask("read", content=pen.png(3, 1, 5), headers=PNG)
    assert status == 200
    assert answer["number"] == "315"
    assert [digit["digit"] for digit in answer["digits"]] == [3, 1, 5]
    assert set(answer) == {"number", "lines", "digits", "unread", "reason", "model"}
    for place, digit in enumerate(answer["digits"]):
        assert set(digit) == {"digit", "confidence", "runner_up", "box", "line"}
        assert digit["runner_up"]["digit"] != digit["digit"]
        assert 0 <= digit["runner_up"]["confidence"] <= digit["confidence"] <= 1
        x, y, width, height = digit["box"]
        assert 400 * place < x < x + width < 400 * (place + 1)
        assert 0 < y < y + height < 400
        assert 0 < digit["confidence"] <= 1


def test_a_blank_picture_is_an_answer(app):
    blank = {"content": pen.encode(np.full((200, 200), 255, np.uint8)), "headers": PNG}
    _, digit = app.ask("predict", **blank)
    assert (digit["digit"], digit["reason"], digit["score"]) == (None, "blank", 0)
    assert sum(digit["confidences"]) == pytest.approx(1)
    assert app.ask("read", **blank)[1] == {
        "number": "", "lines": [], "digits": [], "unread": [], "reason": "blank",
        "model": "bundled",
    }  # fmt: skip


@pytest.mark.parametrize("digit", range(10))
def test_strokes_of_a_digit_are_read(app, digit):
    status, answer = app.ask("draw", json={"mode": "digit", "strokes": digit_example(digit)})
    assert status == 200
    assert answer["digit"] == digit
    assert answer.keys() >= {"digit", "reason", "confidences", "score", "model"}


def test_strokes_of_a_number_are_read_with_boxes_in_pad_units_and_images_if_asked_for(app):
    question = {"mode": "number", "strokes": number_example("1984")}
    status, answer = app.ask("draw", json=question)
    assert status == 200
    assert answer["number"] == "1984"
    lefts = [digit["box"][0] for digit in answer["digits"]]
    assert lefts == sorted(lefts)
    assert 100 < lefts[0] < 400
    assert 1400 < lefts[-1] < 1700
    assert all("image" not in digit for digit in answer["digits"])
    _, shown = app.ask("draw", json=question | {"images": True})
    images = [base64.b64decode(digit.pop("image")) for digit in shown["digits"]]
    assert shown == answer
    for place, image in enumerate(images):
        seen = np.frombuffer(image, np.uint8).reshape(28, 28)
        assert max(np.ptp(axis) for axis in np.nonzero(seen)) + 1 == 20, place
    assert len(set(images)) == 4


@pytest.mark.parametrize("mode", ["digit", "number"])
def test_an_empty_pad_is_an_answer(app, mode):
    status, answer = app.ask("draw", json={"mode": mode, "strokes": []})
    assert status == 200
    assert answer.get("reason", "blank") == "blank"
    assert not answer.get("number")


NO_STROKES = [
    None, [[]], [[40, 1]], [[40, 1, 2, 3]], [[40, 1.5, 2.5]], [[40, True, 2]], [[40, "1", 2]],
    [[0, 1, 2]], [[40, 1, 10**12]], [[40] + [5] * 20_000], [[40, 5, 5]] * 20_000,
]  # fmt: skip
NO_DRAWINGS = [
    None, 7, "digit", [], {}, {"mode": "digit"}, {"strokes": []},
    {"mode": "sketch", "strokes": []}, {"mode": ["digit"], "strokes": []},
    *({"mode": "digit", "strokes": strokes} for strokes in NO_STROKES),
]  # fmt: skip


@pytest.mark.parametrize("endpoint", ["draw", "compare"])
@pytest.mark.parametrize("value", NO_DRAWINGS, ids=lambda value: repr(value)[:60])
def test_what_is_no_drawing_is_refused_with_advice(app, endpoint, value):
    status, answer = app.ask(endpoint, content=json.dumps(value))
    assert status == 422
    assert re.search("Send|Expected", answer["error"])


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(app, body):
    status, answer = app.ask("draw", content=body)
    assert status == 400
    assert "JSON" in answer["error"]


@pytest.mark.parametrize("endpoint", ["predict", "read"])
@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"content": b"", "headers": PNG}, 400, "no picture"),
        ({"content": b"text", "headers": PNG}, 422, "Use a PNG"),
        ({"content": b"\x89PNG\r\n\x1a\n", "headers": PNG}, 422, "Use a PNG|damaged"),
        ({"json": {}}, 415, "Content-Type such as image/png"),
        ({"data": {"a": "b"}}, 415, "Content-Type such as image/png"),
        ({"files": {"file": (None, b"text")}}, 400, "no picture"),
        ({"files": {"a": ("a.png", b"1"), "b": ("b.png", b"2")}}, 400, "cannot be read"),
        (
            {"content": b"--edge--\r\n", "headers": {"Content-Type": f"{FORM}; boundary=edge"}},
            400,
            "no picture",
        ),
        ({"content": b"--", "headers": {"Content-Type": FORM}}, 400, "cannot be read"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_picture_is_refused_with_advice(app, endpoint, sent, status, words):
    received, answer = app.ask(endpoint, **sent)
    assert received == status
    assert re.search(words, answer["error"])
    assert not re.search(r"Traceback|[/\\]\w+[/\\]\w+[/\\]", answer["error"])


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_a_picture_of_the_page_is_turned_clockwise(app, turns):
    content = pen.encode(np.rot90(pen.sheet(3, 1, 5), turns))
    status, view = app.ask(f"look?turns={turns}", content=content)
    assert (status, view["number"], view["size"]) == (200, "315", [1200, 400])
    assert app.ask("look", content=b"text") == (200, {"kind": "problem", "code": "format"})


def test_a_picture_over_the_limit_is_refused(app):
    status, answer = app.ask("predict", content=b"\0" * 20_100_000, headers=PNG)
    assert status == 413
    assert "smaller" in answer["error"]


def test_health_says_which_weights_answer(app):
    answer = app.request("GET", "/v1/health").json()
    assert answer["ready"] is True
    assert answer["model"] == "bundled"


def test_unknown_paths_and_methods_are_refused(app):
    assert app.request("GET", "/v1/nothing").status_code == 404
    refused = app.request("GET", "/v1/predict")
    assert refused.status_code == 405
    assert refused.headers["Allow"] == "POST"
    assert "POST" in refused.json()["error"]


def test_openapi_describes_every_route_and_its_errors(app):
    described = app.request("GET", "/v1/openapi.json").json()
    assert described["servers"] == [{"url": "."}]
    posted = {"/predict", "/read", "/draw", "/inside", "/compare"}
    assert described["paths"].keys() == posted | {"/health"}
    for path in posted:
        operation = described["paths"][path]["post"]
        assert operation["requestBody"]["required"]
        assert operation["responses"].keys() >= {"200", "400", "413", "415", "422", "503"}
    assert "image/*" in described["paths"]["/predict"]["post"]["requestBody"]["content"]


WRONG_CALLS = [
    ["aGVsbG8="], ["data:image/png;base64,aGVsbG8="], ["/etc/passwd"], [[1, 2]], [7], [],
    ["a", "b"], [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}],
]  # fmt: skip


@pytest.mark.parametrize("data", WRONG_CALLS, ids=lambda value: repr(value)[:40])
@pytest.mark.parametrize("name", ["predict", "read"])
def test_gradios_api_says_what_to_send(app, name, data):
    kind, answer = app.call(name, *data)
    assert kind == "error"
    assert "handle_file" in answer["error"]
    assert "/v1/predict" in answer["error"]

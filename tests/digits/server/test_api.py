"""The app over the network: what clients may call, and what they are told when they err."""

# ruff: noqa: S310 - every address here is the loopback's

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from digits.page.about import snippets
from digits.pictures import PictureError
from digits.server.uploads import uploaded_picture
from tests.support import pen
from tests.support.page_support import ROOT


@pytest.fixture(scope="module")
def client(app):
    client = Client(app.url, verbose=False)
    yield client
    client.close()


def upload(app, path):
    """Upload a file as a browser would; return what events are given of it."""
    content = path.read_bytes()
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="files"; filename="' + path.name.encode()
        + b'"\r\n\r\n' + content + b"\r\n--edge--\r\n"
    )  # fmt: skip
    request = urllib.request.Request(
        app.url + "/gradio_api/upload", body, {"Content-Type": "multipart/form-data; boundary=edge"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        [stored] = json.loads(response.read())
    return {"path": stored, "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize("digit", range(10))
def test_a_drawn_digit_is_read(client, tmp_path, digit):
    picture = pen.save(tmp_path / "digit.png", pen.sheet(digit))
    answer = client.predict(handle_file(picture), api_name="/predict")
    assert answer["digit"] == digit
    assert answer["reason"] is None


def test_the_answer_keeps_to_its_contract(client, tmp_path):
    picture = pen.save(tmp_path / "digit.png", pen.sheet(7))
    answer = client.predict(handle_file(picture), api_name="/predict")
    assert set(answer) == {"digit", "reason", "confidences", "score", "others", "model"}
    assert len(answer["confidences"]) == 10
    assert sum(answer["confidences"]) == pytest.approx(1)
    assert np.argmax(answer["confidences"]) == answer["digit"] == 7
    assert 0 <= answer["score"] <= 1
    assert answer["model"] == "bundled"


def test_a_blank_picture_has_no_digit(client, tmp_path):
    picture = pen.save(tmp_path / "blank.png", np.full((200, 200), 255, np.uint8))
    answer = client.predict(handle_file(picture), api_name="/predict")
    assert answer["digit"] is None
    assert answer["reason"] == "blank"


def test_plain_http_gives_the_answer_of_the_client(app, client, tmp_path):
    path = tmp_path / "digit.png"
    pen.save(path, pen.sheet(4))
    kind, [answer] = app.call("predict", upload(app, path))
    assert kind == "complete"
    assert answer == client.predict(handle_file(str(path)), api_name="/predict")


def test_a_number_is_read_with_its_boxes(client, tmp_path):
    picture = pen.save(tmp_path / "number.png", pen.sheet(3, 1, 5))
    answer = client.predict(handle_file(picture), api_name="/read")
    assert answer["number"] == "315"
    assert [digit["digit"] for digit in answer["digits"]] == [3, 1, 5]
    for place, digit in enumerate(answer["digits"]):
        x, y, width, height = digit["box"]
        assert 400 * place < x < x + width < 400 * (place + 1)
        assert 0 < y < y + height < 400
        assert 0 < digit["confidence"] <= 1


def test_a_blank_picture_holds_no_number(client, tmp_path):
    picture = pen.save(tmp_path / "blank.png", np.full((200, 200), 255, np.uint8))
    assert client.predict(handle_file(picture), api_name="/read") == {
        "number": "",
        "lines": [],
        "digits": [],
        "unread": [],
        "reason": "blank",
        "model": "bundled",
    }


def test_only_the_two_endpoints_are_public(app):
    info = json.loads(app.get("/gradio_api/info"))
    assert set(info["named_endpoints"]) == {"/predict", "/read"}
    assert info["unnamed_endpoints"] == {}
    for endpoint in info["named_endpoints"].values():
        assert [parameter["parameter_name"] for parameter in endpoint["parameters"]] == ["image"]
        assert endpoint["description"].startswith("Read the ")


BAD_FILES = {
    "text.png": b"this is no picture",
    "empty.png": b"",
    "cut.png": None,
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
    "page.pdf": b"%PDF-1.4\n",
}


@pytest.mark.parametrize("endpoint", ["predict", "read"])
@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_picture_is_refused_with_advice(client, tmp_path, endpoint, name):
    path = tmp_path / name
    whole = tmp_path / "whole.png"
    pen.save(whole, pen.sheet(2))
    path.write_bytes(BAD_FILES[name] if BAD_FILES[name] is not None else whole.read_bytes()[:200])
    with pytest.raises(AppError) as refused:
        client.predict(handle_file(str(path)), api_name=f"/{endpoint}")
    sentence = str(refused.value)
    assert re.search(r"\b(Use|Take|Upload|Save)\b", sentence)
    assert not re.search(r"Traceback|[/\\]\w+[/\\]", sentence)


def test_a_call_without_a_picture_is_refused_with_advice(app):
    kind, answer = app.call("predict", None)
    assert kind == "error"
    assert "Choose a picture" in json.dumps(answer)


def test_a_file_over_the_limit_is_not_taken(app, tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(b"\0" * 20_000_001)
    with pytest.raises(urllib.error.HTTPError) as refused:
        upload(app, path)
    refused.value.close()
    assert refused.value.code == 413


def test_only_uploaded_files_are_opened(app, tmp_path):
    path = tmp_path / "elsewhere.png"
    pen.save(path, pen.sheet(2))
    with pytest.raises(PictureError, match="Upload the picture first"):
        uploaded_picture({"path": str(path)}, str(app.uploads))
    kind, _ = app.call("predict", {"path": str(path), "meta": {"_type": "gradio.FileData"}})
    assert kind == "error"


@pytest.mark.parametrize("file", [7, "text", [], {}, {"path": None}, {"path": "a\0b"}])
def test_what_is_no_file_is_refused_with_advice(tmp_path, file):
    with pytest.raises(PictureError, match=r"Choose|Upload"):
        uploaded_picture(file, str(tmp_path))


def test_a_turned_picture_is_turned_clockwise(tmp_path):
    path = tmp_path / "corner.png"
    picture = np.full((20, 30), 255, np.uint8)
    picture[0, 0] = 0
    pen.save(path, picture)
    turned = uploaded_picture({"path": str(path)}, str(tmp_path), quarter_turns=1)
    assert turned.shape == (30, 20)
    assert turned[0, -1] == 0


def test_the_hub_is_not_asked_where_no_repository_is_set(app):
    assert app.hub_calls == []


def test_the_status_names_the_weights_and_their_accuracy(app):
    status = app.server_function("read_status", [])
    assert status["model"] == "bundled"
    weights = status["weights"]
    assert (weights["repo"], weights["commit"], weights["tested"]) == (None, None, 10_000)
    assert 0 < weights["errors"] < 200
    assert status["problem"] is None


def test_sixteen_clients_at_once_are_all_answered_right(app, tmp_path):
    files = []
    for digit in range(10):
        pen.save(tmp_path / f"{digit}.png", pen.sheet(digit))
        files.append(upload(app, tmp_path / f"{digit}.png"))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: app.call("predict", files[i % 10]), range(48)))
    assert [answer[0]["digit"] for _, answer in answers] == [i % 10 for i in range(48)]


def test_no_request_of_these_tests_met_a_defect(app):
    raised = re.findall(r"^([\w.]+(?:Error|Exception))\b", app.log.read_text(), re.MULTILINE)
    assert raised == []


def code_block(language, url):
    return re.search(rf"```{language}\n(.*?)```", snippets(url), re.DOTALL)[1]


def test_the_python_snippet_runs(app, tmp_path):
    pen.save(tmp_path / "seven.png", pen.sheet(7))
    done = subprocess.run(
        [sys.executable, "-c", code_block("python", app.url)],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert re.search(r"^7 \[", done.stdout, re.MULTILINE)


def test_the_curl_snippet_runs(app, tmp_path):
    pen.save(tmp_path / "seven.png", pen.sheet(7))
    done = subprocess.run(
        ["bash", "-c", code_block("bash", app.url)],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["digit"] == 7


ZERO_GPU = """
import json, sys, types

decorated = []
spaces = types.ModuleType("spaces")
spaces.GPU = lambda function: decorated.append(function.__name__) or function
sys.modules["spaces"] = spaces

import app

bound = [event.fn.__name__ for event in app.build().fns.values() if event.fn]
loaded = [name for name in ("tensorflow", "keras", "onnxruntime") if name in sys.modules]
writer = sys.modules["gradio.component_meta"].create_or_modify_pyi.__module__
print(json.dumps({"decorated": decorated, "bound": bound, "loaded": loaded, "stubs": writer}))
"""


def test_zero_gpu_finds_one_decorated_function_that_never_reads_digits():
    done = subprocess.run(
        [sys.executable, "-c", ZERO_GPU],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["decorated"] == ["zero_gpu_greeting"]
    assert "zero_gpu_greeting" in found["bound"]
    # The page waits for no runtime.
    assert found["loaded"] == []
    assert found["stubs"] == "digits.page.without_stubs"

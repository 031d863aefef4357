"""The app over the network: what clients may call, and what they are told when they err."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from gradio_client import Client, handle_file

from digits.page.about import snippets
from digits.pictures import PictureError
from digits.server.uploads import uploaded_picture
from tests.support import pen
from tests.support.page_support import ROOT


@pytest.mark.parametrize("endpoint", ["predict", "read"])
def test_gradios_client_plain_http_and_the_http_api_get_the_same_answer(app, tmp_path, endpoint):
    picture = pen.sheet(3, 1, 5)
    path = pen.save(tmp_path / "digits.png", picture)
    client = Client(app.url, verbose=False)
    answer = client.predict(handle_file(path), api_name=f"/{endpoint}")
    client.close()
    content = pen.encode(picture)
    assert app.call(endpoint, app.upload(content)) == ("complete", [answer])
    headers = {"Content-Type": "image/png"}
    assert app.ask(endpoint, content=content, headers=headers) == (200, answer)


def test_only_the_two_endpoints_are_public(app):
    info = json.loads(app.get("/gradio_api/info"))
    assert set(info["named_endpoints"]) == {"/predict", "/read"}
    assert info["unnamed_endpoints"] == {}
    for endpoint in info["named_endpoints"].values():
        assert [parameter["parameter_name"] for parameter in endpoint["parameters"]] == ["image"]
        assert endpoint["description"].startswith("Read the ")
    paths = json.loads(app.get("/gradio_api/openapi.json"))["paths"]
    named = {match[1] for path in paths if (match := re.search(r"/call/(?:v2/)?(\w+)", path))}
    assert named == {"predict", "read"}


def test_a_call_without_a_picture_is_refused_with_advice(app):
    kind, answer = app.call("predict", None)
    assert kind == "error"
    assert "Choose a picture" in json.dumps(answer)


def test_a_file_over_the_limit_is_not_taken(app):
    with pytest.raises(httpx.HTTPStatusError, match="413"):
        app.upload(b"\0" * 20_000_001)


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


def test_the_status_names_the_weights_and_their_accuracy(app):
    status = app.server_function("read_status", [])
    assert status["model"] == "bundled"
    weights = status["weights"]
    assert (weights["repo"], weights["commit"], weights["tested"]) == (None, None, 10_000)
    assert 0 < weights["errors"] < 200
    assert status["problem"] is None


def test_sixteen_clients_at_once_are_all_answered_right(app):
    files = [app.upload(pen.png(digit)) for digit in range(10)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: app.call("predict", files[i % 10]), range(48)))
    assert [answer[0]["digit"] for _, answer in answers] == [i % 10 for i in range(48)]


def test_no_request_of_these_tests_met_a_defect(app):
    raised = re.findall(r"^([\w.]+(?:Error|Exception))\b", app.log.read_text(), re.MULTILINE)
    assert raised == []


def code_block(language, url):
    return re.search(rf"```{language}\n(.*?)```", snippets(url), re.DOTALL)[1]


@pytest.mark.parametrize(
    ("language", "command"), [("python", [sys.executable, "-c"]), ("bash", ["bash", "-c"])]
)
def test_the_snippet_runs(app, tmp_path, language, command):
    pen.save(tmp_path / "seven.png", pen.sheet(7))
    printed = subprocess.check_output(
        [*command, code_block(language, app.url)], cwd=tmp_path, text=True, timeout=120
    )
    if language == "python":
        assert re.search(r"^7 \[", printed, re.MULTILINE)
    else:
        assert json.loads(printed)["digit"] == 7


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

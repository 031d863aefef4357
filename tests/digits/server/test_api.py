"""Gradio's API over the network: its endpoints, their answers and errors."""

import json
import re
import subprocess
import sys

import httpx
import pytest
from gradio_client import Client, handle_file

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


def test_a_file_over_the_limit_is_not_taken(app):
    with pytest.raises(httpx.HTTPStatusError, match="413"):
        app.upload(b"\0" * 20_000_001)


def test_only_uploaded_files_are_opened(tmp_path):
    elsewhere = pen.save(tmp_path / "elsewhere.png", pen.sheet(2))
    for path in (elsewhere, "a\0b"):
        with pytest.raises(PictureError, match="Upload the picture first"):
            uploaded_picture({"path": path}, str(tmp_path / "uploads"))
    for nothing in (7, "text", [], {}, {"path": None}):
        with pytest.raises(PictureError, match="Choose"):
            uploaded_picture(nothing, str(tmp_path))


def test_no_request_of_these_tests_met_a_defect(app):
    raised = re.findall(r"^([\w.]+(?:Error|Exception))\b", app.log.read_text(), re.MULTILINE)
    assert raised == []


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
    command = [sys.executable, "-c", ZERO_GPU]
    found = json.loads(subprocess.check_output(command, cwd=ROOT, text=True, timeout=120))
    assert found["decorated"] == ["zero_gpu_greeting"]
    assert "zero_gpu_greeting" in found["bound"]
    # The page does not wait for a runtime.
    assert found["loaded"] == []
    assert found["stubs"] == "digits.page.without_stubs"


COMPONENTS = """
import json, sys
import gradio
from gradio import component_meta
kinds = {n: v for n, v in vars(gradio).items() if isinstance(v, component_meta.ComponentMeta)}
print(json.dumps({
    "components": {n: [str(e) for e in kinds[n].EVENTS] for n in sorted(kinds)},
    "modules": sorted(m for m in sys.modules if m.split(".")[0] == "gradio"),
    "parts": sorted(n for n, v in vars(gradio).items() if type(v) is type(sys)),
}))
"""


@pytest.mark.nightly
def test_gradio_is_the_same_without_stubs():
    usual, without = (
        json.loads(subprocess.check_output([sys.executable, "-c", before + COMPONENTS], cwd=ROOT))
        for before in ("", "import digits.page.without_stubs\n")
    )
    assert len(usual["components"]) > 30
    assert without == usual

"""The handler for Inference Endpoints, called as their toolkit calls it."""

import base64
import importlib.metadata
import io
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digits.drawing import as_picture, draw, parse_strokes
from digits.examples import digit_example
from digits.weights import BUNDLED, CONFIG_FILE, FILES, WEIGHTS_FILE, WeightsError
from tests.support.commands import done
from tests.support.finished_run import change_config
from training.export.endpoint import endpoint_files
from training.export.handler import MAX_BATCH, EndpointHandler, InputError

AS_THE_TOOLKIT_DOES = """
import importlib.util, json, socket, sys

def forbid(*arguments, **options):
    raise AssertionError("the network was used")

socket.socket.connect = socket.getaddrinfo = forbid
folder = sys.argv[1]
spec = importlib.util.spec_from_file_location("handler", folder + "/handler.py")
sys.path.insert(0, folder)
module = importlib.util.module_from_spec(spec)
sys.modules["handler"] = module
spec.loader.exec_module(module)
answer = module.EndpointHandler(folder)(json.load(sys.stdin))
import digits.preprocessing
imported = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps([answer, digits.preprocessing.__file__, imported]))
"""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """The downloaded files of a model repository that the handler uses."""
    folder = tmp_path_factory.mktemp("snapshot")
    for name, content in endpoint_files().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    for name in FILES:
        shutil.copy(BUNDLED / name, folder)
    return folder


@pytest.fixture(scope="module")
def handler(snapshot):
    return EndpointHandler(str(snapshot))


@pytest.fixture(scope="module")
def expected(recognizer):
    """The app's answer to a seven."""
    return recognizer.predict(picture(7)).as_json("")


def picture(digit):
    return as_picture(draw(parse_strokes(digit_example(digit))))


def png(array, **options):
    content = io.BytesIO()
    Image.fromarray(array).save(content, "PNG", **options)
    return content.getvalue()


def text(content):
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    "send",
    [
        text,
        lambda content: "data:image/png;base64," + text(content),
        lambda content: base64.encodebytes(content).decode(),
        lambda content: {"picture": text(content)},
        lambda content: content,
        lambda content: Image.open(io.BytesIO(content)),
        lambda content: Image.open(io.BytesIO(content)).convert("RGB"),
    ],
    ids=["base64", "data", "lines", "picture", "bytes", "image", "rgb"],
)
def test_picture_is_answered_as_by_the_app(handler, expected, send):
    answer = handler({"inputs": send(png(picture(7)))})
    assert answer.keys() == expected.keys()
    assert (answer["digit"], answer["reason"]) == (7, None)
    config = json.loads((BUNDLED / CONFIG_FILE).read_bytes())
    assert answer["model"] == f"{config['network']} {config['sha256'][:12]}"
    np.testing.assert_allclose(answer["confidences"], expected["confidences"], atol=1e-5)
    assert answer["score"] == pytest.approx(expected["score"], abs=1e-5)
    assert json.loads(json.dumps(answer)) == answer


def test_batch_is_answered_in_its_order(handler):
    answers = handler({"inputs": [text(png(picture(digit))) for digit in range(10)]})
    assert [answer["digit"] for answer in answers] == list(range(10))
    assert handler({"inputs": [text(png(picture(3)))]})[0] == handler({"inputs": png(picture(3))})


def test_blank_picture_and_scrawl_say_why_there_is_no_digit(handler):
    blank = png(np.full((50, 50), 255, np.uint8))
    grid = np.full((200, 200), 255, np.uint8)
    grid[20:180:16], grid[:, 20:180:16] = 0, 0
    answers = handler({"inputs": [blank, png(picture(4)), png(grid)]})
    said = [(answer["digit"], answer["reason"]) for answer in answers]
    assert said == [(None, "blank"), (4, None), (None, "not a digit")]
    assert answers[0]["score"] == 0


def test_transparent_paper_is_told_from_ink_where_the_toolkit_leaves_it(handler):
    gray = picture(2)
    ink = np.dstack([np.zeros((*gray.shape, 3), np.uint8), 255 - gray])
    assert handler({"inputs": {"picture": text(png(ink))}})["digit"] == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "base64"),
        ({"inputs": None}, "Expected a picture. Received: NoneType"),
        ({"inputs": 7}, "Received: int"),
        ({"inputs": {"url": "x"}}, "Received: dict"),
        ({"inputs": "https://example.org/seven.png"}, "URLs are not fetched"),
        ({"inputs": "file:///etc/passwd"}, "URLs are not fetched"),
        ({"inputs": "/etc/passwd"}, "not base64"),
        ({"inputs": "/etc/os/release/"}, "can be read here"),
        ({"inputs": ""}, "no picture in this text"),
        ({"inputs": "data:image/png,abc"}, "no picture in this text"),
        ({"inputs": b""}, "empty"),
        ({"inputs": b"no picture"}, "can be read here"),
        ({"inputs": "A" * 27_000_000}, "too large"),
        ({"inputs": []}, f"Expected 1 to {MAX_BATCH} pictures"),
        ({"inputs": [b""] * (MAX_BATCH + 1)}, "several requests"),
        ({"inputs": [png(picture(1)), b"no picture", png(picture(1))]}, "Picture 2 of 3: "),
    ],
)
def test_wrong_input_is_told_what_to_send(handler, data, said):
    with pytest.raises(InputError, match=re.escape(said)):
        handler(data)


def test_snapshot_answers_alone_without_network_and_tensorflow(snapshot, tmp_path):
    sent = json.dumps({"inputs": [text(png(picture(5)))]})
    words = ("-I", "-c", AS_THE_TOOLKIT_DOES, snapshot)
    ended = done(sys.executable, *words, input=sent, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    [answer], home, imported = json.loads(ended.stdout)
    assert answer["digit"] == 5
    assert Path(home).is_relative_to(snapshot)
    # Each would be another requirement, and most would add seconds to a cold start.
    assert not {"tensorflow", "keras", "gradio", "huggingface_hub", "h5py"} & set(imported)


def test_requirements_name_what_is_tested_here(snapshot):
    pins = [line.split("==") for line in (snapshot / "requirements.txt").read_text().split()]
    assert {name: importlib.metadata.version(name) for name, _ in pins} == dict(pins)


def test_weights_of_another_set_or_that_were_not_downloaded_are_refused(snapshot, tmp_path):
    folder = Path(shutil.copytree(snapshot, tmp_path / "mixed"))
    change_config(folder, sha256="0" * 64)
    with pytest.raises(WeightsError, match=r"is not the file that config\.json names"):
        EndpointHandler(str(folder))
    (folder / WEIGHTS_FILE).unlink()
    with pytest.raises(WeightsError, match=WEIGHTS_FILE):
        EndpointHandler(str(folder))

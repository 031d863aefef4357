"""The networks of well-known demos, and their answers for drawings."""

import base64

import numpy as np
import pytest

from digits import demos
from digits.examples import digit_example
from digits.preprocessing import normalize
from tests.support.inks import example_ink


def test_a_drawing_is_shrunk_as_a_whole_and_framed_by_its_ink():
    ink = np.zeros((280, 280), np.float32)
    ink[40:80, 20:30] = 1
    shrunk, framed = demos.shrink_and_normalize(ink)
    assert shrunk[4:8, 2].min() == 1
    assert shrunk.sum() == pytest.approx(4)
    assert np.array_equal(framed, normalize(ink))
    assert framed[4:24].sum() > 30


@pytest.mark.parametrize("name", demos.DEMOS)
def test_each_demo_reads_plain_digits_in_mnists_frame(recognizer, name):
    images = [demos.shrink_and_normalize(example_ink(digit)) for digit in range(10)]
    network = demos.DEMOS.index(name)
    tables = [demos.Demos().compare(each, recognizer) for each in images]
    assert [table[network].network for table in tables] == [name] * 10
    assert all(table[network].accuracy > 0.97 for table in tables)
    answers = [table[network].normalized.digit for table in tables]
    assert sum(answer == digit for digit, answer in enumerate(answers)) >= 8, answers


def test_a_drawing_is_answered_by_all_demos_and_the_served_network_last(app, recognizer):
    strokes = digit_example(5)
    status, answer = app.ask("compare", json={"mode": "digit", "strokes": strokes})
    assert status == 200
    *others, served = answer["networks"]
    assert [row["network"] for row in others] == list(demos.DEMOS)
    assert served["network"] is None
    prediction = recognizer.predict_ink(example_ink(5))
    assert served["normalized"]["digit"] == prediction.digit == 5
    assert served["normalized"]["confidence"] == pytest.approx(
        max(prediction.confidences), abs=1e-6
    )
    seen = np.frombuffer(base64.b64decode(answer["normalized"]), np.uint8).reshape(28, 28)
    assert np.abs(seen / 255 - prediction.image).max() < 1 / 255
    assert len(base64.b64decode(answer["shrunk"])) == 784


def test_a_blank_pad_is_compared_with_nothing(app):
    status, answer = app.ask("compare", json={"mode": "digit", "strokes": []})
    assert status == 200
    assert answer["networks"] == []
    assert answer["shrunk"] is answer["normalized"] is None


def test_the_demos_fit_into_two_megabytes():
    files = [demos.FOLDER / f"{name}.safetensors" for name in demos.DEMOS]
    assert sum(file.stat().st_size for file in files) < 2_000_000


def draw_with(app, network, **more):
    question = {"mode": "digit", "strokes": digit_example(5), "network": network, **more}
    return app.ask("draw", json=question)


def test_a_visitor_may_let_a_demo_answer_the_pad_and_others_notice_nothing(app):
    served = draw_with(app, None)
    compared = app.post("/v1/compare", {"mode": "digit", "strokes": digit_example(5)})
    row = compared["networks"][0]
    status, answer = draw_with(app, row["network"])
    assert status == 200
    assert answer["model"] == row["network"]
    assert answer["digit"] == row["normalized"]["digit"]
    assert max(answer["confidences"]) == pytest.approx(row["normalized"]["confidence"], abs=1e-6)
    assert answer["image"] == served[1]["image"]
    status, reading = draw_with(app, row["network"], mode="number")
    assert (status, reading["number"]) == (200, "5")
    inside = app.post("/v1/inside", {"image": answer["image"], "network": row["network"]})
    assert {layer["kind"] for layer in inside["layers"]} == {"dense"}
    assert inside["model"] == row["network"]
    assert draw_with(app, None) == served


@pytest.mark.parametrize("network", ["wide", "../model", "", 1, ["fnn"], {}])
def test_no_other_network_can_be_asked(app, network):
    status, answer = draw_with(app, network)
    assert status == 422
    assert "fnn" in answer["error"]
    image = base64.b64encode(bytes(784)).decode()
    assert app.ask("inside", json={"image": image, "network": network})[0] == 422
    assert app.server_function("read_why", [image, 1, network]) == {"kind": "refused"}

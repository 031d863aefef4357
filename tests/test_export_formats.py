"""Every format gives the app's answers in its own runtime, and says whose they are."""

import numpy as np
import onnxruntime
import pytest

from digits import networks, weights
from digits.page.examples import digit_example
from digits.page.strokes import draw, parse_strokes
from digits.prediction import Recognizer
from digits.preprocessing import preprocess
from digits.weights import BUNDLED
from tests.training_support import write_weights
from training import export_formats

TOLERANCE = 1e-5
"""Of a probability, where the numbers are float32."""


@pytest.fixture(scope="module")
def bundled():
    return weights.load_folder(BUNDLED)


@pytest.fixture(scope="module")
def images():
    """`(20, 28, 28)`: the project's ten drawings by two hands."""
    messages = [digit_example(digit, seed) for seed in (0, 1) for digit in range(10)]
    return np.stack([preprocess(draw(parse_strokes(message))) for message in messages])


@pytest.fixture(scope="module")
def answers(bundled, images):
    """What the app says of them."""
    return Recognizer(bundled).predict_images(images)


@pytest.fixture(scope="module")
def onnx_file(bundled, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "digits.onnx"
    model = export_formats.calibrated(bundled)
    export_formats.write_onnx(model, path, export_formats.description(bundled))
    return path


def session(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_onnx_gives_calibrated_answers_for_batches_of_any_size(onnx_file, images, answers):
    runtime = session(onnx_file)
    for part in (slice(1), slice(7), slice(None)):
        [given] = runtime.run(["probabilities"], {"images": images[part, ..., None]})
        np.testing.assert_allclose(given, answers[part], atol=TOLERANCE)
        assert given.dtype == np.float32


def test_onnx_says_whose_answers_it_gives(onnx_file, bundled):
    meta = session(onnx_file).get_modelmeta()
    assert meta.custom_metadata_map["weights_sha256"] == bundled.config.sha256
    assert float(meta.custom_metadata_map["refuse_below"]) == bundled.config.refuse_below
    assert "not a digit" in meta.description
    taken, given = session(onnx_file).get_inputs()[0], session(onnx_file).get_outputs()[0]
    assert (taken.name, taken.type, taken.shape) == ("images", "tensor(float)", ["N", 28, 28, 1])
    assert (given.name, given.type, given.shape) == ("probabilities", "tensor(float)", ["N", 11])


def test_same_weights_give_the_same_onnx_bytes(onnx_file, bundled, tmp_path):
    again = tmp_path / "again.onnx"
    model = export_formats.calibrated(bundled)
    export_formats.write_onnx(model, again, export_formats.description(bundled))
    assert again.read_bytes() == onnx_file.read_bytes()


@pytest.mark.parametrize("network", sorted(networks.NETWORKS))
def test_every_network_and_temperature_converts_to_onnx(network, tmp_path, images):
    found = weights.load_folder(write_weights(tmp_path / "run", network, temperature=3.0))
    path = tmp_path / "any.onnx"
    notes = export_formats.description(found)
    export_formats.write_onnx(export_formats.calibrated(found), path, notes)
    [given] = session(path).run(None, {"images": images[..., None]})
    np.testing.assert_allclose(given, Recognizer(found).predict_images(images), atol=TOLERANCE)
    assert session(path).get_modelmeta().custom_metadata_map["temperature"] == "3.0"

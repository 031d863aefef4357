"""Every format gives the app's answers in its own runtime and identifies its weights."""

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from digits import networks, weights
from digits.recognizer import Recognizer
from digits.weights import BUNDLED
from tests.support.training_support import drawn_images, write_weights
from training import keras_networks
from training.export import check, exports, formats

TOLERANCE = 1e-5
"""Of a probability, in float32."""


@pytest.fixture(scope="module")
def images():
    """`(20, 28, 28)`: the project's ten drawings in two variants."""
    return drawn_images(seeds=(0, 1))


@pytest.fixture(scope="module")
def answers(recognizer, images):
    """The app's probabilities for them."""
    return recognizer.predict_images(images)


@pytest.fixture(scope="module")
def onnx_file(exported):
    return exported / "digits.onnx"


def session(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", ["keras", "h5", "savedmodel", "tflite", "onnx"])
def test_every_format_gives_calibrated_answers_for_batches_of_any_size(
    name, exported, images, answers
):
    run = check.open_runtime(name, exported / exports.FORMATS[name])
    for part in (slice(1), slice(7), slice(None)):
        np.testing.assert_allclose(run(images[part]), answers[part, :10], atol=TOLERANCE)


def test_onnx_says_whose_answers_it_gives(onnx_file, bundled):
    meta = session(onnx_file).get_modelmeta()
    assert meta.custom_metadata_map["weights_sha256"] == bundled.config.sha256
    threshold = meta.custom_metadata_map["rejection_threshold"]
    assert float(threshold) == bundled.config.rejection_threshold
    assert "not a digit" in meta.description
    taken, given = session(onnx_file).get_inputs()[0], session(onnx_file).get_outputs()[0]
    assert (taken.name, taken.type, taken.shape) == ("images", "tensor(float)", ["N", 28, 28, 1])
    assert (given.name, given.type, given.shape) == ("probabilities", "tensor(float)", ["N", 11])


def test_same_weights_give_the_same_onnx_bytes(onnx_file, bundled, tmp_path):
    formats.write_onnx(bundled, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == onnx_file.read_bytes()


@pytest.mark.parametrize("network", sorted(networks.NETWORKS))
def test_every_network_and_temperature_is_written_as_onnx(network, tmp_path, images):
    found = weights.load_folder(write_weights(tmp_path / "run", network, temperature=3.0))
    formats.write_onnx(found, tmp_path / "any.onnx")
    runtime = session(tmp_path / "any.onnx")
    [given] = runtime.run(None, {"images": images[..., None]})
    np.testing.assert_allclose(given, Recognizer(found).predict_images(images), atol=TOLERANCE)
    assert runtime.get_modelmeta().custom_metadata_map["temperature"] == "3.0"


@pytest.fixture(scope="module")
def saved_model(exported):
    # As TensorFlow Serving loads it: the version is a folder, the tag is "serve".
    return tf.saved_model.load(str(exported / "saved_model" / "1"), tags=["serve"])


def test_h5_holds_weights_for_the_network_in_code(exported, images, answers):
    network = keras_networks.build("conv7")
    network.load_weights(exported / "digits.h5")
    np.testing.assert_allclose(network(images[..., None]), answers, atol=TOLERANCE)


def test_writing_h5_says_nothing_of_its_age(bundled, tmp_path, caplog):
    formats.write_h5(formats.calibrated(bundled), tmp_path / "digits.h5")
    assert not caplog.records


def test_litert_of_8_bits_reads_the_same_and_is_a_quarter(exported, images, answers):
    path = exported / "digits-int8.tflite"
    interpreter = Interpreter(str(path), num_threads=1)
    run = interpreter.get_signature_runner("serving_default")
    given = run(images=images[:10, ..., None])["probabilities"]
    assert given.dtype == np.float32
    assert (given.argmax(axis=1) == np.arange(10)).all()
    np.testing.assert_allclose(given, answers[:10], atol=0.15)
    assert path.stat().st_size < 0.3 * (BUNDLED / "model.safetensors").stat().st_size
    kinds = [part["dtype"] for part in interpreter.get_tensor_details()]
    assert kinds.count(np.int8) > len(kinds) / 2


def test_saved_model_has_the_signatures_that_are_promised(saved_model):
    said = {
        "digit": ((None,), tf.int64),
        "reason": ((None,), tf.string),
        "confidences": ((None, 10), tf.float32),
        "score": ((None,), tf.float32),
    }
    shown = {"images": ((None, 28, 28), tf.float32)}
    assert saved_model.signatures.keys() == {"serving_default", "images"}
    for signature in saved_model.signatures.values():
        assert form(signature.structured_input_signature[1]) == shown
        assert form(signature.structured_outputs) == said


def form(specs):
    return {name: (tuple(spec.shape), spec.dtype) for name, spec in specs.items()}


def test_saved_model_answers_images_in_the_words_of_the_app(saved_model, recognizer, images):
    scrawl = np.indices((28, 28)).sum(axis=0)[None] % 4 < 2
    shown = np.concatenate([images, scrawl.astype(np.float32)])
    said = saved_model.signatures["serving_default"](images=tf.constant(shown))
    rows = recognizer.predict_images(shown)
    expected = [recognizer.decide(*pair) for pair in zip(shown, rows, strict=True)]
    assert expected[-1].reason == "not a digit"
    digits = [-1 if one.digit is None else one.digit for one in expected]
    assert said["digit"].numpy().tolist() == digits
    reasons = [text.decode() or None for text in said["reason"].numpy()]
    assert reasons == [one.reason for one in expected]
    scores = [one.score for one in expected]
    np.testing.assert_allclose(said["score"], scores, atol=1e-3)
    confidences = [one.confidences for one in expected]
    np.testing.assert_allclose(said["confidences"], confidences, atol=1e-3)

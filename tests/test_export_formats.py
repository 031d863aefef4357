"""Every format gives the app's answers in its own runtime, and says whose they are."""

import io

import cv2
import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from digits import networks, weights
from digits.page.examples import digit_example
from digits.page.strokes import draw, parse_strokes
from digits.pictures import load_picture
from digits.prediction import Recognizer
from digits.weights import BUNDLED
from tests.nightly import mostly_nightly
from tests.training_support import drawn_images, write_weights
from training import export_formats

TOLERANCE = 1e-5
"""Of a probability, where the numbers are float32."""


@pytest.fixture(scope="module")
def bundled():
    return weights.load_folder(BUNDLED)


@pytest.fixture(scope="module")
def images():
    """`(20, 28, 28)`: the project's ten drawings by two hands."""
    return drawn_images(seeds=(0, 1))


@pytest.fixture(scope="module")
def answers(bundled, images):
    """What the app says of them."""
    return Recognizer(bundled).predict_images(images)


@pytest.fixture(scope="module")
def onnx_file(exported):
    return exported / "digits.onnx"


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


@pytest.mark.parametrize("network", mostly_nightly(networks.NETWORKS, "fnn"))
def test_every_network_and_temperature_converts_to_onnx(network, tmp_path, images):
    found = weights.load_folder(write_weights(tmp_path / "run", network, temperature=3.0))
    path = tmp_path / "any.onnx"
    notes = export_formats.description(found)
    export_formats.write_onnx(export_formats.calibrated(found), path, notes)
    [given] = session(path).run(None, {"images": images[..., None]})
    np.testing.assert_allclose(given, Recognizer(found).predict_images(images), atol=TOLERANCE)
    assert session(path).get_modelmeta().custom_metadata_map["temperature"] == "3.0"


def litert(path):
    interpreter = Interpreter(str(path), num_threads=1)
    return interpreter.get_signature_runner("serving_default")


@pytest.fixture(scope="module")
def saved_model(exported):
    # As TensorFlow Serving finds and loads it: the version is a folder, the tag is "serve".
    return tf.saved_model.load(str(exported / "saved_model" / "1"), tags=["serve"])


@pytest.mark.parametrize("name", ["digits.keras", "digits.h5"])
def test_keras_files_load_without_this_project(name, exported, images, answers):
    loaded = keras.models.load_model(exported / name, compile=False)
    np.testing.assert_allclose(loaded(images[..., None]), answers, atol=TOLERANCE)


def test_h5_holds_weights_for_the_network_in_code(exported, images, answers):
    network = networks.build("conv7")
    network.load_weights(exported / "digits.h5")
    np.testing.assert_allclose(network(images[..., None]), answers, atol=TOLERANCE)


def test_writing_h5_says_nothing_of_its_age(bundled, tmp_path, caplog):
    export_formats.write_h5(export_formats.calibrated(bundled), tmp_path / "digits.h5")
    assert not caplog.records


def test_litert_gives_calibrated_answers_for_batches_of_any_size(exported, images, answers):
    run = litert(exported / "digits.tflite")
    for part in (slice(1), slice(7), slice(None)):
        given = run(images=images[part, ..., None])["probabilities"]
        np.testing.assert_allclose(given, answers[part], atol=TOLERANCE)


def test_litert_of_8_bits_reads_the_same_and_is_a_quarter(exported, images, answers):
    path = exported / "digits-int8.tflite"
    given = litert(path)(images=images[:10, ..., None])["probabilities"]
    assert given.dtype == np.float32
    assert (given.argmax(axis=1) == np.arange(10)).all()
    np.testing.assert_allclose(given, answers[:10], atol=0.15)
    assert path.stat().st_size < 0.3 * (BUNDLED / "model.weights.h5").stat().st_size
    kinds = [part["dtype"] for part in Interpreter(str(path)).get_tensor_details()]
    assert kinds.count(np.int8) > len(kinds) / 2


def test_saved_model_has_the_signatures_that_are_promised(saved_model):
    said = {
        "digit": ((None,), tf.int64),
        "reason": ((None,), tf.string),
        "confidences": ((None, 10), tf.float32),
        "score": ((None,), tf.float32),
    }
    shown = {"images": ((None, 28, 28), tf.float32)}
    expected = {
        "serving_default": (shown, said),
        "images": (shown, said),
        "pictures": ({"pictures": ((None,), tf.string)}, said | shown),
    }
    assert {
        name: (form(signature.structured_input_signature[1]), form(signature.structured_outputs))
        for name, signature in saved_model.signatures.items()
    } == expected


def form(specs):
    return {name: (tuple(spec.shape), spec.dtype) for name, spec in specs.items()}


def test_saved_model_answers_images_in_the_words_of_the_app(saved_model, bundled, images):
    recognizer = Recognizer(bundled)
    scrawl = np.indices((28, 28)).sum(axis=0)[None] % 4 < 2
    shown = np.concatenate([images, scrawl.astype(np.float32)])
    said = saved_model.signatures["serving_default"](images=tf.constant(shown))
    rows = recognizer.predict_images(shown)
    expected = [recognizer.answer(*pair) for pair in zip(shown, rows, strict=True)]
    assert_said(said, expected)
    assert expected[-1].reason == "not a digit"


def assert_said(said, expected):
    digits = [-1 if one.digit is None else one.digit for one in expected]
    assert said["digit"].numpy().tolist() == digits
    reasons = [text.decode() or None for text in said["reason"].numpy()]
    assert reasons == [one.reason for one in expected]
    scores = [one.score for one in expected]
    np.testing.assert_allclose(said["score"], scores, atol=1e-3)
    confidences = [one.confidences for one in expected]
    np.testing.assert_allclose(said["confidences"], confidences, atol=1e-3)


def test_saved_model_answers_picture_files_in_the_words_of_the_app(saved_model, bundled):
    recognizer = Recognizer(bundled)
    pictures = list(plain_pictures())
    files = [encode(picture) for picture in pictures]
    said = saved_model.signatures["pictures"](pictures=tf.constant(files))
    expected = [recognizer.predict(load_picture(file)) for file in files]
    assert_said(said, expected)
    assert {one.reason for one in expected} == {None, "blank"}
    for image, one in zip(said["images"].numpy(), expected, strict=True):
        seen = np.zeros((28, 28)) if one.image is None else one.image
        # Pictures whose ink is under 20 pixels are enlarged by another cubic curve than OpenCV's.
        np.testing.assert_allclose(image, seen, atol=0.1)


def plain_pictures():
    """Canvases of both polarities, colours, sizes, pens and transparencies, and a blank one."""
    for digit in range(10):
        sketch = draw(parse_strokes(digit_example(digit, seed=5)))
        yield [sketch, 255 - sketch, sketch[::2, ::2]][digit % 3]
    sketch = draw(parse_strokes(digit_example(4)))
    yield np.stack([sketch, 255 - sketch // 4, np.full_like(sketch, 255)], axis=-1)
    yield np.pad(sketch, ((0, 900), (300, 0)), constant_values=255)
    yield cv2.resize(255 - sketch, (28, 28), interpolation=cv2.INTER_AREA)
    yield cv2.dilate(sketch, np.ones((30, 30)))
    for tone in (0, 255):
        yield np.dstack([np.full((*sketch.shape, 3), tone, np.uint8), 255 - sketch])
    yield np.full((40, 60), 255, np.uint8)


def encode(picture):
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    return content.getvalue()

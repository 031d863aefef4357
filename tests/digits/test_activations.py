"""Outputs of a network's layers, from the graph to the HTTP API."""

import base64
import json

import numpy as np
import pytest

from digits import networks
from digits.demos import Demos
from digits.examples import digit_example
from digits.layers import Conv, MaxPool, steps
from digits.page.views import encode_image
from digits.recognizer import Recognizer
from digits.server.inside import inside_answer
from tests.support.training_support import drawn_images, random_tensors, random_weights
from training import keras_networks

NAMES = list(networks.NETWORKS)
IMAGE = drawn_images(seeds=(0,))[5]


@pytest.mark.parametrize("name", ["conv7", "fnn", "strided3", "conv3"])
def test_activations_are_those_of_the_keras_layers(name):
    model = keras_networks.build(name)
    keras_networks.assign_tensors(model, random_tensors(name))
    outputs, values = {}, IMAGE[None, ..., None]
    for layer in model.layers:
        values = layer(values)
        outputs[layer.name.removesuffix("_relu")] = np.asarray(values)
    found = Recognizer(random_weights(name)).activations(IMAGE)
    for activation in found:
        expected = outputs[activation.step.name][0]
        channels_last = np.moveaxis(activation.values, 0, -1)
        assert np.ptp(expected) > 0.01
        np.testing.assert_allclose(channels_last, expected, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_every_network_shows_maps_from_its_first_to_its_last_then_features(name):
    recognizer = Recognizer(random_weights(name))
    found = recognizer.activations(IMAGE)
    maps = [
        step.name for step in steps(networks.find(name)) if isinstance(step.layer, Conv | MaxPool)
    ]
    shown = [activation.step.name for activation in found if activation.step.field]
    assert (shown[:1], shown[-1:]) == (maps[:1], maps[-1:])
    kinds = [activation.values.ndim for activation in found]
    assert kinds == sorted(kinds, reverse=True)
    assert 2 <= len(found) <= 5
    for activation in found:
        *sides, channels = activation.step.output_shape
        assert activation.values.shape == (channels, *sides)
        assert activation.values.min() >= 0
        assert (activation.step.field is None) == (activation.values.ndim == 1)
        assert activation.quantized().max() == 255
    for activation in recognizer.activations(np.zeros((28, 28), np.float32)):
        assert activation.quantized().dtype == np.uint8
    body = json.dumps({"image": encode_image(IMAGE)}).encode()
    layers = json.loads(inside_answer(recognizer, Demos(), body, "").body)["layers"]
    assert {layer["kind"] for layer in layers} <= {"convolution", "pooling", "average", "dense"}
    assert all(layer["values"] for layer in layers)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "fnn"])
def test_a_point_looks_at_its_receptive_field_alone(name):
    """Ink outside of it does not change the point, ink within it does."""
    recognizer = Recognizer(random_weights(name))
    rng = np.random.default_rng(1)
    image = rng.random((28, 28), np.float32)
    for place, before in enumerate(recognizer.activations(image)):
        field = before.step.field
        if field is None:
            continue
        point = before.values.shape[1] // 2
        start = field.start + point * field.step
        rows = slice(max(0, start), start + field.size)
        changed = image.copy()
        changed[rows, rows] = rng.random((28, 28), np.float32)[rows, rows]
        outside = rng.random((28, 28), np.float32)
        outside[rows, rows] = image[rows, rows]
        inner, outer = (
            recognizer.activations(other)[place].values[:, point, point]
            for other in (changed, outside)
        )
        original = before.values[:, point, point]
        assert not np.allclose(inner, original, atol=1e-5)
        np.testing.assert_allclose(outer, original, atol=1e-5)


def test_the_answer_to_a_drawing_can_be_looked_into(app, recognizer):
    image = app.draw("digit", digit_example(5))["image"]
    layers = app.post("/v1/inside", {"image": image})["layers"]
    found = recognizer.activations(IMAGE)
    assert [layer["name"] for layer in layers] == [a.step.name for a in found]
    for layer, activation in zip(layers, found, strict=True):
        values = np.frombuffer(base64.b64decode(layer["values"]), np.uint8)
        expected = activation.quantized().ravel().astype(int)
        assert values.size == layer["channels"] * layer["height"] * layer["width"]
        # The image was sent with 8 bits.
        assert np.abs(values - expected).max() <= 4


def test_the_answer_is_small_for_clients_that_can_unpack_it(app):
    plain, packed = (
        app.request(
            "POST",
            "/v1/inside",
            json={"image": encode_image(IMAGE)},
            headers={"Accept-Encoding": encodings},
        )
        for encodings in ("identity", "gzip, br")
    )
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content
    assert packed.num_bytes_downloaded < 20_000


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"image": 7}', b'{"image": "AAAA"}', b"[" * 100_000]
)
def test_what_is_no_image_is_refused_with_advice(app, body):
    status, answer = app.ask("inside", content=body)
    assert status == 422
    assert answer["error"].startswith(("Send", "Expected"))

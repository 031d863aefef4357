"""The architecture of each network, and the two models that are built from it."""

import numpy as np
import onnx
import pytest

from digits import layers, networks, onnx_graph
from tests.support.training_support import random_tensors
from training import keras_networks

NAMES = list(networks.NETWORKS)


def run(model, images):
    return onnx_graph.start(model)(images)


@pytest.mark.parametrize("name", NAMES)
def test_keras_and_onnx_compute_the_same_probabilities(name):
    tensors = random_tensors(name)
    model = keras_networks.build(name)
    keras_networks.assign_tensors(model, tensors)
    images = np.random.default_rng(1).random((20, 28, 28, 1), np.float32)
    expected = model(images, training=False).numpy()
    [computed] = run(onnx_graph.build(networks.find(name), tensors), images)
    assert np.ptp(expected, axis=0).max() > 0.005
    np.testing.assert_allclose(computed, expected, atol=1e-5)


def test_temperature_divides_the_logits():
    network, tensors = networks.find("strided3"), random_tensors("strided3")
    images = np.random.default_rng(1).random((5, 28, 28, 1), np.float32)
    outputs = (onnx_graph.LOGITS, onnx_graph.PROBABILITIES)
    [plain, _] = run(onnx_graph.build(network, tensors, outputs=outputs), images)
    [divided, probabilities] = run(onnx_graph.build(network, tensors, 2.5, outputs), images)
    np.testing.assert_allclose(divided, plain / 2.5, atol=1e-4)
    powers = np.exp(divided - divided.max(axis=1, keepdims=True))
    np.testing.assert_allclose(probabilities, powers / powers.sum(axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_parameter_count_are_those_of_the_keras_model(name):
    model, network = keras_networks.build(name), networks.find(name)
    tensors = keras_networks.read_tensors(model)
    assert {key: tensor.shape for key, tensor in tensors.items()} == layers.shapes(network)
    assert networks.parameter_count(network) == model.count_params()
    assert networks.class_count(network) == model.output_shape[-1]


def test_graph_is_valid_and_the_same_weights_give_the_same_bytes():
    network, tensors = networks.find("conv3"), random_tensors("conv3")
    first, second = (onnx_graph.build(network, tensors) for _ in range(2))
    onnx.checker.check_model(first, full_check=True)
    assert first.SerializeToString() == second.SerializeToString()


def test_unknown_network_is_named():
    with pytest.raises(ValueError, match=r"Expected a network of .* Received: name='lenet'"):
        networks.find("lenet")


def test_portable_config_drops_only_options_that_older_keras_does_not_know():
    config = {"layers": [{"kernel": {"seed": 1, "input_axes": None}, "renorm": False}], "name": "a"}
    assert keras_networks.portable(config) == {"layers": [{"kernel": {"seed": 1}}], "name": "a"}

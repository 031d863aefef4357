"""Sets of weights: valid ones are accepted, hostile and broken ones rejected."""

import hashlib
import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from digits import layers, networks, weights
from digits.weights import CONFIG_FILE, METRICS_FILE, WEIGHTS_FILE, WeightsError
from tests.support.training_support import random_tensors


@pytest.fixture
def folder(tmp_path):
    """A valid set, to be damaged."""
    return Path(shutil.copytree(weights.BUNDLED, tmp_path / "set"))


@pytest.fixture(scope="module")
def sound_bytes():
    return (weights.BUNDLED / WEIGHTS_FILE).read_bytes()


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def put_weights(folder, data):
    """Replace the weights and their hash, so that only the content is wrong."""
    (folder / WEIGHTS_FILE).write_bytes(data)
    change(folder / CONFIG_FILE, sha256=hashlib.sha256(data).hexdigest())


def with_header(header, data=b""):
    """Return a safetensors file: the header's length, the header and the data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(shape, start, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def refusal(folder):
    with pytest.raises(WeightsError) as caught:
        weights.load_folder(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_bundled_weights_are_accepted_whatever_else_their_config_says(folder):
    change(folder / CONFIG_FILE, recipe="conv3")
    found = weights.load_folder(folder)
    assert found.config.network in networks.NETWORKS
    assert found.origin.label == "bundled"
    assert found.metrics["mnist_test"]["count"] == 10_000


@pytest.mark.parametrize("name", weights.FILES)
def test_missing_or_empty_file_is_named(folder, name):
    (folder / name).write_bytes(b"")
    assert name in refusal(folder)
    (folder / name).unlink()
    assert name in refusal(folder)


def test_one_flipped_bit_is_refused_with_both_hashes(folder, sound_bytes):
    data = bytearray(sound_bytes)
    data[-1] ^= 1
    (folder / WEIGHTS_FILE).write_bytes(data)
    text = refusal(folder)
    assert hashlib.sha256(sound_bytes).hexdigest() in text
    assert hashlib.sha256(data).hexdigest() in text


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.5, 0.99])
def test_cut_file_is_refused_even_if_its_hash_is_named(folder, sound_bytes, share):
    put_weights(folder, sound_bytes[: int(len(sound_bytes) * share)])
    assert "intact safetensors" in refusal(folder)


HOSTILE = {
    "another format": b"\x89HDF\r\n\x1a\n" + bytes(2048),
    "a program": b"MZ" + bytes(range(256)) * 8,
    "a pickle": b"\x80\x04\x95" + bytes(100),
    "a header that is longer than the file": struct.pack("<Q", 2**63) + b"{}",
    "a header of nothing": with_header(b""),
    "a header that is no JSON": with_header(b"{" * 1000),
    "a header that is nested without end": with_header(b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    "a header that is a list": with_header([1, 2]),
    "a header that is no text": with_header(b"\xff\xfe\x00\x00"),
    "the same name twice": with_header(
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
        b'"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        bytes(8),
    ),
    "tensors that overlap": with_header({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, bytes(12)),
    "a hole between tensors": with_header(
        {"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, bytes(12)
    ),
    "numbers behind the last tensor": with_header({"a": entry([1], 0, 4)}, bytes(4096)),
    "offsets beyond the file": with_header({"a": entry([4], 0, 16)}, bytes(4)),
    "offsets that run backwards": with_header({"a": entry([1], 4, 0)}, bytes(4)),
    "negative offsets": with_header({"a": entry([1], -4, 0)}, bytes(4)),
    "a shape that does not fit its bytes": with_header({"a": entry([3], 0, 4)}, bytes(4)),
    "a shape bomb": with_header({"a": entry([2**40, 2**40], 0, 4)}, bytes(4)),
    "an unknown type": with_header({"a": entry([1], 0, 4, "OBJECT")}, bytes(4)),
    "a header bomb": with_header({f"{number:06}": entry([0], 0, 0) for number in range(100_000)}),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_file_that_is_not_intact_is_refused_in_one_line(folder, content):
    put_weights(folder, content)
    text = refusal(folder)
    assert "intact safetensors" in text or "does not fit the network" in text
    assert len(text) < 400


def test_file_over_the_limit_is_refused_before_it_is_read_whole(folder, monkeypatch):
    monkeypatch.setattr(weights, "MAX_WEIGHTS_BYTES", 1000)
    assert "at most 1000 bytes" in refusal(folder)


WRONG = {
    "network": ["resnet50", 3, None],
    "temperature": [0, "1", True, None, float("nan"), 1e9],
    "rejection_threshold": [-0.1, 1.5, [0.5], None],
    "sha256": ["0" * 63, "../../etc/passwd", 7, None],
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in WRONG.items() for value in values]
)
def test_config_with_a_wrong_value_or_without_one_is_refused(folder, key, value):
    change(folder / CONFIG_FILE, **{key: value})
    text = refusal(folder)
    assert CONFIG_FILE in text
    assert "xpected" in text
    config = json.loads((folder / CONFIG_FILE).read_text())
    del config[key]
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    assert key in refusal(folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"a": NaN}', "[" * 100_000, b"\xff\xfe\x00", "1e999"]
)
def test_config_that_is_no_json_object_is_refused(folder, text):
    data = text if isinstance(text, bytes) else text.encode()
    (folder / CONFIG_FILE).write_bytes(data)
    assert CONFIG_FILE in refusal(folder)


@pytest.mark.parametrize(
    "test",
    [
        {"errors": 5, "count": 0, "top1_accuracy": 1.0},
        {"errors": 11, "count": 10, "top1_accuracy": 0.0},
        {"errors": -1, "count": 10, "top1_accuracy": 1.0},
        {"errors": 1, "count": 10, "top1_accuracy": 0.99},
        {"errors": "1", "count": 10, "top1_accuracy": 0.9},
        {"errors": True, "count": 10, "top1_accuracy": 0.9},
        {"count": 10, "top1_accuracy": 0.9},
        None,
    ],
)
def test_metrics_that_contradict_themselves_are_refused(folder, test):
    change(folder / METRICS_FILE, mnist_test=test)
    assert METRICS_FILE in refusal(folder)


KERNEL = "conv1.kernel"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda t: t.update({KERNEL: np.zeros((3, 3, 1, 17), np.float32)}), "shape=(3, 3, 1, 17)"),
        (lambda t: t.update({KERNEL: t[KERNEL].ravel()}), "shape=(144,)"),
        (lambda t: t.update({KERNEL: t[KERNEL].astype(np.float64)}), "F64"),
        (lambda t: t.update({KERNEL: t[KERNEL].astype(np.int32)}), "I32"),
        (lambda t: t.update({"optimizer.step": np.zeros(3, np.float32)}), "optimizer.step"),
        (lambda t: t.pop(KERNEL), "Received: nothing"),
        (lambda t: t[KERNEL].__setitem__((0, 0, 0, 0), np.nan), "finite"),
        (lambda t: t[KERNEL].__setitem__((0, 0, 0, 0), np.inf), "finite"),
    ],
)
def test_tensors_that_do_not_fit_the_network_are_refused(folder, sound_bytes, edit, words):
    tensors = {name: array.copy() for name, array in safetensors.numpy.load(sound_bytes).items()}
    edit(tensors)
    put_weights(folder, safetensors.numpy.save(tensors))
    assert words in refusal(folder)


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_weights_of_every_network_fit_it_also_in_half_precision_and_no_other(name):
    tensors = random_tensors(name)
    content = weights.serialize(tensors)
    read = weights.parse_tensors(content, name)
    halved = weights.parse_tensors(weights.serialize(tensors, half=True), name)
    assert read.keys() == halved.keys() == tensors.keys()
    for key, tensor in tensors.items():
        assert np.array_equal(read[key], tensor)
        assert halved[key].dtype == np.float32
        np.testing.assert_allclose(halved[key], tensor, rtol=1e-3, atol=1e-4)
    for other in networks.NETWORKS:
        if networks.find(other) != networks.find(name):
            with pytest.raises(WeightsError):
                weights.parse_tensors(content, other)


@given(st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_header_is_refused_or_without_effect(changes):
    content = bytearray(weights.serialize(random_tensors("strided3")))
    end = 8 + struct.unpack("<Q", content[:8])[0]
    for place, value in changes:
        content[place % end] = value
    try:
        read = weights.parse_tensors(bytes(content), "strided3")
    except WeightsError:
        return
    assert {name: tensor.shape for name, tensor in read.items()} == layers.shapes(
        networks.find("strided3")
    )

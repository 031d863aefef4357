"""Sets of weights: what is accepted, and everything hostile or broken that is not."""

import hashlib
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from digits import networks, weights
from digits.weights import CONFIG_FILE, METRICS_FILE, WEIGHTS_FILE, Origin, WeightsError


@pytest.fixture
def folder(tmp_path):
    """A sound set, to be spoiled."""
    return Path(shutil.copytree(weights.BUNDLED, tmp_path / "set"))


@pytest.fixture(scope="module")
def sound_bytes():
    return (weights.BUNDLED / WEIGHTS_FILE).read_bytes()


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def put_weights(folder, data):
    """Exchange the weights together with their hash: only what is inside is wrong then."""
    (folder / WEIGHTS_FILE).write_bytes(data)
    change(folder / CONFIG_FILE, sha256=hashlib.sha256(data).hexdigest())


def edit_weights(folder, edit):
    path = folder / WEIGHTS_FILE
    with h5py.File(path, "r+") as file:
        edit(file)
    put_weights(folder, path.read_bytes())


def first_array(file):
    name = "layers"
    while not isinstance(file[name], h5py.Dataset):
        name += "/" + next(key for key in file[name] if len(file[name][key]))
    return name


def replace_first(file, make):
    name = first_array(file)
    shape, dtype = file[name].shape, file[name].dtype
    del file[name]
    make(file, name, shape, dtype)


def refusal(folder):
    with pytest.raises(WeightsError) as caught:
        weights.load_folder(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_bundled_weights_are_accepted():
    found = weights.load_folder(weights.BUNDLED)
    assert found.config.network in networks.NETWORKS
    assert found.origin.label == "bundled"
    assert found.metrics["mnist_test"]["count"] == 10_000


def test_label_names_repository_and_short_commit():
    assert Origin("someone/digits", "main", "0123456789" * 4).label == "someone/digits@0123456"


def test_keys_beyond_the_known_ones_are_kept(folder):
    change(folder / CONFIG_FILE, recipe="conv3")
    assert weights.load_folder(folder).config.more == {"recipe": "conv3"}


@pytest.mark.parametrize("name", weights.FILES)
def test_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert name in refusal(folder)


@pytest.mark.parametrize("name", weights.FILES)
def test_empty_file_is_refused(folder, name):
    (folder / name).write_bytes(b"")
    assert name in refusal(folder)


def test_one_flipped_bit_is_refused_with_both_hashes(folder, sound_bytes):
    data = bytearray(sound_bytes)
    data[-1] ^= 1
    (folder / WEIGHTS_FILE).write_bytes(data)
    text = refusal(folder)
    assert hashlib.sha256(sound_bytes).hexdigest() in text
    assert hashlib.sha256(data).hexdigest() in text


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_cut_file_is_refused_even_if_its_hash_is_named(folder, sound_bytes, share):
    put_weights(folder, sound_bytes[: int(len(sound_bytes) * share)])
    assert "intact HDF5" in refusal(folder)


def test_bytes_that_are_no_hdf5_are_refused(folder):
    put_weights(folder, b"MZ" + bytes(range(256)) * 8)
    assert "intact HDF5" in refusal(folder)


def test_file_over_the_limit_is_refused_before_it_is_read_whole(folder, monkeypatch):
    monkeypatch.setattr(weights, "MAX_WEIGHTS_BYTES", 1000)
    assert "at most 1000 bytes" in refusal(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network", "resnet50"),
        ("network", 3),
        ("network", None),
        ("temperature", 0),
        ("temperature", "1"),
        ("temperature", True),
        ("temperature", float("nan")),
        ("temperature", 1e9),
        ("refuse_below", -0.1),
        ("refuse_below", 1.5),
        ("refuse_below", [0.5]),
        ("sha256", "0" * 63),
        ("sha256", "../../etc/passwd"),
        ("sha256", 7),
    ],
)
def test_config_with_a_wrong_value_is_refused(folder, key, value):
    change(folder / CONFIG_FILE, **{key: value})
    text = refusal(folder)
    assert CONFIG_FILE in text
    assert "xpected" in text


@pytest.mark.parametrize("key", ["network", "temperature", "refuse_below", "sha256"])
def test_config_without_a_key_is_refused(folder, key):
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


def test_weights_of_another_network_are_refused(folder):
    config = json.loads((folder / CONFIG_FILE).read_text())
    other = "fnn" if config["network"] != "fnn" else "conv3"
    change(folder / CONFIG_FILE, network=other)
    assert f"does not fit the network {other}" in refusal(folder)


def test_array_of_another_shape_is_refused(folder):
    def reshaped(file, name, shape, dtype):
        file.create_dataset(name, data=np.zeros((*shape, 2), dtype))

    edit_weights(folder, lambda file: replace_first(file, reshaped))
    assert "shape=" in refusal(folder)


def test_array_of_another_dtype_is_refused(folder):
    def retyped(file, name, shape, _):
        file.create_dataset(name, data=np.zeros(shape, np.float64))

    edit_weights(folder, lambda file: replace_first(file, retyped))
    assert "float64" in refusal(folder)


def test_additional_array_is_refused(folder):
    edit_weights(folder, lambda file: file.create_dataset("optimizer/vars/0", data=np.zeros(3)))
    assert "optimizer/vars/0" in refusal(folder)


def test_missing_array_is_refused(folder):
    edit_weights(folder, lambda file: file.__delitem__(first_array(file)))
    assert "Received: nothing" in refusal(folder)


def test_link_to_another_file_is_refused(folder, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["x"] = np.zeros(3, np.float32)

    def linked(file, name, shape, dtype):
        del shape, dtype
        file[name] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")

    edit_weights(folder, lambda file: replace_first(file, linked))
    assert "a link at" in refusal(folder)


def test_soft_link_is_refused(folder):
    def linked(file, name, shape, dtype):
        del shape, dtype
        file[name] = h5py.SoftLink("/elsewhere")

    edit_weights(folder, lambda file: replace_first(file, linked))
    assert "a link at" in refusal(folder)


def test_external_array_is_refused(folder, tmp_path):
    (tmp_path / "secret.bin").write_bytes(b"x" * 2**20)

    def external(file, name, shape, dtype):
        size = int(np.prod(shape)) * dtype.itemsize
        file.create_dataset(name, shape, dtype, external=[(tmp_path / "secret.bin", 0, size)])

    edit_weights(folder, lambda file: replace_first(file, external))
    assert "external" in refusal(folder)


def test_virtual_array_is_refused(folder, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["x"] = np.zeros(5, np.float32)

    def virtual(file, name, shape, dtype):
        del shape
        layout = h5py.VirtualLayout((5,), dtype)
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "x", shape=(5,))
        file.create_virtual_dataset(name, layout)

    edit_weights(folder, lambda file: replace_first(file, virtual))
    assert "virtual" in refusal(folder)


def test_shape_bomb_is_refused_without_being_allocated(folder):
    def bomb(file, name, shape, dtype):
        del shape
        chunks = (1024, 1024)
        file.create_dataset(name, (2**24, 2**24), dtype, chunks=chunks, compression="gzip")

    edit_weights(folder, lambda file: replace_first(file, bomb))
    assert (folder / WEIGHTS_FILE).stat().st_size < 2 * 2**20
    assert "filtered" in refusal(folder)


def test_unfiltered_shape_bomb_is_refused(folder):
    def bomb(file, name, shape, dtype):
        del shape
        file.create_dataset(name, (2**24, 2**24), dtype, chunks=(1024, 1024))

    edit_weights(folder, lambda file: replace_first(file, bomb))
    assert "at most" in refusal(folder)


def test_group_that_contains_itself_is_refused(folder):
    edit_weights(folder, lambda file: file["layers"].__setitem__("again", file["layers"]))
    assert "without end" in refusal(folder)


def test_text_in_place_of_numbers_is_refused(folder):
    def text(file, name, shape, dtype):
        del shape, dtype
        file.create_dataset(name, data=["x" * 1000], dtype=h5py.string_dtype())

    edit_weights(folder, lambda file: replace_first(file, text))
    assert "arrays of numbers" in refusal(folder)


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_fresh_weights_of_every_network_fit_it_and_no_other(tmp_path, name):
    path = tmp_path / WEIGHTS_FILE
    networks.build(name).save_weights(path)
    layout = weights.read_layout(path.read_bytes())
    weights.check_layout(layout, name)
    for other in networks.NETWORKS:
        if weights.network_layout(other) != weights.network_layout(name):
            with pytest.raises(WeightsError):
                weights.check_layout(layout, other)


def test_damaged_structure_is_refused_or_without_effect(tmp_path):
    """The HDF5 library meets bytes here that nobody meant to write, and must not fall over."""
    path = tmp_path / WEIGHTS_FILE
    networks.build("fnn").save_weights(path)
    whole = path.read_bytes()
    layout = weights.read_layout(whole)
    structure = sorted(set(range(len(whole))) - numbers_of(path))
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(100):
        data = bytearray(whole)
        for place in random.choice(structure, 3):
            data[place] = random.integers(256)
        try:
            found = weights.read_layout(bytes(data))
            if found != layout:
                weights.check_layout(found, "fnn")
        except WeightsError:
            refused += 1
        else:
            assert found == layout
    assert 10 < refused < 100


def numbers_of(path):
    """The places of a file where the arrays themselves lie; what else it holds is structure."""
    places = set()
    with h5py.File(path) as file:

        def collect(_, member):
            if isinstance(member, h5py.Dataset) and member.id.get_offset() is not None:
                start = member.id.get_offset()
                places.update(range(start, start + member.id.get_storage_size()))

        file.visititems(collect)
    return places

import gzip
import os
import shutil
import urllib.error
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.support.training_support import small_mnist, write_blank_mnist, write_idx
from training.data import mnist as data
from training.data.batches import EpochBatches
from training.data.mnist import DataError, Mnist


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    monkeypatch.delenv("MNIST_DIR", raising=False)


@pytest.fixture(scope="module")
def blank_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blank")
    write_blank_mnist(folder)
    return folder


@pytest.fixture
def blank_folder(blank_files, tmp_path):
    """A copy of the blank files; may be modified."""
    return Path(shutil.copytree(blank_files, tmp_path / "blank"))


def assert_refused(folder, *words):
    """Check that loading fails with one line that contains all of these words; return it."""
    with pytest.raises(DataError) as caught:
        data.load_mnist(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == []
    return message


def give_by_keras(monkeypatch, mnist):
    """Replace the result of `keras.datasets.mnist`."""
    train, test = (mnist.train_images, mnist.train_labels), (mnist.test_images, mnist.test_labels)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: (train, test))


@pytest.mark.nightly
def test_the_four_files_are_mnist(mnist):
    assert mnist.sha256 == data.MNIST_SHA256
    assert mnist.train_images.shape == (60000, 28, 28)
    assert mnist.train_images.max() == 255
    assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test_labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_unpacked_files_and_keras_give_the_same_arrays(blank_files, tmp_path, monkeypatch):
    for name, _ in data.FILES.values():
        packed = (blank_files / f"{name}.gz").read_bytes()
        (tmp_path / name.replace("-idx", ".idx")).write_bytes(gzip.decompress(packed))
    unpacked = data.read_folder(tmp_path)
    give_by_keras(monkeypatch, unpacked)
    monkeypatch.setenv("MNIST_SHA256", unpacked.sha256)
    assert data.load_mnist().sha256 == unpacked.sha256 == data.read_folder(blank_files).sha256


def test_other_digits_are_refused_unless_the_environment_allows_them(blank_files, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(blank_files))
    message = assert_refused(None, "other digits", data.MNIST_SHA256, "MNIST_SHA256=")
    name, sha256 = message.rsplit(" ", 1)[1].split("=")
    monkeypatch.setenv(name, sha256)
    assert data.load_mnist().sha256 == sha256


def test_a_missing_folder_is_named_though_the_environment_names_another(
    blank_files, monkeypatch, tmp_path
):
    monkeypatch.setenv("MNIST_DIR", str(blank_files))
    assert_refused(tmp_path / "nowhere", "no folder ", "nowhere")


def test_a_folder_without_mnist_names_what_is_missing(tmp_path):
    assert_refused(tmp_path, *(name for name, _ in data.FILES.values()))


def test_one_missing_file_is_named(blank_folder):
    (blank_folder / "t10k-labels-idx1-ubyte.gz").unlink()
    message = assert_refused(blank_folder, "there is no t10k-labels-idx1-ubyte:")
    assert "train-images" not in message


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:12] + content[12:30][::-1] + content[30:],
    ],
)
def test_a_cut_or_damaged_gzip_file_is_refused(blank_folder, damage):
    path = blank_folder / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    assert_refused(blank_folder, path.name, "cannot be read to the end")


LABELS = bytes([0, 0, 8, 1, 0, 0, 0, 100]) + bytes(100)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LABELS[:-1], "Expected 108 bytes starting with 0000080100000064, received 107 starting"),
        (LABELS[:3], "received 3 starting with 000008: use MNIST's"),
        (LABELS + b"more", "received more starting with 0000080100000064"),
        (bytes(108), "received 108 starting with 0000000000000000"),
    ],
)
def test_an_unpacked_file_of_another_size_or_kind_is_refused(tmp_path, content, words):
    (tmp_path / "labels").write_bytes(content)
    with pytest.raises(DataError, match=f"labels does not hold 100 labels.*{words}"):
        data.read_idx(tmp_path / "labels", (100,))


def test_a_huge_file_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(LABELS)
    os.truncate(path, 2**40)  # sparse: takes no disk space, but does not fit into memory
    with pytest.raises(DataError, match="received more"):
        data.read_idx(path, (100,))


def test_a_file_of_the_other_part_is_refused(blank_folder):
    path = blank_folder / "train-labels-idx1-ubyte.gz"
    shutil.copy(blank_folder / "t10k-labels-idx1-ubyte.gz", path)
    assert_refused(blank_folder, f"{path} does not hold 60,000 labels", "received 10,008")


def test_labels_beyond_nine_are_refused(blank_folder):
    path = blank_folder / "train-labels-idx1-ubyte.gz"
    write_idx(path, np.full(60000, 25, np.uint8), packed=True)
    assert_refused(blank_folder, "train_labels (60000,) of uint8 from 0 to 9", "up to 25")


def test_another_shape_from_keras_is_refused(monkeypatch):
    give_by_keras(monkeypatch, small_mnist())
    with pytest.raises(DataError, match=r"Expected train_images \(60000, 28, 28\) of uint8"):
        data.load_mnist()


def test_a_failed_download_is_one_clear_line(monkeypatch, tmp_path):
    """With Keras' own download, which wraps network errors in a plain Exception."""

    def no_network(*_, **__):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", no_network)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    assert_refused(None, "could not be downloaded", "--data", "Name or service")


def test_a_defect_in_loading_is_not_called_a_download(monkeypatch):
    def defect():
        raise TypeError("a defect")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", defect)
    with pytest.raises(TypeError, match="a defect"):
        data.load_mnist()


def test_the_hash_covers_every_array():
    mnist = small_mnist()
    arrays = [mnist.train_images, mnist.train_labels, mnist.test_images, mnist.test_labels]
    for index, array in enumerate(arrays):
        changed = array.copy()
        changed.flat[0] ^= 1
        assert Mnist(*arrays[:index], changed, *arrays[index + 1 :]).sha256 != mnist.sha256


def test_the_split_follows_from_the_seed():
    mnist = small_mnist()
    training, validation = data.split(mnist, seed=3, validation_count=50)
    again = data.split(mnist, seed=3, validation_count=50)
    other = data.split(mnist, seed=4, validation_count=50)
    assert np.array_equal(training, again[0])
    assert np.array_equal(validation, again[1])
    assert not np.array_equal(np.sort(validation), np.sort(other[1]))


@pytest.mark.parametrize("limit", [None, 100])
def test_the_split_uses_every_image_once_up_to_the_limit(limit):
    training, validation = data.split(small_mnist(), seed=0, validation_count=50, limit=limit)
    total = limit or 400
    assert (len(training), len(validation)) == (total - 50, 50)
    assert len({*training, *validation}) == total


@pytest.mark.parametrize(("count", "limit"), [(0, None), (400, None), (100, 100)])
def test_a_split_without_a_part_is_refused(count, limit):
    with pytest.raises(ValueError, match=f"Received: validation_count={count}"):
        data.split(small_mnist(), seed=0, validation_count=count, limit=limit)


def test_input_runs_from_paper_0_to_ink_1():
    images = np.array([[[0, 51, 255]]], np.uint8)
    converted = data.as_input(images)
    assert converted.shape == (1, 1, 3, 1)
    assert converted.dtype == np.float32
    assert converted.ravel().tolist() == pytest.approx([0, 0.2, 1])


def test_an_epoch_gives_every_digit_once_with_its_own_label():
    images = np.broadcast_to(np.arange(50, dtype=np.uint8)[:, None, None], (50, 28, 28))
    batches = EpochBatches(images, np.arange(50), batch_size=16, seed=0)
    given = [batches[index] for index in range(len(batches))]
    assert [len(labels) for _, labels in given] == [16, 16, 16, 2]
    labels = np.concatenate([labels for _, labels in given])
    inks = np.concatenate([inks[:, 0, 0, 0] for inks, _ in given])
    assert np.array_equal(np.sort(labels), np.arange(50))
    assert np.allclose(inks * 255, labels)


def test_the_order_follows_from_seed_and_epoch():
    images = np.zeros((50, 28, 28), np.uint8)
    batches, other = (EpochBatches(images, np.arange(50), 50, seed) for seed in (0, 1))

    def order(batches, epoch):
        batches.epoch = epoch
        return batches[0][1].tolist()

    first = order(batches, 0)
    assert order(batches, 1) != first
    assert order(other, 0) != first
    assert order(batches, 0) == first

"""The export command: its weights, its output folder and the comparison with the app."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from digits import weights
from tests.conftest import ROOT
from tests.support.commands import done
from tests.support.finished_run import change_config
from tests.support.training_support import drawn_mnist
from training.console import UserError
from training.data.mnist import Mnist
from training.export import check, exports


@pytest.fixture
def copy(exported, tmp_path):
    return Path(shutil.copytree(exported, tmp_path / "exports"))


def test_every_format_is_written_and_noted_with_its_hashes(exported, bundled):
    notes = exports.complete(exported, bundled)
    assert notes["formats"].keys() == exports.FORMATS.keys()
    assert notes["weights_sha256"] == bundled.config.sha256
    on_disk = sum(path.stat().st_size for path in exported.rglob("*") if path.is_file())
    noted = sum(exports.size(notes, name) for name in exports.FORMATS)
    assert noted == on_disk - (exported / exports.EXPORTS_FILE).stat().st_size


def test_every_format_agrees_with_keras_in_its_own_runtime(copy, bundled):
    figures = exports.checked(bundled, copy, drawn_mnist())["checked"]["formats"]
    for name, measured in figures.items():
        compared = measured["mnist_test"]
        assert (compared["count"], compared["errors"], compared["app_errors"]) == (10, 0, 0)
        limit = 0.15 if name == "tflite-int8" else 1e-4
        assert compared["largest_difference"] < limit, name
        assert compared["other_answers"] == 0
        assert measured["milliseconds"] > 0
    assert exports.read(copy)["checked"]["formats"] == figures


def test_comparison_counts_errors_rejections_and_other_answers():
    expected = np.eye(10, dtype=np.float32)[[1, 2, 3, 4]]
    rows = expected.copy()
    rows[1] *= 0.2  # rejected now
    rows[2] = np.eye(10)[5]  # another digit
    figures = check.compare(rows, expected, np.array([1, 2, 3, 0]), rejection_threshold=0.5)
    differ = {"largest_difference": 1.0, "other_answers": 2}
    assert figures == {"count": 4, "errors": 2, "app_errors": 1, **differ}


def test_table_has_a_row_for_each_format_measured_or_not(exported, bundled):
    notes = exports.complete(exported, bundled)
    bare = exports.cells(notes)
    assert bare[0] == ["format", "kB"]
    assert [row[0] for row in bare[1:]] == [f"`{place}`" for place in exports.FORMATS.values()]
    compared = {"count": 10_000, "largest_difference": 2e-6, "other_answers": 3}
    compared |= {"errors": 41, "app_errors": 40}
    measured = {"milliseconds": 0.42, "milliseconds_in_batches": 0.31, "mnist_test": compared}
    full = exports.cells(notes | {"checked": {"formats": {"onnx": measured}}})
    assert full[-1][2:] == ["0.42", "0.31", "2e-06", "3 of 10,000", "41 (app 40)"]
    assert {len(row) for row in full} == {len(full[0])}


def test_exports_that_were_touched_or_are_of_other_weights_do_not_count(copy, bundled, run):
    change_config(run, temperature=2.0)
    assert exports.complete(copy, weights.load_folder(run)) is None
    assert exports.complete(copy, bundled)
    (copy / "saved_model" / "1" / "more").write_text("")
    assert exports.complete(copy, bundled) is None


def test_one_format_leaves_those_of_the_same_weights_and_removes_those_of_others(
    copy, bundled, run
):
    before = exports.read(copy)["formats"]
    (copy / "digits.onnx").unlink()
    notes = exports.export(bundled, copy, ["onnx"], pytest.fail)
    assert notes["formats"] == before
    assert exports.complete(copy, bundled)
    change_config(run, rejection_threshold=0.1)
    exports.export(weights.load_folder(run), copy, ["onnx"], pytest.fail)
    assert sorted(path.name for path in copy.iterdir()) == ["digits.onnx", "exports.json"]


def test_calibration_images_come_from_training_digits_and_are_always_the_same():
    mnist = drawn_mnist()
    images = exports.calibration_images(mnist)
    # There are only ten digits; the rest are non-digits.
    assert len(images) > 10
    assert images.shape[1:] == (28, 28, 1)
    assert images.min() == 0
    assert images.max() <= 1
    blank_test = Mnist(
        mnist.train_images, mnist.train_labels, mnist.test_images * 0, mnist.test_labels
    )
    np.testing.assert_array_equal(exports.calibration_images(blank_test), images)


def test_weights_are_found_by_folder_or_bundled(run):
    found, place = exports.find(None)
    assert found.origin.label == "bundled"
    assert place == Path("runs/bundled/exports")
    assert exports.find(str(run))[1] == run / "exports"


@pytest.mark.parametrize("target", ["nowhere", "no/such/repository"])
def test_weights_that_are_nowhere_are_named(target, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=target):
        exports.find(target)


def test_command_writes_where_it_is_told_and_says_how_much(tmp_path):
    words = ("-m", "training.export", "--format", "onnx", "--out", tmp_path / "x")
    ended = done(sys.executable, *words, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    size = (tmp_path / "x" / "digits.onnx").stat().st_size
    assert ended.stdout == f"{tmp_path / 'x' / 'digits.onnx'}: {size:,} bytes\n"

import csv
import dataclasses
import errno
import hashlib
import json
import os
import sys
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import pytest
from PIL import Image

from digits import networks
from digits.networks import EXTRACTOR, FINDER, LINE_READER
from digits.recognizer import Recognizer
from digits.weights import BUNDLED, load_folder
from tests.support.commands import run_main
from tests.support.nightly import mostly_nightly
from tests.support.training_support import small_mnist, write_blank_mnist
from training import keras_networks, recipes, result, run_folder, train
from training.console import UserError
from training.data import batches
from training.recipes import RECIPES, Recipe
from training.run_folder import RunFolder
from training.train import Job

MNIST = small_mnist()
PLOTS = ("learning-curves.png", "confusion.png", "misread.png", "reliability.png")


def small_job(network="dropout", epochs=3, seed=0, **settings):
    settings = {"optimizer": "adamw", "weight_decay": 0.01, "ema_momentum": 0.5} | settings
    recipe = Recipe(network=network, epochs=epochs, batch_size=32, learning_rate=0.003, **settings)
    return Job(recipe=recipe, seed=seed, limit=400)


def tiny_job(network="fnn", epochs=1, **settings):
    """Return a job too small to learn anything."""
    return dataclasses.replace(small_job(network, epochs, **settings), limit=60)


def run_job(job, folder, mnist=MNIST):
    """Train without figures, which would take as long as the training."""
    with mock.patch("training.result.draw_figures"):
        return train.train(job, mnist, folder)


def weights_of(folder):
    return (folder / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run; do not modify it."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    return folder, train.train(small_job(), MNIST, folder)


def test_a_run_leaves_its_folder_and_nothing_else(finished):
    folder, _ = finished
    assert {path.name for path in folder.iterdir()} == {
        "model.safetensors",
        "finder.safetensors",
        "extractor.safetensors",
        "line_reader.safetensors",
        "config.json",
        "metrics.json",
        "recipe.json",
        "history.csv",
        *PLOTS,
    }
    for name in PLOTS:
        with Image.open(folder / name) as picture:
            picture.load()


def test_the_run_folder_is_a_set_of_weights_that_answers_as_measured(finished):
    folder, metrics = finished
    recognizer = Recognizer(load_folder(folder))
    probabilities = recognizer.predict_images(MNIST.test_images.astype(np.float32) / 255)
    errors = (probabilities[:, :10].argmax(axis=1) != MNIST.test_labels).sum()
    rejected = (probabilities[:, :10].max(axis=1) < metrics["rejection_threshold"]).sum()
    assert errors == metrics["mnist_test"]["errors"]
    assert rejected == metrics["mnist_test"]["rejected"]


def test_config_names_network_calibration_and_hashes(finished):
    folder, metrics = finished
    config = json.loads((folder / "config.json").read_text())
    files = {"sha256": folder / "model.safetensors"}
    for name in (FINDER, EXTRACTOR, LINE_READER):
        files[f"{name}_sha256"] = BUNDLED / f"{name}.safetensors"
    assert config == {
        "network": "dropout",
        "temperature": metrics["temperature"],
        "rejection_threshold": metrics["rejection_threshold"],
        **{key: hashlib.sha256(path.read_bytes()).hexdigest() for key, path in files.items()},
    }


def test_metrics_say_what_was_measured_and_how(finished):
    _, metrics = finished
    test, validation = metrics["mnist_test"], metrics["validation"]
    assert test["count"] == 100
    assert test["top1_accuracy"] == 1 - test["errors"] / 100 > 0.95
    assert (validation["count"], validation["rejected"]) == (40, 0)
    assert metrics["parameters"] == 34826
    assert (metrics["epochs"], metrics["seed"], metrics["limit"]) == (3, 0, 400)
    assert (metrics["training_count"], metrics["validation_count"]) == (360, 40)
    assert metrics["data_sha256"] == MNIST.sha256
    assert metrics["seconds"] > 0
    assert metrics["ece"] == test["ece"]
    assert metrics["versions"]["keras"] == keras.__version__


def test_the_recipe_file_holds_the_exact_configuration(finished):
    folder, _ = finished
    written = json.loads((folder / "recipe.json").read_text())
    assert Recipe(**written["recipe"]) == small_job().recipe
    assert (written["seed"], written["limit"]) == (0, 400)
    assert "numpy" in written["versions"]


def test_the_history_has_one_line_an_epoch_and_validates_the_average_that_is_saved(finished):
    folder, metrics = finished
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[2]["loss"]) < float(rows[0]["loss"])
    validated = metrics["validation"]["top1_accuracy"]
    assert float(rows[2]["val_accuracy"]) == pytest.approx(validated, abs=1e-6)


def test_a_kill_after_the_last_epoch_costs_no_training(tmp_path):
    killed = mock.patch("training.result.draw_figures", side_effect=SystemExit)
    with killed, pytest.raises(SystemExit):
        train.train(tiny_job(), MNIST, tmp_path / "run")
    history = (tmp_path / "run" / "history.csv").read_bytes()
    metrics = run_job(tiny_job(), tmp_path / "run")
    assert metrics["epochs"] == 1
    assert (tmp_path / "run" / "history.csv").read_bytes() == history


def test_a_finished_run_is_not_trained_again(finished, monkeypatch, capsys):
    folder, metrics = finished
    monkeypatch.setattr(keras.Model, "fit", None)
    before = folder.stat().st_mtime_ns
    assert run_job(small_job(), folder) == json.loads(json.dumps(metrics))
    assert "finished" in capsys.readouterr().out
    assert folder.stat().st_mtime_ns == before, "the folder may be read-only"


@pytest.mark.parametrize(
    ("epochs", "seed", "words"), [(4, 0, "epochs is 3, not 4"), (3, 1, "data_sha256")]
)
def test_a_run_of_another_configuration_or_data_is_refused(finished, epochs, seed, words):
    with pytest.raises(UserError, match=f"^.*{words}.*--run.*$"):
        run_job(small_job(epochs=epochs), finished[0], small_mnist(seed=seed))


@pytest.mark.parametrize(
    ("name", "words"),
    [("letter.txt", "not empty and holds no run"), ("recipe.json", "recipe.json is damaged")],
)
def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path, name, words):
    (tmp_path / name).write_text("{")
    with pytest.raises(UserError, match=words):
        run_job(small_job(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_checkpoint_of_another_architecture_is_one_clear_line(tmp_path):
    job = tiny_job()
    models = [keras_networks.build(name) for name in ("conv3", "dropout")]
    for model in models:
        recipes.compile_network(model, job.recipe, steps_per_epoch=2)
    run = RunFolder(tmp_path)
    run.save_checkpoint(models[0], [{"epoch": 1.0}])
    with pytest.raises(UserError, match="does not fit this version of the network"):
        run.restore_checkpoint(models[1])


def test_a_training_that_diverges_is_one_clear_line(tmp_path):
    recipe = Recipe(network="fnn", epochs=2, learning_rate=1e30)
    with pytest.raises(UserError, match="diverged in epoch 1"):
        train.train(Job(recipe=recipe, limit=400), MNIST, tmp_path / "run")


@pytest.mark.parametrize("network", mostly_nightly(RECIPES, networks.DEFAULT_NETWORK))
def test_every_network_can_be_trained_by_its_own_recipe(network, tmp_path):
    recipe = dataclasses.replace(RECIPES[network], epochs=1)
    metrics = run_job(Job(recipe=recipe, limit=60), tmp_path / "run")
    assert metrics["parameters"] == keras_networks.build(network).count_params()
    assert Recognizer(load_folder(tmp_path / "run")).weights.config.network == network


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A tiny run, and the parts of the data that it used, in order."""
    looked_at = []
    original = train.as_input

    def watching(images):
        looked_at.append("test" if images is MNIST.test_images else "training set")
        return original(images)

    folder = tmp_path_factory.mktemp("runs") / "watched"
    with pytest.MonkeyPatch.context() as patch:
        for module in (train, result, batches):
            patch.setattr(module, "as_input", watching)
        run_job(tiny_job("dense128-onehot", legacy_h5=True), folder)
    return folder, looked_at


def test_the_test_set_is_scored_once_and_at_the_end(watched):
    _, looked_at = watched
    assert looked_at.count("test") == 1
    assert looked_at[-1] == "test"
    assert len(looked_at) > 3


def test_test_images_decide_nothing_and_the_seed_decides_the_weights(watched, tmp_path):
    other = small_mnist()
    other.test_images[:] = 0
    job = tiny_job("dense128-onehot", legacy_h5=True)
    run_job(job, tmp_path / "same", other)
    for name in ("model.safetensors", "config.json"):
        assert (tmp_path / "same" / name).read_bytes() == (watched[0] / name).read_bytes()
    run_job(dataclasses.replace(job, seed=1), tmp_path / "other")
    assert weights_of(tmp_path / "other") != weights_of(watched[0])


def test_the_onehot_network_also_leaves_h5_weights(watched):
    folder, _ = watched
    legacy = keras_networks.build("dense128-onehot")
    legacy.load_weights(folder / "model.h5")
    stored = load_folder(folder).tensors
    for name, tensor in keras_networks.read_tensors(legacy).items():
        assert np.array_equal(tensor, stored[name]), name


# Disk errors


def fill_disk(patch):
    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    patch.setattr(run_folder, "_flush", full)


def test_a_disk_that_is_full_in_the_end_leaves_the_last_checkpoint(tmp_path, monkeypatch, capsys):
    original = RunFolder.save_checkpoint

    with monkeypatch.context() as patch:

        def save_checkpoint(self, model, rows):
            if len(rows) == 2:
                fill_disk(patch)
            original(self, model, rows)

        patch.setattr(RunFolder, "save_checkpoint", save_checkpoint)
        with pytest.raises(OSError, match="No space left on device") as caught:
            run_job(tiny_job(epochs=2), tmp_path / "run")
    assert caught.value.filename == str(tmp_path / "run" / "checkpoint.npz")
    assert capsys.readouterr().out.endswith("\n"), "the progress bar's line must be ended"
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left == {"recipe.json", "history.csv", "checkpoint.npz"}
    assert run_job(tiny_job(epochs=2), tmp_path / "run")["epochs"] == 2


def test_a_disk_that_is_full_from_the_start_costs_no_epoch(tmp_path, monkeypatch):
    fill_disk(monkeypatch)
    monkeypatch.setattr(keras.Model, "fit", None)
    with pytest.raises(OSError, match="No space left on device"):
        run_job(small_job(), tmp_path / "run")


def test_a_file_that_cannot_be_written_keeps_its_old_content(tmp_path):
    run = RunFolder(tmp_path)
    run.write_bytes("file", b"old")
    with pytest.raises(TypeError):
        run.write_bytes("file", "no bytes")
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.write_json("file", {"loss": float("nan")})
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_a_kill_left_half_written_is_cleared_away(tmp_path):
    (tmp_path / ".partial-recipe.json").write_text("{")
    RunFolder.open(tmp_path, {"seed": 0}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.json"]


# The command line


def test_foreign_data_end_the_command_with_one_line(tmp_path, monkeypatch):
    write_blank_mnist(tmp_path)
    line = run_main(monkeypatch, train, "--data", tmp_path, "--run", tmp_path / "run")
    assert line.startswith("error: ")
    assert "other digits" in line
    assert "\n" not in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--network", "conv4"), "conv4"),
        (("--epochs", "0"), "expected a whole number from 1, received 0"),
        (("--batch-size", "many"), "expected a whole number from 1, received many"),
        (("--seed", "-1"), "expected a whole number from 0, received -1"),
        (("--limit", "60001"), "MNIST has 60,000 training images"),
        (("--limit", "5"), "expected a whole number from 20"),
    ],
)
def test_a_wrong_argument_is_answered_with_what_is_right(monkeypatch, capsys, arguments, words):
    assert run_main(monkeypatch, train, *arguments) == 2
    assert words in capsys.readouterr().err


def test_the_default_is_the_default_network_in_a_folder_of_its_name(monkeypatch):
    asked = []
    monkeypatch.setattr(sys, "argv", ["train", "--epochs", "2"])
    monkeypatch.setattr(train, "load_mnist", lambda folder: asked.append(folder) or MNIST)
    monkeypatch.setattr(train, "train", lambda *arguments: asked.append(arguments) or {})
    monkeypatch.setattr(train, "summary", lambda _: "")
    train.main()
    job = asked[1][0]
    assert asked[0] is None
    assert job.recipe.network == networks.DEFAULT_NETWORK
    assert job.recipe.epochs == 2
    assert asked[1][2] == Path("runs") / f"{networks.DEFAULT_NETWORK}-0"


def test_the_recorded_command_repeats_the_run(monkeypatch):
    command = Job(recipe=RECIPES["fnn"], seed=3).command
    assert command == "python -m training.train --network fnn --seed 3"
    words = small_job().command.split()
    monkeypatch.setattr(sys, "argv", words[2:])
    arguments = train.parse_arguments()
    assert (arguments.network, arguments.epochs) == ("dropout", 3)
    assert (arguments.batch_size, arguments.limit) == (32, 400)


def test_the_summary_gives_percent_and_count(finished):
    text = train.summary(finished[1])
    errors = finished[1]["mnist_test"]["errors"]
    assert f"{100 - errors:.2f} % ({errors} of 100 wrong)" in text
    assert "34,826 parameters, 3 epochs" in text

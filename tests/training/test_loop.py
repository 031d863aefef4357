"""The training loop of the finder, the extractor and the line reader."""

import importlib
import json
import sys

import numpy as np
import pytest
import tensorflow as tf

from digits.layers import folded, shapes
from digits.networks import BESIDE
from digits.numbers.frame import HEIGHT
from digits.onnx_graph import open_heads
from digits.segmentation.letterbox import SIDE
from digits.weights import load_folder
from tests.support.commands import done
from tests.support.training_support import unsettle
from training import extraction, line_reading, segmentation
from training.averaged_model import rate_at
from training.keras_networks import read_tensors
from training.synthesis.lines import write_line

TASKS = {task.network: task for task in (segmentation.TASK, extraction.TASK, line_reading.TASK)}


@pytest.fixture(scope="module", params=TASKS)
def task(request):
    return TASKS[request.param]


@pytest.fixture(scope="module")
def batch(task, hands):
    if task is not line_reading.TASK:
        return [part[:4] for part in task.make(hands, 5, 0)[0]]
    rng = np.random.default_rng(1)
    return line_reading.batch_of([write_line(hands, rng) for _ in range(16)])


def test_a_batch_depends_on_seed_and_index_alone(task, hands):
    material = line_reading.Material(hands) if task is line_reading.TASK else hands
    first, other_index, other_seed, again = (
        task.make(material, *place)[0] for place in ((1, 5), (1, 6), (2, 5), (1, 5))
    )
    assert all(map(np.array_equal, first, again))
    for other in (other_index, other_seed):
        assert not np.array_equal(first[0], other[0])


@pytest.fixture(scope="module")
def trained(task, batch):
    """A model trained on one batch repeatedly, and its losses."""
    training = task.model(1_000_000, 100)
    training.step = 300  # past the warm-up
    return training, [training.learn(*batch) for _ in range(12 if task.unit == "lines" else 8)]


@pytest.mark.parametrize(
    ("name", "size", "softmax"),
    [
        ("finder", (SIDE, SIDE), False),
        ("extractor", (16, 80), True),
        ("extractor", (64, 48), True),
        ("line_reader", (HEIGHT, 100), True),
    ],
)
def test_keras_and_onnx_agree_on_random_weights(name, size, softmax):
    network, model = BESIDE[name], unsettle(TASKS[name].build())
    tensors = folded(read_tensors(model))
    assert {name: array.shape for name, array in tensors.items()} == shapes(network)
    channels = network.input_shape[-1]
    seen = np.random.default_rng(1).random((2, *size, channels)).astype(np.float32)
    said = model(seen * (1 if channels == 1 else 255), training=False)
    # One head or several; in ONNX the finder's centers come first.
    heads = reversed(said) if isinstance(said, list) else [said]
    expected = [np.asarray(head).transpose(0, 3, 1, 2) for head in heads]
    if softmax:
        shares = np.exp(expected[0] - expected[0].max(1, keepdims=True))
        expected = [shares / shares.sum(1, keepdims=True)]
    found = open_heads(network, tensors, softmax=softmax)(seen.transpose(0, 3, 1, 2))
    assert np.ptp(expected[-1]) > 0.1
    for head, known in zip(found, expected, strict=True):
        assert head.shape == known.shape
        assert np.abs(head - known).max() < 1e-4


def test_training_starts_from_folded_weights_unchanged(task, batch):
    tensors = folded(read_tensors(unsettle(task.build())))
    training = task.model(1_000, 100)
    training.start_from(tensors, batch[0])
    for model in (training.model, training.averaged):
        for name, array in folded(read_tensors(model)).items():
            assert np.allclose(array, tensors[name], atol=1e-4), name
    norm = [layer for layer in training.model.layers if layer.name.endswith("_norm")][-1]
    before = norm.moving_mean.numpy()
    training.model(batch[0].astype(np.float32), training=True)
    assert np.abs(norm.moving_mean.numpy() - before).max() < 0.01 * np.abs(before).max()


def test_learning_from_one_batch_again_and_again_lowers_the_loss(task, trained):
    _, losses = trained
    assert losses[-1] < (0.5 if task.unit == "lines" else 0.8) * losses[0]


def test_the_written_weights_follow_the_trained_ones_slowly(trained):
    training, _ = trained
    for learned, kept in zip(
        training.model.trainable_weights, training.averaged.trainable_weights, strict=True
    ):
        assert 0 < np.abs(learned.numpy() - kept.numpy()).max() < 0.2, learned.path


@pytest.fixture
def without_graphs():
    """Run functions eagerly: compiling a graph takes longer than one step."""
    tf.config.run_functions_eagerly(run_eagerly=True)
    yield
    tf.config.run_functions_eagerly(run_eagerly=False)


@pytest.mark.usefixtures("without_graphs")
def test_a_checkpoint_takes_up_training_where_it_was(tmp_path, task, trained, batch):
    first, _ = trained
    first.save(tmp_path / "checkpoint.npz")
    second = task.model(1_000_000, 100)
    second.load(tmp_path / "checkpoint.npz")
    assert second.step == first.step
    assert second.learn(*batch) == pytest.approx(first.learn(*batch), rel=1e-3)


def test_the_rate_rises_first_and_falls_to_nothing_over_the_last_steps():
    rates = [rate_at(step, 10_000, 1_000) for step in (0, 100, 5_000, 9_000, 9_500)]
    assert rates[0] < rates[1] < rates[2] == rates[3]
    assert rates[4] == pytest.approx(rates[3] / 2)
    assert rate_at(10_000, 10_000, 1_000) < rates[4] / 10


OTHER_WRITERS = "s.TASK.hands[s.VALIDATION_HANDS_FILE] = slice(60)"


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("module", "setting", "counts", "measured"),
    [
        ("segmentation", "s._VALIDATION_PAGES = 24", [32, 64], {"of_pages": 24}),
        ("extraction", "s._VALIDATION_BATCHES = 1", [32, 64], {}),
        (
            "line_reading",
            f"s._VALIDATION_LINES = 24; s._PAGES = 8; {OTHER_WRITERS}",
            [256, 512],
            {"of_lines": 24},
        ),
    ],
)
def test_the_command_trains_resumes_and_saves_a_set(tmp_path, module, setting, counts, measured):
    script = (
        f"from training import {module} as s, loop; {setting};"
        "from tests.support.training_support import _handwritten as h;"
        "names = 'train_images', 'train_labels';"
        "loop.load_mnist = lambda _: type('M', (), dict(zip(names, h(2, 60)))); s.main()"
    )
    task = importlib.import_module(f"training.{module}").TASK
    options = ["--run", str(tmp_path), "--every", str(counts[0]), "--cool", str(counts[0] // 2)]
    for count in counts:
        ended = done(sys.executable, "-c", script, *options, f"--{task.unit}", str(count))
        assert ended.returncode == 0, ended.stderr[-2000:]
    lines = (tmp_path / "log.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)[task.unit] for line in lines] == counts
    assert measured.items() <= load_folder(tmp_path).metrics[task.network].items()

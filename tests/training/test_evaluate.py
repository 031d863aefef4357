"""Evaluating sets of weights."""

import argparse
import dataclasses
import hashlib
import json
import shutil

import numpy as np
import pytest

from digits.demos import DEMOS, FOLDER
from digits.drawing import PAD_WIDTHS, draw, parse_strokes
from digits.examples import number_example
from digits.recognizer import Recognizer
from digits.weights import BUNDLED, WEIGHTS_FILE
from tests.support.training_support import confident, drawn_images, drawn_mnist
from tests.training.drawings import LETTERS, SAMPLES
from training import console, evaluate
from training.console import UserError
from training.data.mnist import Mnist
from training.evaluation import datasets, metrics, report
from training.evaluation.contestants import Ensemble, contestants, find, measure_cost
from training.evaluation.metrics import Answers
from training.handwriting import strokes
from training.run_folder import load_run
from training.synthesis import photos


@pytest.fixture(scope="module")
def tiny_mnist():
    return drawn_mnist()


def answers(labels, likeliest, scores, rejection_threshold=0.0):
    scores = np.asarray(scores, float)
    answered = scores >= rejection_threshold
    return Answers(np.asarray(labels), confident(likeliest), scores, answered)


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    rng = np.random.default_rng(0)
    high, low = rng.integers(2, 12, 40) / 10, rng.integers(0, 8, 30) / 10
    pairs = [(a > b) + 0.5 * (a == b) for a in high for b in low]
    assert metrics.auroc(high, low) == pytest.approx(np.mean(pairs))


def test_misread_counts_blank_pictures_but_not_rejected_ones():
    found = answers([0, 0, 3, 4], [0, 0, 3, 5], [0.9, 0.0, 0.2, 0.9], rejection_threshold=0.5)
    assert found.misread.tolist() == [False, True, False, True]


def test_rejection_is_measured_where_two_percent_of_digits_are_rejected():
    real = answers([1] * 100, [1] * 100, np.arange(100) / 100)
    non_digits = answers([-1] * 4, [1] * 4, [0.0, 0.01, 0.02, 0.5])
    figures = metrics.rejection(real, {"letters": non_digits})
    assert figures["threshold"] == 0.02
    assert figures["rejected"] == {"letters": 0.5}
    assert figures["auroc_letters"] == pytest.approx((100 * 4 - 0.5 - 1.5 - 2.5 - 50.5) / 400)


def test_rejection_as_served_is_what_the_answers_say():
    real = answers([1] * 4, [1] * 4, [0.1, 0.6, 0.7, 0.8], rejection_threshold=0.5)
    non_digits = answers([-1] * 4, [1] * 4, [0.1, 0.2, 0.3, 0.9], rejection_threshold=0.5)
    figures = metrics.rejection(real, {"dots": non_digits})
    assert figures["digits_rejected_as_served"] == 0.25
    assert figures["rejected_as_served"] == {"dots": 0.75}
    assert "auroc_letters" not in figures


def test_corruption_errors_are_averaged_over_the_kinds():
    found = {
        "fog": answers([1, 2], [1, 3], [1, 1]),
        "shear": answers([1, 2, 3, 4], [1, 2, 3, 4], [1] * 4),
    }
    figures = metrics.corruption_figures(found)
    assert figures["kinds"]["fog"] == {"errors": 1, "count": 2}
    assert figures["mean_error"] == 0.25


def test_a_set_holds_both_ways_to_see_a_picture(recognizer):
    pad = strokes.sketch(strokes.fit(SAMPLES[0].strokes), np.random.default_rng(0))
    blank = np.full((50, 50, 3), 200, np.uint8)
    made = datasets.prepare("x", [7, -1], [pad, blank], recognizer.look)
    assert np.array_equal(made.prepared[0], recognizer.predict(pad).image)
    assert [len(group) for group in made.candidates] == [1, 0]
    assert made.prepared[1].max() == 0
    assert made.resized[1] == pytest.approx(1 - 200 / 255, abs=0.01)


def test_a_plain_resize_shrinks_and_inverts_the_whole_picture():
    picture = np.full((280, 280), 255, np.uint8)
    picture[140:150, 20:30] = 0
    image = datasets.plain_resize(picture)
    assert image[14, 2] == 1
    assert image.sum() == 1


def test_mnist_images_are_resized_to_themselves(tiny_mnist, recognizer):
    made = datasets.mnist_test(datasets.Material(tiny_mnist, [], [], 4, recognizer.look))
    assert np.array_equal(made.resized * 255, tiny_mnist.test_images[:4])
    assert made.labels.tolist() == [0, 1, 2, 3]


def test_answers_are_those_that_a_visitor_gets(recognizer):
    rng = np.random.default_rng(0)
    pads = [strokes.sketch(sample.strokes, rng) for sample in SAMPLES]
    pads.append(np.full((300, 300), 255, np.uint8))
    rng = np.random.default_rng(1)
    sheets = [photos.photograph([SAMPLES[i % 3].strokes], rng, on_desk=True) for i in range(3)]
    pictures = [*pads, *(sheet.picture for sheet in sheets)]
    made = datasets.prepare("x", [7, 1, 0, -1, 7, 1, 0], pictures, recognizer.look)
    assert list(map(len, made.candidates)) == [1, 1, 1, 0, 0, 0, 0]
    found = metrics.answer(recognizer, made, resized=False)
    for index, picture in enumerate(pictures):
        prediction = recognizer.predict(picture)
        assert found.confidences[index] == pytest.approx(prediction.confidences, abs=1e-5)
        assert found.scores[index] == pytest.approx(prediction.score, abs=1e-5)
        assert found.answered[index] == (prediction.digit is not None)


def test_the_table_counts_errors_itself(tiny_mnist, tmp_path):
    folder = shutil.copytree(BUNDLED, tmp_path / "run")
    metrics = json.loads((folder / "metrics.json").read_text())
    claim = {"errors": 9999, "count": 10000, "top1_accuracy": 0.0001}
    lie = metrics | {"mnist_test": claim, "seed": 5, "epochs": 8, "seconds": 61.4}
    (folder / "metrics.json").write_text(json.dumps(lie))
    header, row = evaluate.short_table([folder], tiny_mnist)
    cells = dict(zip(header, row, strict=True))
    assert int(cells["test errors of 10"]) <= 1
    assert (cells["epochs"], cells["seconds"], cells["seed"]) == ("8", "61", "5")
    assert int(cells["parameters"].replace(",", "")) > 10_000


def test_wrong_labels_are_counted_as_errors(recognizer, tiny_mnist):
    shifted = (tiny_mnist.test_labels + 1) % 10
    wrong = Mnist(tiny_mnist.train_images, shifted, tiny_mnist.test_images, shifted)
    assert evaluate.count_errors(recognizer, wrong) >= 9


def test_columns_are_aligned():
    text = console.render([["network", "errors"], ["a", "7"], ["longer name", "1,234"]])
    assert text.splitlines() == [
        "network      errors",
        "a                 7",
        "longer name   1,234",
    ]


def test_markdown_has_a_header_and_a_line_for_each_row():
    text = console.markdown([["", "errors"], ["a", "7"]])
    assert text.splitlines() == ["|  | errors |", "|---|---:|", "| a | 7 |"]


def results_row(*measured, **more):
    """Return the cells of the results table, by column, of a network with these figures."""
    row = {"name": "conv3", "preprocessing": "plain resize", "seeds": [*range(len(measured))]}
    row |= {"measured": measured} | more
    row["mean"], row["deviation"] = metrics.spread(measured)
    row["mean"] |= {"corruptions": {"mean_error": 0.125}, "rejection": {"rejected": {}}}
    header, cells = report.results_table([row])
    return dict(zip(header, cells, strict=True))


def test_several_seeds_are_shown_with_their_deviation():
    figures = [{"errors": errors, "count": 10000, "ece": 0.003} for errors in (80, 90)]
    cells = results_row(*({"mnist_test": each, "corruptions": {}} for each in figures))
    assert cells["MNIST test"] == "0.85 % (85.0 ± 7.1 of 10,000)"
    assert cells["corrupted MNIST"] == "12.50 %"
    assert cells["drawn digits"] == cells["numbers, canvas"] == cells["letters accepted"] == "-"


@pytest.mark.parametrize(("more", "name"), [({}, ""), ({"kept": True}, " *")])
def test_rows_of_an_earlier_evaluation_are_marked(more, name):
    cells = results_row({"mnist_test": {"errors": 80, "count": 10000}, "corruptions": {}}, **more)
    assert cells["misread"] == f"conv3, plain resize{name}"


def test_rejected_digits_are_shown_beside_the_misread():
    cells = results_row({"photos": {"errors": 3, "count": 200, "errors_or_rejected": 10}})
    assert cells["photos"] == "1.50 % (3 of 200; 7 rejected)"


def test_runs_are_found_by_network_and_by_folder_and_bundled_ones_where_there_are_none(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert find([]) == [BUNDLED]
    for name in ("dense128-0", "dense128-1", "dense128-onehot-0"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "metrics.json").write_text("{}")
    (tmp_path / "runs" / "dense128-2" / "checkpoint").mkdir(parents=True)
    assert [p.name for p in find(["dense128"])] == ["dense128-0", "dense128-1"]
    assert [p.name for p in find(["dense128-onehot"])] == ["dense128-onehot-0"]
    assert len(find([])) == 3
    assert find(["runs/dense128-0"])[0].name == "dense128-0"


@pytest.mark.parametrize(
    ("target", "line"),
    [("conv3", "no finished run of conv3"), ("conv9", "neither a run folder nor a network")],
)
def test_what_cannot_be_measured_gets_one_clear_line(target, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=line):
        find([target])


def test_a_folder_without_weights_gets_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="cannot be used"):
        load_run(tmp_path)


def test_everything_is_measured_written_and_drawn(tiny_mnist, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    samples = {"digits": SAMPLES * 2, "letters": LETTERS * 2}
    monkeypatch.setattr(strokes, "load", lambda _folder, name: samples[name])
    figures = {"parameters": 93322, "megabytes": 0.4, "milliseconds": 3.0}
    monkeypatch.setattr(evaluate, "measure_cost", lambda *_: figures)
    run = shutil.copytree(BUNDLED, tmp_path / "runs" / "again-1")
    options = {"drawn": tmp_path, "out": tmp_path, "limit": 2, "made": 2, "keep": False}
    arguments = argparse.Namespace(targets=[str(run)], served=BUNDLED, **options)
    evaluate.measure_all(arguments, tiny_mnist)
    results = json.loads((tmp_path / "results.json").read_text())
    assert [row["preprocessing"] for row in results["rows"]] == ["plain resize", "this project"] * 7
    assert [row["name"] for row in results["rows"][::2]] == ["served", "conv7", *DEMOS]
    ours = results["rows"][1]["mean"]
    assert ours["mnist_test"]["count"] == 2
    assert len(ours["corruptions"]["kinds"]) == 15
    assert set(ours["rejection"]["rejected"]) == set(metrics.NON_DIGITS)
    assert ours["numbers"]["canvas"]["count"] == ours["numbers"]["paper"]["count"] == 2
    assert results["rows"][1]["mean"]["drawn"] == results["rows"][3]["mean"]["drawn"]
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names >= {"rejection.png", "misread-drawn.png", "reliability-drawn.png"}
    assert "corrupted MNIST" in capsys.readouterr().out


def test_runs_of_one_network_answer_together_besides(tmp_path, recognizer):
    folders = [shutil.copytree(BUNDLED, tmp_path / name) for name in ("a", "b")]
    measured = contestants(BUNDLED, folders)
    names = [(one.name, one.preprocessing) for one in measured if one.name not in DEMOS]
    network = recognizer.weights.config.network
    singles = [(network, "plain resize"), (network, "this project")] * 2
    assert names[2:] == [*singles, (f"{network} x 2", "this project")]


def test_bundled_demos_are_measured_where_their_network_has_no_run(tmp_path):
    run = shutil.copytree(BUNDLED, tmp_path / "conv3-0")
    shutil.copy(FOLDER / "conv3.safetensors", run / WEIGHTS_FILE)
    digest = hashlib.sha256((run / WEIGHTS_FILE).read_bytes()).hexdigest()
    config = json.loads((run / "config.json").read_text())
    changed = config | {"network": "conv3", "sha256": digest, "rejection_threshold": 0.0}
    (run / "config.json").write_text(json.dumps(changed))
    bundled, beside_a_run = contestants(BUNDLED, []), contestants(BUNDLED, [run])
    assert [one.name for one in bundled[::2]] == ["served", *DEMOS]
    assert sorted(one.name for one in beside_a_run[::2]) == sorted(["served", *DEMOS])
    assert {one.file.parent for one in beside_a_run if one.name == "conv3"} == {run}
    images = drawn_images((0,))
    for one in bundled[2::2]:
        read = one.recognizer.predict_images(images).argmax(axis=1)
        assert (read == np.arange(10)).mean() >= 0.9, one.name


def test_an_ensemble_answers_with_the_mean(recognizer):
    config = dataclasses.replace(recognizer.weights.config, temperature=0.5)
    surer = Recognizer(dataclasses.replace(recognizer.weights, config=config))
    images = drawn_images((0,))[[3, 8]]
    alone = [one.predict_images(images) for one in (recognizer, surer)]
    assert not np.allclose(*alone)
    together = Ensemble([recognizer, surer]).predict_images(images)
    assert np.allclose(together, (alone[0] + alone[1]) / 2)


def test_an_ensemble_reads_numbers_by_its_mean(recognizer, monkeypatch):
    together = Ensemble([recognizer, recognizer])
    ink = draw(parse_strokes(number_example("1984", 0)), PAD_WIDTHS["number"])
    assert together.read_ink(ink).number == "1984"
    nothing = np.eye(11, dtype=np.float32)[[10]]
    monkeypatch.setattr(recognizer, "predict_images", lambda images: nothing.repeat(len(images), 0))
    assert together.read_ink(ink).number == ""


def test_rows_that_are_not_measured_again_can_be_kept():
    served = {"name": "served", "preprocessing": "this project", "mean": 2}
    other = {"name": "conv3", "preprocessing": "this project", "mean": 3}
    resized = {"name": "served", "preprocessing": "plain resize", "mean": 4}
    kept = evaluate.rows_besides([served], [{**served, "mean": 1}, other, resized])
    assert kept == [{**other, "kept": True}, {**resized, "kept": True}]


def test_the_cost_is_measured_on_real_weights(recognizer):
    figures = measure_cost(recognizer, BUNDLED / WEIGHTS_FILE)
    assert figures["megabytes"] == pytest.approx((BUNDLED / WEIGHTS_FILE).stat().st_size / 1e6)
    assert 0.05 < figures["milliseconds"] < 1000
    assert figures["parameters"] > 10_000

"""A sweep: runs of several networks and seeds, compared."""

import dataclasses
import json

import pytest

from tests.support import workflow_runner
from tests.support.training_support import small_mnist, write_handwritten_mnist
from tests.support.workflow_runner import Runner
from training.console import UserError
from training.evaluation import sweep
from training.recipes import RECIPES
from training.train import Job, configuration

MNIST = small_mnist(10, 10)


def write_run(folder, errors, test_errors=None, seed=0, epochs=1):
    """Write the files of a finished run that a sweep compares, with `errors` of 1,000."""
    recipe = dataclasses.replace(RECIPES["fnn"], epochs=epochs)
    metrics = {
        "validation": {"errors": errors, "count": 1000},
        "mnist_test": {"errors": test_errors or errors + 1, "count": 1000},
        "seconds": 10.0 * errors,
    }
    folder.mkdir(parents=True)
    configured = configuration(Job(recipe=recipe, seed=seed), MNIST)
    (folder / "recipe.json").write_text(json.dumps(configured))
    (folder / "metrics.json").write_text(json.dumps(metrics))


@pytest.mark.nightly
def test_every_combination_trains_by_itself_and_leaves_a_run_to_compare(tmp_path):
    sha256 = write_handwritten_mnist(tmp_path / "mnist", count=400)
    digits = {"MNIST_DIR": str(tmp_path / "mnist"), "MNIST_SHA256": sha256}
    runner = Runner("sweep.yml", tmp_path, variables=digits)
    outcome = runner.run_job("train", matrix={"network": "fnn", "epochs": 1, "seed": 0})
    assert outcome.status == "success", outcome.log
    [setting] = sweep.settings(sweep.find_runs([runner.artifact("run-fnn-1-0")]))
    assert setting.name == "--network fnn --epochs 1"


def test_a_sweep_trains_every_combination_and_compares_all_that_trained(tmp_path):
    workflow = workflow_runner.load("sweep.yml")
    strategy = workflow["jobs"]["train"]["strategy"]
    inputs = workflow["on"]["workflow_dispatch"]["inputs"]
    assert strategy["fail-fast"] is False
    assert strategy["matrix"] == {
        "network": "${{ fromJSON(inputs.networks) }}",
        "epochs": "${{ fromJSON(inputs.epochs) }}",
        "seed": "${{ fromJSON(inputs.seeds) }}",
    }
    assert all(json.loads(asked["default"]) for asked in inputs.values())
    runner = Runner("sweep.yml", tmp_path)
    for seed in range(2):
        write_run(runner.artifact(f"run-fnn-1-{seed}"), 10, seed=seed)
    outcome = runner.run_job("compare")
    assert outcome.status == "success", outcome.log
    header, _, row = outcome.summary.splitlines()
    assert header == "| " + " | ".join(sweep.tabulate([])[0]) + " |"
    assert row.startswith("| `--network fnn --epochs 1` | 2 | ")
    assert "± 0.00" in row


def test_runs_that_differ_only_in_their_seed_are_one_setting(tmp_path):
    write_run(tmp_path / "a", 10, seed=1)
    write_run(tmp_path / "b", 30, seed=2)
    write_run(tmp_path / "c", 15, epochs=9)
    compared = sweep.settings(sweep.find_runs([tmp_path]))
    assert [row[1:] for row in sweep.tabulate(compared)[1:]] == [
        ["1", "1.50", "1.60", "150"],
        ["2", "2.00 ± 1.41", "2.10 ± 1.41", "200"],
    ]


def test_validation_chooses_and_not_the_test_set(tmp_path):
    write_run(tmp_path / "a", 10, test_errors=900, epochs=2)
    write_run(tmp_path / "b", 20, epochs=3)
    best, _ = sweep.settings(sweep.find_runs([tmp_path]))
    assert best.validation_error == 0.01


def test_without_a_finished_run_it_says_what_was_expected(tmp_path):
    with pytest.raises(UserError, match=r"no finished run in .*: expected run folders"):
        sweep.find_runs([tmp_path])
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(UserError, match=r"is no run of python -m training\.train: recipe\.json"):
        sweep.settings(sweep.find_runs([tmp_path]))

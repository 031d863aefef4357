"""The gate does its own measurements, passes good weights, and names what others lack."""

import argparse
import dataclasses
import json

import numpy as np
import pytest
from scipy.stats import binomtest

from digits import weights
from digits.drawing import as_picture, draw, parse_strokes
from digits.examples import digit_example
from digits.networks import DEFAULT_NETWORK
from digits.weights import CONFIG_FILE, METRICS_FILE
from tests.support.finished_run import change_config
from tests.support.hub import Failure
from tests.support.training_support import confident, small_mnist
from training import calibrate, gate, publish, push
from training.console import UserError
from training.evaluation import datasets, significance
from training.evaluation.metrics import Answers
from training.release import gate_pictures, gate_result, published
from training.release.gate_result import Number, as_markdown, as_text
from training.run_folder import load_run

REPO = "someone/digits"
COUNT = 400
BUNDLED = json.loads((weights.BUNDLED / METRICS_FILE).read_text("utf-8"))
BUNDLED_ERRORS = BUNDLED["mnist_test"]["errors"]


def answers(wrong=(), rejected=(), accepted=(), confidence=0.99):
    """Answers to `COUNT` digits and as many pictures of something else, by index."""
    labels = np.arange(COUNT) % 10
    digits = labels.copy()
    digits[list(wrong)] += 1
    confidences = confident(digits % 10, confidence)
    answered = ~np.isin(np.arange(COUNT), list(rejected))
    scores = np.where(answered, confidence, 0.1)
    real = Answers(labels, confidences, scores, answered)
    accepted = np.isin(np.arange(COUNT), list(accepted))
    other = Answers(np.full(COUNT, -1), confidences, scores, accepted)
    return {"mnist_test": real, "drawn": real, "letters": other, "outliers": other, "pages": real}


def reasons(found, before=None, **limits):
    limits = dict.fromkeys(gate.TITLES, 1.0) | limits
    return [text for n in gate.compare(found, before, limits) for text in n.shortfalls()]


def tail(wins, losses):
    """Probability that a fair coin gives at least this many wins."""
    return binomtest(wins, wins + losses, alternative="greater").pvalue if wins + losses else 1


@pytest.mark.parametrize("differing", [0, 1, 6, 7, 20, 100, 1001])
def test_the_excess_by_chance_is_the_largest_that_the_coin_explains(differing):
    assert significance.CHANCE == 0.01
    wrong = np.zeros(2000, bool)
    before = wrong.copy()
    before[:differing] = True
    allowed = significance.excess_by_chance(wrong, before)
    heads = (differing + allowed) // 2
    assert tail(heads, differing - heads) >= significance.CHANCE
    if heads < differing:
        assert tail(heads + 1, differing - heads - 1) < significance.CHANCE


def test_the_calibration_error_of_equally_good_weights_stays_in_its_noise():
    random = np.random.default_rng(0)
    confidences = np.zeros((2000, 10))
    confidences[:, 0] = random.uniform(0.6, 1, 2000)
    confidences[:, 1] = 1 - confidences[:, 0]
    outside = 0
    for _ in range(300):
        labels = (random.random((2, 2000)) > confidences[:, 0]).astype(int)
        one, other = (calibrate.reliability(confidences, each) for each in labels)
        outside += one.ece - other.ece > significance.calibration_by_chance(one, other)
    assert outside <= 6


def test_weights_as_good_as_the_published_ones_pass():
    found = answers(wrong=range(5), rejected=[7], accepted=[1, 2])
    assert reasons(found, found) == []


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("mnist_test", {"wrong": range(60)}),
        ("rejected", {"rejected": range(60)}),
        ("drawn", {"rejected": range(60)}),
        ("letters", {"accepted": range(60)}),
        ("outliers", {"accepted": range(60)}),
        ("pages", {"rejected": range(60)}),
    ],
)
def test_worse_weights_are_refused_with_how_much_worse_they_are(key, change):
    found = reasons(answers(**change), answers())
    [text] = [text for text in found if gate.TITLES[key] in text]
    allowed = significance.excess_by_chance(np.arange(COUNT) < 60, np.zeros(COUNT, bool))
    assert text.startswith(f"{gate.TITLES[key]}: 15.00 % (60 of 400), 60 more than the published")
    assert text.endswith(f"chance explains {allowed}")


def test_overconfident_weights_are_refused():
    [text] = reasons(answers(range(40), confidence=0.99), answers(range(40), confidence=0.9))
    assert text.startswith("calibration error on them: 9.00 %, 9.00 points more than the published")


@pytest.mark.parametrize("key", gate.TITLES)
def test_each_number_has_a_limit_of_its_own(key):
    found = answers(wrong=range(20), rejected=range(20, 40), accepted=range(20))
    assert reasons(found) == []
    [text] = reasons(found, **{key: 0.01})
    assert text.startswith(f"{gate.TITLES[key]}: ")
    assert "points over the limit of 1.00 %" in text


def test_a_number_at_its_limit_passes():
    assert Number("drawn", 12, 400, 0.03).shortfalls() == []
    [text] = Number("drawn", 13, 400, 0.03).shortfalls()
    said = "3.25 % (13 of 400), 0.25 points over the limit of 3.00 %"
    assert text == f"{gate.TITLES['drawn']}: {said}"


def test_the_report_holds_every_number_as_text_and_as_markdown():
    numbers = gate.compare(answers(range(60)), answers(), dict.fromkeys(gate.TITLES, 0.1))
    lines = as_text(numbers).splitlines()
    assert len(lines) == 1 + len(gate.TITLES)
    assert lines[1].split("  ")[-1] == "too many"
    text = as_markdown(numbers, "served", "someone/digits at main")
    assert text.startswith("## Gate: failed\n")
    assert "someone/digits at main" in text
    assert all(f"| {title} |" in text for title in gate.TITLES.values())
    passed = as_markdown(gate.compare(answers(), None, dict.fromkeys(gate.TITLES, 1)), "x", "y")
    assert passed.startswith("## Gate: passed\n")
    assert "Compared with: y. Limits: `x`." in passed


def test_every_profile_limits_every_number():
    for profile in gate.PROFILES.values():
        assert profile.limits.keys() == gate.TITLES.keys()
        assert all(0 < limit <= 1 for limit in profile.limits.values())


@pytest.fixture(scope="module")
def pictures(recognizer):
    return gate_pictures.picture_sets(small_mnist(), 40, recognizer.look)


def test_the_pictures_are_always_the_same_and_show_what_their_name_says(pictures, recognizer):
    again = gate_pictures.picture_sets(small_mnist(), 40, recognizer.look)
    for name, shown in pictures.items():
        np.testing.assert_array_equal(shown.prepared, again[name].prepared)
        np.testing.assert_array_equal(shown.labels, again[name].labels)
    counts = {"mnist_test": 100, "drawn": 40, "letters": 20, "outliers": 20, "pages": 10}
    assert {name: len(shown.labels) for name, shown in pictures.items()} == counts
    assert set(pictures["drawn"].labels) == set(range(10))
    assert all(pictures["drawn"].candidates)
    assert set(pictures["letters"].labels) == set(pictures["outliers"].labels) == {-1}


def test_no_picture_is_one_that_the_self_test_reads(pictures, recognizer):
    shown = {image.tobytes() for image in pictures["drawn"].prepared}
    assert len(shown) == 40
    own = [as_picture(draw(parse_strokes(digit_example(digit)))) for digit in range(10)]
    prepared = datasets.prepare("own", range(10), own, recognizer.look).prepared
    assert not shown & {image.tobytes() for image in prepared}


def files_of(run):
    return {name: (run / name).read_bytes() for name in weights.FILES}


def find(tmp_path, repo=REPO):
    return published.find(repo, tmp_path / "cache")


def test_published_weights_are_downloaded_at_the_newest_commit(server, run, tmp_path):
    missing = find(tmp_path, "someone/typo")
    assert (missing.commit, missing.weights) == (None, None)
    assert "no repository someone/typo" in missing.line
    empty = find(tmp_path)
    assert (empty.commit, empty.weights) == (server.head(REPO), None)
    assert "holds no weights yet" in empty.line
    commit = server.push(REPO, files_of(run))
    found = find(tmp_path)
    assert found.commit == found.weights.origin.commit == commit
    assert found.line.startswith(f"{REPO} at main, commit {commit[:7]}: ")
    assert f"({BUNDLED_ERRORS} of 10,000 wrong)" in found.line


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda hub: hub.fail(Failure("status", path="/api/models")),
            r"answers with an error \(500\)",
        ),
        (lambda hub: hub.fail(Failure("status", path="/resolve/", status=403)), "does not allow"),
        (lambda hub: hub.push(REPO, {CONFIG_FILE: b"{}"}), "nothing can be compared with it"),
    ],
)
def test_what_cannot_be_compared_with_keeps_the_gate_shut(server, run, tmp_path, spoil, words):
    server.push(REPO, files_of(run))
    spoil(server)
    with pytest.raises(UserError, match=words):
        find(tmp_path)


@pytest.mark.parametrize(
    ("repo", "words"),
    [
        (REPO, f"({BUNDLED_ERRORS} of 10,000 wrong)"),
        ("", "set the variable MODEL_REPO"),
        ("digits", "OWNER/NAME"),
        ("someone/typo", "check the name, or make it on the Hub first"),
    ],
)
def test_the_command_says_what_is_published_or_that_nothing_could_be(
    server, run, command, repo, words
):
    server.push(REPO, files_of(run))
    status, out = command(published, "--repo", repo)
    assert words in (out if repo == REPO else status)
    assert (status == 0) == (repo == REPO)


@pytest.fixture
def few(monkeypatch):
    """Test digits of which the bundled weights misread half: patches of ink."""
    mnist = small_mnist()
    monkeypatch.setattr(gate, "load_mnist", lambda _: mnist)
    return mnist


def measured(run, mnist, boast=0):
    """Make a run's metrics match these test digits, but claim `boast` fewer errors."""
    test = gate.answer_all(load_run(run), {"t": datasets.mnist_as_it_is(mnist)})["t"]
    path = run / METRICS_FILE
    metrics = json.loads(path.read_text())
    errors, count = int(test.misread.sum()) - boast, len(test.labels)
    metrics["mnist_test"] |= {"errors": errors, "count": count, "top1_accuracy": 1 - errors / count}
    path.write_text(json.dumps(metrics))
    return errors


@pytest.fixture
def trial(monkeypatch):
    """Make `--profile trial` use few pictures and pass everything."""
    limits = dict.fromkeys(gate.TITLES, 1.0)
    monkeypatch.setitem(gate.PROFILES, "trial", gate.Profile(20, limits))


@pytest.mark.usefixtures("trial")
def test_a_passed_gate_hands_on_commit_hashes_and_numbers(server, run, few, command):
    errors = measured(run, few)
    compared = server.push(REPO, files_of(run))
    summary = run.with_name("summary.md")
    options = ["--repo", REPO, "--profile", "trial", "--summary", summary]
    status, out = command(gate, run, *options)
    assert status == 0
    assert "the gate passed" in out
    assert summary.read_text().startswith("## Gate: passed")
    passed = gate_result.read(run, REPO)
    assert passed.parent == compared
    assert passed.files == gate_result.hashes(run)
    test = passed.measured["mnist_test"]
    assert (test["value"], test["count"]) == (errors / 100, 100)
    assert test["published"] == test["value"]


def test_a_failed_gate_takes_an_old_result_back(run, few, command, monkeypatch):
    measured(run, few)
    monkeypatch.setitem(
        gate.PROFILES, "served", dataclasses.replace(gate.PROFILES["served"], pictures=20)
    )
    (run / gate_result.GATE_FILE).write_text("{}")
    status, out = command(gate, run)
    assert status.startswith("error: the gate failed: MNIST test digits misread: ")
    assert "points over the limit of 0.80 %" in status
    assert "compared with: nothing, because no repository is named" in out
    assert not (run / gate_result.GATE_FILE).exists()


@pytest.mark.usefixtures("trial")
def test_a_run_that_boasts_or_that_the_app_would_refuse_does_not_pass(run, few, command):
    errors = measured(run, few, boast=20)
    status, _ = command(gate, run, "--profile", "trial")
    assert f"metrics.json says that {errors} of 100 test digits are misread, but" in status
    change_config(run, sha256="0" * 64)
    status, _ = command(gate, run, "--profile", "trial")
    assert "the gate failed: the app would reject" in status
    assert not (run / gate_result.GATE_FILE).exists()


def passed(run, **changes):
    found = gate_result.GateResult(REPO, "0" * 40, gate_result.hashes(run), "served", {})
    text = json.dumps(dataclasses.asdict(dataclasses.replace(found, **changes)))
    (run / gate_result.GATE_FILE).write_text(text)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda _: None, "the gate has not passed"),
        (lambda run: (run / gate_result.GATE_FILE).write_text("{"), "is damaged"),
        (lambda run: (run / gate_result.GATE_FILE).write_text("[]"), "is damaged"),
        (lambda run: passed(run, repo="other/repo"), "with other/repo, not with someone/digits"),
        (lambda run: passed(run, files={}), "holds other files than the gate passed"),
    ],
)
def test_a_result_that_is_not_for_this_run_passes_nothing(server, run, command, spoil, words):
    spoil(run)
    status, _ = command(publish, run, "--repo", REPO, "--gated")
    assert words in status
    assert "python -m training.gate" in status
    assert server.requests == []


def test_what_the_gate_compared_with_must_still_be_the_newest_commit(server, run, command):
    passed(run, parent=server.head(REPO))
    newer = server.push(REPO, {"other.txt": b"x"})
    status, _ = command(publish, run, "--repo", REPO, "--gated")
    assert "newer commit from somebody else" in status
    assert server.head(REPO) == newer


def pushed(run, profile):
    """Push a trained run as `--push-to-hub` does."""
    parser = argparse.ArgumentParser()
    push.add_arguments(parser)
    words = ["--push-to-hub", REPO, "--tag", "v1.0.0", "--gate-profile", profile]
    arguments = parser.parse_args(words, argparse.Namespace(data=None))
    push.check(arguments)
    push.push(run, arguments)


@pytest.mark.usefixtures("new_exports", "trial")
@pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")
def test_a_training_pushes_what_passes_the_gate(server, run, few, monkeypatch):
    measured(run, few)
    monkeypatch.setenv("HF_TOKEN", server.token)
    pushed(run, "trial")
    [commit] = server.repos[REPO].tags.values()
    assert server.files(REPO, commit)[CONFIG_FILE] == (run / CONFIG_FILE).read_bytes()


def test_a_training_that_fails_the_gate_publishes_nothing_and_names_the_metric(
    server, run, few, monkeypatch
):
    measured(run, few)
    monkeypatch.setenv("HF_TOKEN", server.token)
    monkeypatch.setitem(gate.PROFILES, "trial", gate.Profile(20, dict.fromkeys(gate.TITLES, 0.0)))
    with server.unchanged(), pytest.raises(UserError, match="MNIST test digits misread"):
        pushed(run, "trial")


@pytest.mark.usefixtures("server")
def test_a_training_that_could_not_be_pushed_ends_before_it_begins():
    with pytest.raises(UserError, match="OWNER/NAME"):
        push.check(argparse.Namespace(push_to_hub="digits", tag=None))
    with pytest.raises(UserError, match="token"):
        push.check(argparse.Namespace(push_to_hub=REPO, tag=None))
    push.check(argparse.Namespace(push_to_hub=None))


@pytest.mark.nightly
def test_the_bundled_weights_pass_the_limits_for_served_weights(run, mnist, monkeypatch, command):
    monkeypatch.setattr(gate, "load_mnist", lambda _: mnist)
    profile = dataclasses.replace(gate.PROFILES["served"], pictures=400)
    monkeypatch.setitem(gate.PROFILES, "served", profile)
    status, out = command(gate, run)
    assert status == 0, out
    assert f"({BUNDLED_ERRORS} of 10,000)" in out
    assert gate.DEFAULT_PROFILE == "served"
    assert json.loads((run / CONFIG_FILE).read_text())["network"] == DEFAULT_NETWORK

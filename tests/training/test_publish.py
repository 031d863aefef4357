"""Publishing a run: one commit, a tag, and a one-line message for every failure."""

import datetime as dt
import hashlib
import json
import re
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from huggingface_hub import HfApi, ModelCard, constants

import digits
from digits import hub, weights
from digits.recognizer import Recognizer
from digits.weights import CONFIG_FILE, METRICS_FILE, WEIGHTS_FILE
from tests.conftest import ROOT
from tests.support import pen
from tests.support.commands import done
from tests.support.finished_run import change_config
from tests.support.hub import READER_TOKEN, Failure
from tests.support.nightly import mostly_nightly
from tests.support.training_support import other_bytes, write_weights
from tests.training.conftest import refusal
from training import publish
from training.console import UserError
from training.export import exports
from training.export.endpoint import endpoint_files
from training.release import gate_result, hub_client, model_card

# The client uses an upload API that its HTTP library has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")

REPO = "someone/digits"


@pytest.fixture
def run(finished_run, tmp_path):
    """A copy of the run; may be modified."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def exported(run):
    return [path for path in (run / "exports").rglob("*") if path.is_file()]


def release(server, run, repo=REPO, **options):
    return publish.publish(HfApi(server.url, token=server.token), run, repo, **options)


def test_release_is_one_commit_with_all_files_and_a_tag(server, run):
    before = server.head(REPO)
    made = release(server, run, tag="v1.0.0")
    assert (made.is_new, made.tag_is_new) == (True, True)
    repo = server.repos[REPO]
    assert repo.commits[made.commit].parent == before
    assert len(repo.commits) == 2
    assert repo.branches == {"main": made.commit}
    assert repo.tags == {"v1.0.0": made.commit}
    assert repo.messages["v1.0.0"] == publish.release_notes("v1.0.0")
    files = server.files(REPO)
    made = {"README.md", *endpoint_files()}
    expected = {*weights.FILES, *made, "recipe.json", "history.csv", "misread.png"}
    expected |= {path.relative_to(run).as_posix() for path in exported(run)}
    assert set(files) == expected | {".gitattributes"}
    for name in expected - made:
        assert files[name] == (run / name).read_bytes()


def test_publishing_again_sends_nothing_but_a_new_tag_and_says_so(server, run):
    made = release(server, run)
    tagged = release(server, run, tag="v1")
    assert (tagged.commit, tagged.is_new, tagged.tag_is_new) == (made.commit, False, True)
    assert server.repos[REPO].tags == {"v1": made.commit}
    with server.unchanged():
        server.requests.clear()
        again = release(server, run, tag="v1")
    assert (again.commit, again.is_new, again.tag_is_new) == (made.commit, False, False)
    assert not server.asked("^PUT|/commit/|/tag/|preupload")
    assert publish.describe(again, REPO).startswith("nothing new: ")
    assert made.commit in publish.describe(again, REPO)


def test_the_changelog_has_an_entry_for_this_version():
    entry = re.search(r"^## (\S+) - (\S+)$", publish.CHANGELOG.read_text("utf-8"), re.MULTILINE)
    assert entry is not None
    assert entry[1] == digits.__version__
    dt.date.fromisoformat(entry[2])
    notes = publish.release_notes(f"v{digits.__version__}")
    assert notes is not None
    assert len(notes.splitlines()) <= 40
    assert "##" not in notes
    assert publish.release_notes("train-7") is None


@pytest.mark.parametrize(
    "happens",
    [
        lambda run, _server: change_config(run, temperature=1.5),
        lambda _run, server: server.push(REPO, {"notes.txt": b"of somebody else"}),
    ],
)
def test_tag_of_another_commit_is_never_moved_and_nothing_is_published(server, run, happens):
    release(server, run, tag="v1")
    happens(run, server)
    with server.unchanged():
        assert "choose another tag" in refusal(release, server, run, tag="v1")


def test_moved_parent_is_refused_and_reported(server, run):
    def overtake():
        server.push(REPO, {"other.txt": b"x"})

    server.fail(Failure(None, path="/commit/main", times=1, before=overtake))
    text = refusal(release, server, run, tag="v1")
    assert "newer commit from somebody else" in text
    assert "nothing was published" in text
    assert WEIGHTS_FILE not in server.files(REPO)
    assert server.repos[REPO].tags == {}
    server.heal()
    assert release(server, run, tag="v1").is_new


def test_what_a_gate_found_must_still_be_so(server, run, monkeypatch):
    compared = server.head(REPO)
    server.push(REPO, {"other.txt": b"x"})
    with server.unchanged(), monkeypatch.context() as patch:
        # It fails before the exports.
        shutil.move(run / "exports", run.parent)
        patch.setattr(exports, "write_format", pytest.fail)
        assert "newer commit" in refusal(release, server, run, parent=compared)
        assert "newer commit" in refusal(release, server, run, parent="")  # there was no repository
    shutil.move(run.parent / "exports", run)
    assert release(server, run, parent=server.head(REPO)).is_new
    assert release(server, run, "someone/new", create=True, parent="").is_new


def test_tag_set_meanwhile_is_somebody_elses_or_that_of_a_request_whose_answer_was_lost(
    server, run
):
    def set_meanwhile(commit):
        tags = server.repos[REPO].tags
        server.fail(Failure(None, path="/tag/", times=1, before=lambda: tags.update(v1=commit)))

    other = server.head(REPO)
    set_meanwhile(other)
    assert "somebody else has just set the tag v1" in refusal(release, server, run, tag="v1")
    assert server.repos[REPO].tags == {"v1": other}
    server.repos[REPO].tags.clear()
    made = server.head(REPO)
    set_meanwhile(made)
    assert release(server, run, tag="v1").commit == made


def test_what_comes_back_different_is_not_tagged(server, run):
    server.fail(Failure("corrupt", path=f"resolve/.*/{CONFIG_FILE}", method="GET"))
    text = refusal(release, server, run, tag="v1")
    assert "came back with SHA-256" in text
    assert server.repos[REPO].tags == {}


STEPS = {
    "repository": "/api/models/someone/digits$",
    "refs": "/refs",
    "card check": "/validate-yaml",
    "preupload": "/preupload/",
    "place of the upload": "/objects/batch",
    "upload": "/lfs-put/",
    "check of the upload": "/lfs-verify",
    "commit": "/commit/",
}
"""The requests up to the commit, in order."""


PAIRS = [(step, status) for step in STEPS for status in (401, 402, 403, 404, 429, 500)]


@pytest.mark.parametrize(
    ("step", "status"),
    # Every step with one status, and one step with every status.
    mostly_nightly(PAIRS, *[pair for pair in PAIRS if "commit" in pair or 500 in pair]),
)
def test_refused_request_before_the_commit_leaves_nothing(server, run, step, status):
    with server.unchanged():
        server.fail(Failure("status", path=STEPS[step], status=status))
        assert refusal(release, server, run, tag="v1")
    assert server.asked(STEPS[step])


@pytest.fixture
def impatient(monkeypatch):
    """Limit the Hub's response time to a second."""
    monkeypatch.setattr(hub_client, "REQUEST_SECONDS", 1)
    hub_client.limit_requests()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("step", mostly_nightly(STEPS, "commit"))
def test_hub_that_hangs_is_given_up_and_leaves_nothing(server, run, step):
    with server.unchanged():
        server.fail(Failure("hang", path=STEPS[step]))
        assert "does not answer in time" in refusal(release, server, run, tag="v1")


@pytest.mark.parametrize("step", mostly_nightly(STEPS, "upload", "commit"))
def test_request_that_fails_once_is_no_obstacle_for_the_same_command(server, run, step):
    server.fail(Failure("drop", path=STEPS[step], times=1))
    try:
        release(server, run, tag="v1")  # the client itself retries some requests
    except UserError:
        release(server, run, tag="v1")
    repo = server.repos[REPO]
    assert len(repo.commits) == 2
    assert repo.tags == {"v1": server.head(REPO)}


@pytest.mark.usefixtures("impatient")
def test_answer_may_take_longer_than_the_limit_as_long_as_something_comes(server, run):
    server.fail(Failure("slow", path=STEPS["preupload"], pause_seconds=0.001))
    began = time.monotonic()
    assert release(server, run, tag="v1").tag_is_new
    assert time.monotonic() - began > 1


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("status", "/resolve/"),
        ("status", "/tag/"),
        ("drop", "/tag/"),
        pytest.param("drop", "/resolve/", marks=pytest.mark.nightly),
    ],
)
def test_hub_that_dies_between_commit_and_tag_has_it_whole_or_not_tagged(server, run, kind, path):
    compared = server.head(REPO)
    server.fail(Failure(kind, path=path))
    text = refusal(release, server, run, tag="v1", parent=compared)
    made = server.head(REPO)
    if path == "/tag/":
        assert text.startswith(f"commit {made} is published, but the tag v1 is not set: ")
        assert "run the same command again" in text
    else:
        assert text.startswith(f"published as {made}, ")
    assert set(weights.FILES) <= set(server.files(REPO))
    assert server.repos[REPO].tags == {}
    server.heal()
    again = release(server, run, tag="v1", parent=compared)
    assert (again.commit, again.is_new, again.tag_is_new) == (made, False, True)
    assert server.repos[REPO].tags == {"v1": made}


def test_whole_release_of_somebody_else_between_commit_and_tag_mixes_nothing(server, run):
    others = []

    def overtake():
        others.append(server.push(REPO, {"config.json": b"{}"}))
        server.repos[REPO].tags["v2"] = others[0]

    server.fail(Failure(None, path="/tag/", times=1, before=overtake))
    made = release(server, run, tag="v1")
    repo = server.repos[REPO]
    assert repo.commits[others[0]].parent == made.commit
    assert repo.tags == {"v1": made.commit, "v2": others[0]}
    assert repo.branches == {"main": others[0]}
    assert server.files(REPO, "v1")[CONFIG_FILE] == (run / CONFIG_FILE).read_bytes()


def test_repository_is_made_on_request_only(server, run):
    assert "check the name" in refusal(release, server, run, "someone/digit")
    assert set(server.repos) == {REPO}
    made = release(server, run, "someone/new", create=True)
    assert server.head("someone/new") == made.commit


REPOS = ["digits", "a/b/c", "a b/c", "", "https://huggingface.co/a/b"]
TAGS = ["main", "", "v 1", "../x", "abcdef0123", "-v1", "refs/pr/1"]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"repo": repo}, "OWNER/NAME") for repo in REPOS]
    + [({"tag": tag}, "cannot be a tag") for tag in TAGS],
)
def test_impossible_name_is_refused_without_a_request(server, run, options, words):
    assert words in refusal(release, server, run, **options)
    assert server.requests == []


@pytest.mark.parametrize("name", weights.FILES)
def test_unfinished_run_is_refused_without_a_request(server, run, name):
    (run / name).unlink()
    assert f"lacks {name}" in refusal(release, server, run)
    assert server.requests == []


def forget(run, key):
    metrics = json.loads((run / weights.METRICS_FILE).read_text())
    del metrics[key]
    (run / weights.METRICS_FILE).write_text(json.dumps(metrics))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda run: change_config(run, sha256="0" * 64), "run cannot be published"),
        (lambda run: write_weights(run, "fnn"), "Self-test"),
        (lambda run: forget(run, "validation"), "lacks validation"),
    ],
)
def test_weights_that_are_damaged_or_read_nothing_are_not_published(server, run, spoil, words):
    spoil(run)
    with server.unchanged():
        assert words in refusal(release, server, run)


def test_code_of_the_card_runs(server, run, tmp_path, monkeypatch):
    exports.export(weights.load_folder(run), run / "exports", ["keras"], pytest.fail)
    release(server, run)
    text = server.files(REPO)["README.md"].decode()
    alone, checked = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert "digits import" not in alone
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    pen.save(tmp_path / "seven.png", pen.sheet(7))
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in (alone, checked):
        exec(block, names)  # noqa: S102 - the test is that it runs
    assert names["answer"].digit == 7
    images = np.random.default_rng(0).random((3, 28, 28), np.float32)
    expected = Recognizer(weights.load_folder(run)).predict_images(images)
    computed = names["model"](images[..., None], training=False).numpy()
    np.testing.assert_allclose(computed, expected, rtol=0, atol=1e-5)


def test_card_says_what_the_run_measured_and_how_it_was_made(run):
    found = weights.load_folder(run)
    files = {"misread.png": b"x" * 1_600_000}
    text = model_card.write_card(REPO, found, files, exports=[["format"], ["`digits.onnx`"]])
    assert "| `digits.onnx` |" in text
    assert "All files (1.6 MB)" in text
    assert re.findall(r"\]\((.*?\.png)\)", text) == ["misread.png"]
    metadata = yaml.safe_load(text.split("---")[1])
    kept = [metadata[key] for key in ("library_name", "license", "datasets")]
    assert kept == ["keras", "mit", ["ylecun/mnist"]]
    metrics = found.metrics
    assert metrics["command"] in text
    assert f"{metrics['mnist_test']['errors']} of 10,000" in text
    assert (
        f"took {metrics['seconds'] / 60:.1f} minutes on {metrics['hardware']['cpus']} cores" in text
    )
    results = ModelCard(text).data.eval_results
    values = {(r.dataset_split, r.metric_type): r.metric_value for r in results}
    for part, split in (("mnist_test", "test"), ("validation", "train")):
        measured = metrics[part]
        assert values[split, "accuracy"] == measured["top1_accuracy"]
        assert values[split, "expected_calibration_error"] == measured["ece"]
        assert values[split, "rejection_rate"] == measured["rejected"] / measured["count"]
    assert {result.verified for result in results} == {None}
    for heading in ("Intended use and limits", "Calibration and rejection", "Data and licenses"):
        assert f"## {heading}\n" in text


def test_card_shows_what_the_gate_measured_with_these_files_only(server, run):
    measured = {"letters": {"value": 0.04, "count": 200}}
    passed = {"files": gate_result.hashes(run), "measured": measured}
    (run / gate_result.GATE_FILE).write_text(json.dumps(passed))
    assert [number.value for number in model_card.gate_numbers(run)] == [0.04]
    release(server, run)
    text = server.files(REPO)["README.md"].decode()
    assert "| letters accepted | 4.00% | 200 |" in text
    [number] = [r for r in ModelCard(text).data.eval_results if r.metric_type == "error_rate"]
    assert number.metric_value == 0.04
    change_config(run, temperature=1.5)
    assert model_card.gate_numbers(run) == []


@pytest.mark.usefixtures("new_exports")
def test_second_release_follows_the_first_leaves_its_tag_and_lists_it(server, run, tmp_path):
    first = release(server, run, tag="v1.9.0")
    old = json.loads((run / CONFIG_FILE).read_text())["sha256"]
    wrong = json.loads((run / METRICS_FILE).read_text())["mnist_test"]["errors"]
    repo = server.repos[REPO]
    repo.tags["no-weights"] = next(iter(repo.commits))
    # A new set: other bytes, other hash.
    data = other_bytes((run / WEIGHTS_FILE).read_bytes())
    (run / WEIGHTS_FILE).write_bytes(data)
    new = hashlib.sha256(data).hexdigest()
    change_config(run, sha256=new)
    second = release(server, run, tag="v1.10.0")
    assert repo.commits[second.commit].parent == first.commit
    del repo.tags["no-weights"]
    assert repo.tags == {"v1.9.0": first.commit, "v1.10.0": second.commit}
    assert hub.fetch(REPO, "v1.9.0", cache=tmp_path / "cache").config.sha256 == old
    newest = hub.fetch(REPO, "main", cache=tmp_path / "cache")
    assert (newest.config.sha256, newest.origin.commit) == (new, second.commit)
    text = server.files(REPO)["README.md"].decode()
    link = f"https://huggingface.co/{REPO}/tree/v1.9.0"
    assert f"| [v1.9.0]({link}) | `conv7` | {wrong} of 10,000 | `{old[:12]}` |" in text
    assert "no-weights" not in text
    again = release(server, run, tag="v1.10.0")
    assert (again.commit, again.is_new, again.tag_is_new) == (second.commit, False, False)


def test_published_exports_are_reused(server, run, monkeypatch):
    first = release(server, run, tag="v1")
    before = {path: path.read_bytes() for path in exported(run)}
    shutil.rmtree(run / "exports")
    monkeypatch.setattr(exports, "write_format", pytest.fail)
    again = release(server, run, tag="v1")
    assert (again.commit, again.is_new, again.tag_is_new) == (first.commit, False, False)
    assert {path: path.read_bytes() for path in exported(run)} == before


@pytest.mark.usefixtures("new_exports")
def test_exports_of_other_weights_or_damaged_ones_are_created_again(server, run):
    release(server, run)
    change_config(run, temperature=1.5)
    release(server, run)
    files = server.files(REPO)
    assert b"temperature=1.5" in files["exports/digits.onnx"]
    assert json.loads(files["exports/exports.json"])["temperature"] == "1.5"
    (run / "exports" / "digits.onnx").write_text("damaged")
    server.push(REPO, {"exports/digits.onnx": b"damaged"})
    assert release(server, run).is_new
    assert server.files(REPO)["exports/digits.onnx"] == files["exports/digits.onnx"]


@pytest.mark.usefixtures("new_exports")
@pytest.mark.parametrize(
    "notes",
    [b"no JSON", b"[]", b"{}", {"formats": {"onnx": {"files": {"../../taken": {}}}}}],
)
def test_notes_of_a_stranger_write_nothing_outside(server, run, notes):
    ours = exports.read(run / "exports")
    shutil.rmtree(run / "exports")
    if isinstance(notes, dict):
        notes = json.dumps(ours | notes).encode()
    server.push(REPO, {"exports/exports.json": notes, "taken": b"x"})
    before = set(run.parent.iterdir())
    release(server, run)
    assert set(run.parent.iterdir()) == before
    assert not (run / "taken").exists()
    assert exports.complete(run / "exports", weights.load_folder(run))


def test_command_publishes_once_and_then_says_nothing_new(server, run, command):
    status, out = command(publish, run, "--repo", REPO, "--tag", "v1")
    assert status == 0
    files = len(server.files(REPO)) - 1  # the Hub's own .gitattributes
    assert out.splitlines() == [
        "signing in with HF_TOKEN",
        f"downloaded {files} files of {REPO} at commit {server.head(REPO)}: they are what was sent",
        f"published: {REPO} at commit {server.head(REPO)}; tagged v1",
    ]
    status, out = command(publish, run, "--repo", REPO, "--tag", "v1")
    assert status == 0
    assert "\nnothing new: " in out


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "error (400)"),
        ({"ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}, "id-token: write"),
        ({"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "wrong"}, "does not accept the token"),
    ],
)
def test_failed_trusted_publisher_does_not_fall_back_to_a_token(
    server, run, command, environment, words
):
    with server.unchanged():
        status, _ = command(publish, run, "--repo", REPO, **server.runner(REPO) | environment)
        assert status.startswith("error: signing in as a trusted publisher failed: ")
        assert words in status
        assert not server.asked("/api/models")


@pytest.mark.parametrize(("way", "tried"), [("publisher-or-token", True), ("token", False)])
def test_stored_token_is_taken_where_that_is_configured(server, run, command, way, tried):
    status, out = command(
        publish, run, "--repo", "someone/typo", SIGN_IN=way, **server.runner(REPO)
    )
    assert "no repository someone/typo" in status
    assert ("signing in as a trusted publisher failed: " in out) == tried
    assert "signing in with HF_TOKEN" in out.splitlines()
    assert bool(server.asked("oauth")) == tried


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"HF_TOKEN": ""}, "set HF_TOKEN"),
        ({"HF_TOKEN": "hf_wrong"}, "does not accept the token"),
        ({"HF_TOKEN": READER_TOKEN}, "does not allow"),
        ({"SIGN_IN": "password"}, "set it to publisher, token or publisher-or-token"),
    ],
)
def test_command_ends_with_one_line_and_status_1(server, run, command, environment, words):
    with server.unchanged():
        status, out = command(publish, run, "--repo", REPO, **environment)
        assert "published" not in out
        assert words in status


def test_folder_without_a_run_is_reported_with_how_to_create_one(tmp_path):
    """In a real process, for its exit status and streams."""
    words = ("-m", "training.publish", tmp_path, "--repo", REPO)
    ended = done(sys.executable, *words, cwd=ROOT)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(r"error: .* training\.train\n", ended.stderr)

"""The weights in use, with a Hub that fails in every way."""

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from digits import service, weights
from digits.service import LastGood, NotReadyError, Service, describe, parse_poll_seconds
from digits.weights import CONFIG_FILE, FILES, METRICS_FILE, WEIGHTS_FILE
from tests.support.hub import Failure, refused_url, wait_until
from tests.support.inks import drawing
from tests.support.nightly import mostly_nightly
from tests.support.small_disk import small_disk
from tests.support.training_support import other_bytes, write_weights

REPO = "someone/digits"
COMMIT = "0123456789" * 4
THREE = drawing(3)


def weight_set(temperature=1.0, **config):
    """Return the bundled set with another temperature."""
    files = {name: (weights.BUNDLED / name).read_bytes() for name in FILES}
    changed = json.loads(files[CONFIG_FILE]) | {"temperature": temperature} | config
    return files | {CONFIG_FILE: json.dumps(changed).encode()}


def untrained_set(folder):
    """Return a set that passes every check but the self-test."""
    write_weights(folder, "fnn")
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture
def services():
    """Collect the services that a test starts."""
    collected = []
    yield collected
    # Stopping the Hub ends hanging downloads, whose log messages must not reach the next test.
    for one in collected:
        one._thread.join(60)  # noqa: SLF001 - only tests wait for it


@pytest.fixture
def server(services, hub):  # noqa: ARG001 - torn down after the Hub
    hub.create(REPO)
    hub.push(REPO, weight_set(temperature=1.25))
    return hub


@pytest.fixture
def started(tmp_path, services):
    """Start services that share a cache, and stop them at the end."""

    def start(repo=REPO, revision=None, **options):
        options = {"cache": tmp_path / "cache", "fetch_seconds": 20, "poll_seconds": None} | options
        new = Service(repo, revision, **options)
        services.append(new)
        new.start()
        return new

    yield start
    for one in services:
        one.stop()


def commit_of(running):
    return running.recognizer(60).weights.origin.commit


def finished(running):
    """Wait until a service that checks the Hub once has done so."""
    running._thread.join(60)  # noqa: SLF001 - only tests wait for it
    assert not running._thread.is_alive()  # noqa: SLF001
    return running.status()


def serving(running, commit):
    wait_until(lambda: commit_of(running) == commit, 60)


def described(running):
    return describe(running.recognizer(60).weights)


def reads_digits(running):
    return running.recognizer(60).predict(THREE).digit == 3


@pytest.mark.parametrize("repo", [None, ""])
def test_without_a_repository_the_bundled_weights_answer_and_nobody_is_asked(server, started, repo):
    running = started(repo, revision=repo)
    status = finished(running)
    assert status.ready
    assert status.problem is None
    assert described(running).startswith("the bundled weights: ")
    metrics = json.loads((weights.BUNDLED / METRICS_FILE).read_text())["mnist_test"]
    assert f"{metrics['errors']:,} of 10,000 wrong" in described(running)
    assert reads_digits(running)
    assert server.requests == []


def test_pinned_commit_in_the_cache_needs_no_hub_at_all(server, started):
    commit = server.head(REPO)
    server.push(REPO, weight_set(temperature=2.0))
    finished(started(revision=commit))
    server.requests.clear()
    running = started(revision=commit, poll_seconds=0.1)
    assert finished(running).problem is None
    assert commit_of(running) == commit
    assert server.requests == []


@pytest.mark.parametrize(
    "failure", mostly_nightly(["refused", "hang", "missing", "500"], "refused", "hang")
)
def test_bundled_weights_answer_whatever_the_hub_does(server, started, monkeypatch, failure):
    if failure == "refused":
        monkeypatch.setenv("HF_ENDPOINT", refused_url())
    elif failure == "missing":
        del server.repos[REPO]
    else:
        server.fail(Failure("hang") if failure == "hang" else Failure("status"))
    running = started(fetch_seconds=2)
    assert reads_digits(running)
    status = finished(running)
    assert status.ready
    assert "bundled" in described(running)
    assert REPO in status.problem
    assert status.code == ("missing" if failure == "missing" else "unreachable")
    assert "\n" not in status.problem


FETCHED = {"path": WEIGHTS_FILE, "method": "GET"}


@pytest.mark.parametrize(
    ("pushed", "failure", "words", "code"),
    [
        ("other", Failure("corrupt", **FETCHED), "SHA-256", "checks"),
        ("other", Failure("hang", path=WEIGHTS_FILE), "within 3 seconds", "unreachable"),
        ("other", Failure("status", path="safetensors", status=403), "does not allow", "denied"),
        # The client's own record of a branch moves before the files have arrived.
        ("other", Failure("status", **FETCHED, status=404), r"error \(404\)", "unreachable"),
        ("wrong hash", None, "xpected .*Received", "checks"),
        ("untrained", None, "xpected .*Received", "checks"),
    ],
)
def test_failed_update_keeps_what_serves_and_says_why(  # noqa: PLR0913, PLR0917 - fixtures
    server, started, tmp_path, monkeypatch, caplog, pushed, failure, words, code
):
    good = server.head(REPO)
    finished(started())
    if pushed == "other":  # otherwise the cache would already have the weights
        server.push(REPO, with_other_weights(server.files(REPO)))
    else:
        bad = weight_set(sha256="0" * 64) if pushed == "wrong hash" else untrained_set(tmp_path)
        server.push(REPO, bad)
    if failure:
        server.fail(failure)
    running = started(fetch_seconds=3 if "within" in words else 30)
    status = finished(running)
    assert commit_of(running) == good
    assert reads_digits(running)
    assert re.search(words, status.problem)
    assert status.code == code
    assert "\n" not in status.problem
    assert str(tmp_path) not in status.problem
    assert [record.getMessage() for record in caplog.records] == [status.problem]
    monkeypatch.setenv("HF_ENDPOINT", refused_url())
    again = started()
    assert commit_of(again) == good
    assert "cannot be reached" in finished(again).problem


def with_other_weights(files):
    data = other_bytes(files[WEIGHTS_FILE])
    config = json.loads(files[CONFIG_FILE]) | {"sha256": hashlib.sha256(data).hexdigest()}
    return {WEIGHTS_FILE: data, CONFIG_FILE: json.dumps(config).encode()}


def test_a_tag_that_moves_on_or_back_is_followed_by_one_request_at_a_time(server, started):
    tags = server.repos[REPO].tags
    tags["live"] = old = server.head(REPO)
    running = started(revision="live", poll_seconds=0.2)
    serving(running, old)
    before = running.recognizer()
    server.requests.clear()
    wait_until(lambda: len(server.requests) >= 3)
    assert set(server.requests) == {f"HEAD /{REPO}/resolve/live/{FILES[0]}"}
    assert running.recognizer() is before
    tags["live"] = new = server.push(REPO, weight_set(temperature=2.0))
    serving(running, new)
    assert running.recognizer().weights.config.temperature == 2.0
    assert before.weights.config.temperature == 1.25
    assert new[:7] in described(running)
    tags["live"] = old
    serving(running, old)


def test_rejected_commit_gets_another_chance_in_time(server, started, monkeypatch):
    server.fail(Failure("corrupt", path="config.json", method="GET", times=2))
    monkeypatch.setattr(service, "_REJECTED_SECONDS", 0.5)
    running = started(poll_seconds=0.1)
    serving(running, server.head(REPO))
    wait_until(lambda: running.status().problem is None)


def test_rejected_commit_is_not_downloaded_again_and_rolling_back_ends_the_problem(server, started):
    good = server.head(REPO)
    running = started(poll_seconds=0.1)
    serving(running, good)
    server.push(REPO, weight_set(sha256="0" * 64))
    wait_until(lambda: running.status().problem is not None)
    server.requests.clear()
    wait_until(lambda: len(server.requests) >= 3)
    assert not server.asked("GET")
    assert "SHA-256" in running.status().problem
    server.repos[REPO].branches["main"] = good
    wait_until(lambda: running.status().problem is None)
    assert commit_of(running) == good


def test_damaged_cache_is_repaired_from_the_hub(server, started, tmp_path):
    finished(started())
    blobs = [path for path in (tmp_path / "cache").rglob("blobs/*") if path.is_file()]
    assert blobs
    for blob in blobs:
        blob.write_bytes(blob.read_bytes()[:100])
    running = started()
    assert finished(running).problem is None
    assert commit_of(running) == server.head(REPO)
    assert reads_digits(running)


def test_no_request_sees_half_of_two_models(server, started):
    running = started(poll_seconds=0.05)
    serving(running, server.head(REPO))
    # A higher temperature flattens the confidences: each set has its own.
    expected = {1.25: running.recognizer().predict(THREE).score}
    seen, stop = set(), threading.Event()

    def ask():
        while not stop.wait(0.002):
            taken = running.recognizer()
            seen.add((taken.weights.config.temperature, round(taken.predict(THREE).score, 5)))

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for temperature in (5.0, 9.0):
        # At these temperatures all answers would be rejected.
        flat = weight_set(temperature=temperature, rejection_threshold=0.0)
        serving(running, server.push(REPO, flat))
        expected[temperature] = running.recognizer().predict(THREE).score
        while not any(asked == temperature for asked, _ in seen.copy()):
            time.sleep(0.01)
    stop.set()
    for asker in askers:
        asker.join()
    assert {t for t, _ in seen} == set(expected)
    for temperature, score in seen:
        assert score == pytest.approx(expected[temperature], abs=1e-4)
    assert len({round(score, 3) for score in expected.values()}) == 3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, 60), ("", 60), ("2.5", 2.5), ("0", 60), ("nan", 60), ("soon", 60), ("1e9", 60)],
)
def test_a_slip_in_the_setting_of_the_pause_leaves_the_usual_one(text, seconds):
    assert parse_poll_seconds(text) == seconds


def test_before_the_first_weights_the_visitor_is_asked_to_wait():
    waiting = Service()
    assert not waiting.status().ready
    with pytest.raises(NotReadyError, match="try again in a few seconds"):
        waiting.recognizer(0.01)


def test_without_any_weights_the_visitor_is_told(started, tmp_path):
    (tmp_path / "empty").mkdir()
    running = started(repo=None, bundled=tmp_path / "empty")
    status = finished(running)
    assert not status.ready
    assert str(tmp_path) not in status.problem
    with pytest.raises(NotReadyError, match="could not be loaded"):
        running.recognizer(5)


def test_hub_helps_out_where_the_bundled_weights_are_broken(server, started, tmp_path):
    broken = Path(shutil.copytree(weights.BUNDLED, tmp_path / "broken"))
    (broken / WEIGHTS_FILE).write_bytes(b"")
    running = started(bundled=broken)
    assert finished(running).ready
    assert commit_of(running) == server.head(REPO)


def test_record_survives_nonsense_and_is_of_one_revision(tmp_path):
    record = LastGood(tmp_path, REPO, "main")
    assert record.read() is None
    record.write(COMMIT)
    assert record.read() == COMMIT
    [path] = (tmp_path / "digits-last-good").iterdir()
    assert LastGood(tmp_path, REPO, "v1").read() is None
    assert LastGood(tmp_path, "someone/else", "main").read() is None
    for text in ("", "{", "main", "é", COMMIT[:-5], COMMIT + "\n"):
        path.write_text(text)
        assert record.read() is None


def test_record_that_cannot_be_written_costs_a_log_line_only(tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        LastGood(tmp_path / "file", REPO, "main").write(COMMIT)
    assert "cannot be recorded" in caplog.text
    assert len(caplog.records) == 1


def test_unwritable_home_is_replaced_by_a_temporary_cache(
    server, started, tmp_path, monkeypatch, caplog
):
    (tmp_path / "no-folder").write_bytes(b"")
    unwritable = str(tmp_path / "no-folder" / "hub")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", unwritable)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    running = started(cache=None)
    assert finished(running).problem is None
    assert commit_of(running) == server.head(REPO)
    assert "cannot be written" in caplog.text


def test_full_disk_keeps_what_serves_until_there_is_room(server, started, tmp_path, caplog):
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk") as disk:
        running = started(cache=disk.folder, poll_seconds=0.2)
        good = server.head(REPO)
        serving(running, good)
        disk.fill()
        new = server.push(REPO, with_other_weights(server.files(REPO)))
        full = re.compile("the disk is full|too large for the disk")
        wait_until(lambda: bool(full.search(running.status().problem or "")), 60)
        assert commit_of(running) == good
        assert reads_digits(running)
        logged = [r.getMessage() for r in caplog.records if full.search(r.getMessage())]
        assert logged == [running.status().problem]
        assert "\n" not in logged[0]
        disk.free()
        serving(running, new)
        wait_until(lambda: running.status().problem is None, 60)
        running.stop()
        running._thread.join(60)  # noqa: SLF001 - before the disk goes


UNTIL_IT_IS_TOLD_TO_END = f"""
import sys
from digits.service import Service
service = Service({REPO!r}, fetch_seconds=600)
service.start()
service.recognizer(120)
sys.stdin.read()
"""


def test_hanging_hub_does_not_keep_the_app_from_ending(server, tmp_path):
    server.fail(Failure("hang"))
    with subprocess.Popen(
        [sys.executable, "-c", UNTIL_IT_IS_TOLD_TO_END],
        env=os.environ | {"HF_HOME": str(tmp_path)},
        cwd=Path(service.__file__).parents[1],
        stdin=subprocess.PIPE,
    ) as process:
        wait_until(lambda: bool(server.asked("HEAD")), 120)
        process.stdin.close()
        assert process.wait(120) == 0

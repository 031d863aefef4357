"""The download from the Hub, through the real client and over real HTTP, with every failure."""

import errno
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digits import hub
from digits.hub import HubError, Request
from tests.support.hub import Failure, refused_url, running_hub, wait_until
from tests.support.nightly import mostly_nightly
from tests.support.small_disk import small_disk

REPO = "someone/digits"
FILES = ("config.json", "model.safetensors")
OLD = {"config.json": b'{"old": 1}', "model.safetensors": bytes(range(256)) * 40}
NEW = {"config.json": b'{"new": 1}', "model.safetensors": bytes(reversed(range(256))) * 40}


@pytest.fixture
def server(monkeypatch, tmp_path):
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        running.create(REPO)
        running.push(REPO, OLD)
        yield running


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def take(cache, revision="main", *, repo=REPO, timeout_seconds=30, **options):
    request = Request(repo, revision, FILES, cache, **options)
    return hub.download(request, timeout_seconds=timeout_seconds)


def problem(*args, **options):
    with pytest.raises(HubError) as caught:
        take(*args, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def contents(snapshot):
    return {name: (snapshot.folder / name).read_bytes() for name in FILES}


def test_files_arrive_as_they_were_pushed(server, cache):
    snapshot = take(cache)
    assert snapshot.commit == server.head(REPO)
    assert contents(snapshot) == OLD


def test_every_file_is_asked_for_at_one_commit(server, cache):
    commit = take(cache).commit
    by_name = server.asked("resolve/main")
    assert by_name == [f"HEAD /{REPO}/resolve/main/{FILES[0]}"]
    assert len(server.asked(f"GET /{REPO}/resolve/{commit}")) == len(FILES)


def test_push_between_two_files_does_not_mix_them(server, cache):
    def push():
        server.push(REPO, NEW)

    before = server.head(REPO)
    server.fail(Failure(None, path=FILES[1], method="HEAD", times=1, before=push))
    snapshot = take(cache)
    assert server.head(REPO) != before
    assert snapshot.commit == before
    assert contents(snapshot) == OLD


def test_commit_in_the_cache_costs_one_request(server, cache):
    take(cache)
    server.requests.clear()
    take(cache)
    assert len(server.requests) == 1


def test_known_commit_is_not_downloaded(server, cache):
    snapshot = take(cache, have=frozenset({server.head(REPO)}))
    assert snapshot.folder is None
    assert snapshot.commit == server.head(REPO)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["tag", "commit", "branch"])
def test_older_revision_is_found_by_any_name(server, cache, kind):
    old = server.head(REPO)
    server.repos[REPO].tags["v1"] = old
    server.repos[REPO].branches["stable"] = old
    server.push(REPO, NEW)
    snapshot = take(cache, {"tag": "v1", "commit": old, "branch": "stable"}[kind])
    assert snapshot.commit == old
    assert contents(snapshot) == OLD


def test_cached_commit_is_found_without_a_request(server, cache):
    commit = take(cache).commit
    server.requests.clear()
    folder = hub.cached(Request(REPO, commit, FILES, cache))
    assert folder is not None
    assert (folder / FILES[0]).read_bytes() == OLD[FILES[0]]
    assert server.requests == []


@pytest.mark.usefixtures("server")
def test_commit_with_a_missing_file_is_not_in_the_cache(cache):
    snapshot = take(cache)
    (snapshot.folder / FILES[1]).unlink()
    assert hub.cached(Request(REPO, snapshot.commit, FILES, cache)) is None
    assert hub.cached(Request("someone/else", snapshot.commit, FILES, cache)) is None


@pytest.mark.usefixtures("server")
def test_forced_download_replaces_damaged_files(cache):
    snapshot = take(cache)
    (snapshot.folder / FILES[1]).resolve().write_bytes(b"damaged")
    assert contents(take(cache))[FILES[1]] == b"damaged"
    assert contents(take(cache, snapshot.commit, force=True)) == OLD


def test_download_cut_once_is_resumed(server, cache):
    server.fail(Failure("cut", path=FILES[1], method="GET", times=1))
    assert contents(take(cache)) == OLD


@pytest.mark.usefixtures("server")
def test_missing_repository_is_named(cache):
    assert "no repository someone/digit," in problem(cache, repo="someone/digit")


@pytest.mark.usefixtures("server")
def test_missing_revision_is_named(cache):
    assert "no revision v9" in problem(cache, "v9")


def test_missing_file_is_explained(server, cache):
    server.create("someone/empty")
    assert "lacks files" in problem(cache, repo="someone/empty")


def test_gated_repository_is_explained(server, cache):
    server.repos[REPO].gated = True
    assert "gated" in problem(cache)


@pytest.mark.parametrize("repo", ["no owner", "a/b/c", "", "../..", "a/--b"])
def test_impossible_repository_name_is_refused_without_a_request(server, cache, repo):
    assert "not a repository name" in problem(cache, repo=repo)
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "words"),
    mostly_nightly(
        [
            (401, "token"),
            (402, "paid"),
            (403, "does not allow"),
            (429, "too often"),
            (500, "error (500)"),
            (503, "error (503)"),
        ],
        (401, "token"),
        (500, "error (500)"),
    ),
)
def test_error_status_is_explained_at_once(server, cache, status, words):
    server.fail(Failure("status", status=status))
    begin = time.monotonic()
    assert words in problem(cache)
    assert time.monotonic() - begin < 15  # the client alone would take 23 seconds


@pytest.mark.usefixtures("server")
def test_hub_that_refuses_connections_is_explained_at_once(cache, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", refused_url())
    begin = time.monotonic()
    assert "cannot be reached" in problem(cache)
    assert time.monotonic() - begin < 15  # the client alone would take 23 seconds


@pytest.mark.parametrize(
    ("kind", "method"),
    mostly_nightly([("hang", "HEAD"), ("hang", "GET"), ("slow", "GET")], ("slow", "GET")),
)
def test_hub_that_hangs_or_dribbles_is_given_up_in_time(server, cache, kind, method):
    server.push(REPO, NEW | {FILES[0]: b"x" * 1000})
    server.fail(Failure(kind, path=FILES[0] if method == "GET" else "", method=method))
    begin = time.monotonic()
    assert "within 2 seconds" in problem(cache, timeout_seconds=2)
    assert time.monotonic() - begin < 20  # the slow file alone would take 100 seconds


def test_hub_that_always_cuts_the_file_is_given_up_in_time(server, cache):
    server.fail(Failure("cut", path=FILES[1], method="GET"))
    assert "within 2 seconds" in problem(cache, timeout_seconds=2)


@pytest.mark.usefixtures("server")
def test_offline_switch_is_named(cache, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE" in problem(cache)


@pytest.mark.usefixtures("server")
def test_address_that_is_none_is_explained(cache, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://[broken")
    assert problem(cache)


@pytest.mark.usefixtures("server")
def test_cache_that_cannot_be_a_folder_is_explained(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert problem(tmp_path / "file")


@pytest.mark.usefixtures("server")
def test_cache_without_permission_is_explained():
    # Not even root may make a folder there.
    assert re.search("may not be written to|read-only", problem(Path("/sys/digits-cache")))


def test_full_disk_is_explained_and_room_is_enough_to_go_on(server, cache):
    server.push(REPO, {FILES[1]: bytes(range(256)) * 8000})
    cache.mkdir()
    with small_disk(cache) as disk:
        disk.fill()
        assert re.search("disk is full|no file of this size", problem(disk.folder))
        disk.free()
        files = server.files(REPO)
        assert contents(take(disk.folder)) == {name: files[name] for name in FILES}


@pytest.mark.parametrize(
    ("status", "words"),
    mostly_nightly(
        [
            (401, "token"),
            (402, "paid"),
            (403, "does not allow"),
            (404, "error (404)"),
            (500, "error (500)"),
        ],
        (404, "error (404)"),
    ),
)
def test_error_status_of_a_download_is_explained(server, cache, status, words):
    server.fail(Failure("status", path=FILES[1], method="GET", status=status))
    assert words in problem(cache)


def test_download_that_is_told_to_wait_is_given_up_in_time(server, cache):
    server.fail(Failure("status", path=FILES[1], method="GET", status=429))
    assert "within 2 seconds" in problem(cache, timeout_seconds=2)


def test_download_that_was_killed_is_completed_by_the_next(server, cache):
    server.fail(Failure("slow", path=FILES[1], method="GET"))
    asked = {
        "repo": REPO,
        "revision": "main",
        "files": FILES,
        "cache": str(cache),
        "have": [],
        "force": False,
        "timeout_seconds": 60,
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "digits.hub"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(hub.__file__).parents[1],
    )
    with child:
        child.stdin.write(json.dumps(asked).encode())
        child.stdin.close()
        wait_until(lambda: list(cache.rglob("blobs/*.incomplete")))
        child.kill()
    server.heal()
    assert hub.cached(Request(REPO, server.head(REPO), FILES, cache)) is None
    assert contents(take(cache)) == OLD


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "written to")],
)
def test_error_of_the_disk_is_put_in_words(number, words):
    explained = hub.explain(OSError(number, os.strerror(number)), REPO)
    assert explained is not None
    assert words in explained


def test_defect_is_not_explained_away():
    assert hub.explain(OSError(errno.EINVAL, "odd"), REPO) is None
    assert hub.explain(KeyError("x"), REPO) is None


def test_nothing_is_left_running_after_a_hang(server, cache):
    server.fail(Failure("hang"))
    problem(cache, timeout_seconds=2)
    children = [
        status.parent
        for status in Path("/proc").glob("[0-9]*/status")
        if f"PPid:\t{os.getpid()}\n" in status.read_text()
    ]
    assert not [c for c in children if b"digits.hub" in (c / "cmdline").read_bytes()]


def test_child_ends_by_itself_when_its_parent_is_gone(server, tmp_path):
    server.fail(Failure("hang"))
    request = (
        f'{{"repo": "{REPO}", "revision": "main", "files": ["a"], "cache": "{tmp_path}",'
        ' "have": [], "force": false, "timeout_seconds": 1}'
    )
    ended = subprocess.run(
        [sys.executable, "-m", "digits.hub"],
        input=request,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(hub.__file__).parents[1],
        capture_output=True,
    )
    assert ended.returncode == 1

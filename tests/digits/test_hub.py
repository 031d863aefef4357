"""Downloads from the Hub with the real client over real HTTP, and every failure."""

import errno
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from digits.hub import HubError, Request, cached, download, explain
from tests.conftest import ROOT
from tests.support.hub import Failure, refused_url, wait_until
from tests.support.nightly import mostly_nightly

REPO = "someone/digits"
FILES = ("config.json", "model.safetensors")
OLD = {"config.json": b'{"old": 1}', "model.safetensors": bytes(range(256)) * 40}
NEW = {"config.json": b'{"new": 1}', "model.safetensors": bytes(reversed(range(256))) * 40}


@pytest.fixture
def server(hub):
    hub.create(REPO)
    hub.push(REPO, OLD)
    return hub


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def take(cache, revision="main", *, repo=REPO, timeout_seconds=30, **options):
    return download(
        Request(repo, revision, FILES, cache, timeout_seconds=timeout_seconds, **options)
    )


def problem(*args, **options):
    begin = time.monotonic()
    with pytest.raises(HubError) as caught:
        take(*args, **options)
    assert time.monotonic() - begin < 15  # the client alone would take 23 seconds
    text = str(caught.value)
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def contents(snapshot):
    return {name: (snapshot.folder / name).read_bytes() for name in FILES}


def test_files_arrive_as_they_were_pushed_all_asked_for_at_one_commit(server, cache):
    snapshot = take(cache)
    assert snapshot.commit == server.head(REPO)
    assert contents(snapshot) == OLD
    assert server.asked("resolve/main") == [f"HEAD /{REPO}/resolve/main/{FILES[0]}"]
    assert len(server.asked(f"GET /{REPO}/resolve/{snapshot.commit}")) == len(FILES)


def test_push_between_two_files_does_not_mix_them(server, cache):
    def push():
        server.push(REPO, NEW)

    before = server.head(REPO)
    server.fail(Failure(None, path=FILES[1], method="HEAD", times=1, before=push))
    snapshot = take(cache)
    assert server.head(REPO) != before
    assert snapshot.commit == before
    assert contents(snapshot) == OLD


def test_commit_in_the_cache_or_known_costs_one_request(server, cache):
    head = server.head(REPO)
    snapshot = take(cache, have=frozenset({head}))
    assert (snapshot.folder, snapshot.commit) == (None, head)
    assert len(server.requests) == 1
    take(cache)
    server.requests.clear()
    take(cache)
    assert len(server.requests) == 1


def test_cached_commit_is_found_without_a_request_unless_a_file_is_missing(server, cache):
    commit = take(cache).commit
    server.requests.clear()
    folder = cached(Request(REPO, commit, FILES, cache))
    assert folder is not None
    assert (folder / FILES[0]).read_bytes() == OLD[FILES[0]]
    assert cached(Request("someone/else", commit, FILES, cache)) is None
    (folder / FILES[1]).unlink()
    assert cached(Request(REPO, commit, FILES, cache)) is None
    assert server.requests == []


def test_download_cut_once_is_resumed(server, cache):
    server.fail(Failure("cut", path=FILES[1], method="GET", times=1))
    assert contents(take(cache)) == OLD


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"repo": "someone/digit"}, "no repository someone/digit,"),
        ({"revision": "v9"}, "no revision v9"),
        ({"repo": "someone/empty"}, "lacks files"),
        ({"repo": "someone/gated"}, "gated"),
    ],
)
def test_what_the_hub_does_not_have_or_give_is_named(server, cache, asked, words):
    server.create("someone/empty")
    server.create("someone/gated").gated = True
    assert words in problem(cache, **asked)


@pytest.mark.parametrize("repo", ["no owner", "a/b/c", "", "../..", "a/--b"])
def test_impossible_repository_name_is_refused_without_a_request(server, cache, repo):
    assert "not a repository name" in problem(cache, repo=repo)
    assert server.requests == []


ANY, DOWNLOAD = {}, {"path": FILES[1], "method": "GET"}


@pytest.mark.parametrize(
    ("where", "status", "words"),
    mostly_nightly(
        [
            (ANY, 401, "token"),
            (ANY, 402, "paid"),
            (ANY, 403, "does not allow"),
            (ANY, 429, "too many requests"),
            (ANY, 500, "error (500)"),
            (ANY, 503, "error (503)"),
            (DOWNLOAD, 401, "token"),
            (DOWNLOAD, 402, "paid"),
            (DOWNLOAD, 403, "does not allow"),
            (DOWNLOAD, 404, "error (404)"),
            (DOWNLOAD, 500, "error (500)"),
        ],
        (ANY, 401, "token"),
        (ANY, 500, "error (500)"),
        (DOWNLOAD, 404, "error (404)"),
    ),
)
def test_error_status_is_explained_at_once(server, cache, where, status, words):
    server.fail(Failure("status", status=status, **where))
    assert words in problem(cache)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HF_ENDPOINT", refused_url(), "cannot be reached"),
        ("HF_ENDPOINT", "http://[broken", "URL"),
        ("HF_HUB_OFFLINE", "1", "HF_HUB_OFFLINE"),
    ],
    ids=["refused", "no address", "offline"],
)
@pytest.mark.usefixtures("server")
def test_hub_that_cannot_be_asked_is_explained_at_once(cache, monkeypatch, variable, value, words):
    monkeypatch.setenv(variable, value)
    assert words in problem(cache)


@pytest.mark.parametrize(
    ("kind", "method"),
    mostly_nightly(
        [("hang", "HEAD"), ("hang", "GET"), ("slow", "GET"), ("cut", "GET"), ("status", "GET")],
        ("slow", "GET"),
        ("cut", "GET"),
        ("status", "GET"),
    ),
)
def test_hub_that_does_not_deliver_is_given_up_and_nothing_goes_on(server, cache, kind, method):
    server.push(REPO, NEW | {FILES[0]: b"x" * 1000})
    path = FILES[0] if method == "GET" else ""
    server.fail(Failure(kind, path=path, method=method, status=429))
    assert "within 2 seconds" in problem(cache, timeout_seconds=2)
    children = [c for c in psutil.Process().children() if c.status() != psutil.STATUS_ZOMBIE]
    assert not [c for c in children if "digits.hub" in c.cmdline()]


@pytest.mark.usefixtures("server")
def test_cache_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert problem(tmp_path / "file")
    # Not even root can create a folder there.
    assert re.search("may not be written to|read-only", problem(Path("/sys/digits-cache")))


def start_child(cache, timeout_seconds):
    """Start a download as `download` does, without waiting for it."""
    request = Request(REPO, "main", FILES, cache, timeout_seconds=timeout_seconds)
    options = vars(request) | {"cache": str(cache), "have": []}
    child = subprocess.Popen(
        [sys.executable, "-m", "digits.hub"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    child.stdin.write(json.dumps(options).encode())
    child.stdin.close()
    return child


def test_download_that_was_killed_is_completed_by_the_next(server, cache):
    server.fail(Failure("slow", path=FILES[1], method="GET"))
    with start_child(cache, timeout_seconds=60) as child:
        wait_until(lambda: list(cache.rglob("blobs/*.incomplete")))
        child.kill()
    server.heal()
    assert cached(Request(REPO, server.head(REPO), FILES, cache)) is None
    assert contents(take(cache)) == OLD


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "written to")],
)
def test_error_of_the_disk_is_put_in_words_and_a_defect_is_not(number, words):
    assert words in explain(OSError(number, os.strerror(number)), REPO)
    assert explain(OSError(errno.EINVAL, "odd"), REPO) is None
    assert explain(KeyError("x"), REPO) is None


def test_child_ends_by_itself_when_its_parent_is_gone(server, cache):
    server.fail(Failure("hang"))
    with start_child(cache, timeout_seconds=1) as child:
        assert child.wait(60) == 1

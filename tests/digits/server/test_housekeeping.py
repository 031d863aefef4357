"""Clean-up of uploads by age, number and size, and of session records."""

import inspect
import os
import re
from types import SimpleNamespace

import pytest
from gradio.queueing import Queue
from gradio.utils import LRUCache

from digits.server.housekeeping import Limits, forget_answered, sweep

NOW = 1_000_000.0
LIMITS = Limits(seconds=3600, files=3, megabytes=0.01, grace_seconds=10)


def write(path, age, size=10):
    path.write_bytes(b"x" * size)
    os.utime(path, (NOW - age, NOW - age))
    return path


@pytest.fixture
def uploads(tmp_path):
    """Upload as Gradio does, each file into its own folder: `add(age)`, and `add.sweep()`."""
    names = set()

    def add(age, size=10):
        path = tmp_path / f"hash{len(names)}" / "digit.png"
        path.parent.mkdir()
        names.add(str(path))
        return write(path, age, size)

    add.names = names
    add.sweep = lambda: sweep(tmp_path, names, LIMITS, NOW)
    return add


@pytest.mark.parametrize(
    ("ages", "size", "kept"),
    [
        ([3601, 3599], 10, [3599]),
        ([60, 20, 50, 30, 40], 10, [20, 30, 40]),
        ([60, 30], 9_000, [30]),
        ([9] * 5, 10, [9] * 5),
        ([-5000, -1], 10, [-1]),
    ],
    ids=["old", "many", "large", "may not have been read yet", "in the future"],
)
def test_old_files_and_of_too_many_the_oldest_go_with_their_folders(uploads, ages, size, kept):
    paths = [uploads(age, size) for age in ages]
    assert uploads.sweep() == len(ages) - len(kept)
    assert [age for age, path in zip(ages, paths, strict=True) if path.exists()] == kept
    assert uploads.names == {str(path) for path in paths if path.parent.exists()}
    assert len(uploads.names) == len(kept)


def test_a_folder_that_holds_something_else_stays(uploads):
    old = uploads(9999)
    other = write(old.with_name("other.png"), 5)
    assert uploads.sweep() == 1
    assert not old.exists()
    assert other.exists()


def test_files_that_are_gone_already_are_forgotten(uploads):
    uploads(5).unlink()
    assert uploads.sweep() == 0
    assert uploads.names == set()


def test_what_nobody_has_noted_goes_alike_and_what_is_young_stays(uploads, tmp_path):
    paths = [uploads(60), *(write(tmp_path / f"tmp{age}", age) for age in (9, 40, 50, 3601))]
    assert uploads.sweep() == 2
    assert [path.exists() for path in paths] == [False, True, True, True, False]


def test_of_sessions_that_are_answered_nothing_is_remembered_for_ever():
    """The queue is filled as Gradio does for each call."""
    queue = SimpleNamespace(
        pending_messages_per_session=LRUCache(2000), pending_event_ids_session={}
    )
    for number in range(2500):
        queue.pending_messages_per_session[str(number)] = None
        queue.pending_event_ids_session[str(number)] = set()
    assert forget_answered(SimpleNamespace(_queue=queue)) == 500
    assert set(queue.pending_event_ids_session) == set(queue.pending_messages_per_session)
    assert "2499" in queue.pending_event_ids_session
    assert set(vars(queue)) <= set(re.findall(r"self\.(\w+)", inspect.getsource(Queue.__init__)))

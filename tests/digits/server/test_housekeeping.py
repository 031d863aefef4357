"""Nothing piles up: uploads by age, number and size, and without their folders; notes of calls."""

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
    """Upload as Gradio does, each file into a folder of its own: `add(age)`."""
    names = set()

    def add(age, size=10):
        path = tmp_path / f"hash{len(names)}" / "digit.png"
        path.parent.mkdir()
        names.add(str(path))
        return write(path, age, size)

    add.names = names
    return add


def test_old_files_go_with_their_folders_and_others_stay(uploads):
    old, young = uploads(3601), uploads(3599)
    assert sweep(uploads.names, LIMITS, NOW) == 1
    assert not old.parent.exists()
    assert uploads.names == {str(young)}
    assert young.exists()


def test_of_many_the_newest_stay(uploads):
    paths = [uploads(age) for age in (60, 20, 50, 30, 40)]
    sweep(uploads.names, LIMITS, NOW)
    assert [path.exists() for path in paths] == [False, True, False, True, True]


def test_of_large_ones_the_newest_stay(uploads):
    first, second = uploads(60, size=9_000), uploads(30, size=9_000)
    sweep(uploads.names, LIMITS, NOW)
    assert not first.exists()
    assert second.exists()


def test_what_may_not_have_been_read_yet_stays(uploads):
    paths = [uploads(9) for _ in range(5)]
    assert sweep(uploads.names, LIMITS, NOW) == 0
    assert all(path.exists() for path in paths)


def test_a_folder_that_holds_something_else_stays(uploads):
    old = uploads(9999)
    other = old.with_name("other.png")
    other.write_bytes(b"x")
    sweep(uploads.names, LIMITS, NOW)
    assert not old.exists()
    assert other.exists()


def test_files_that_are_gone_already_are_forgotten(uploads):
    uploads(5).unlink()
    assert sweep(uploads.names, LIMITS, NOW) == 0
    assert uploads.names == set()


def test_what_nobody_has_noted_goes_alike_and_what_is_young_stays(uploads, tmp_path):
    noted = uploads(3601)
    broken, young = write(tmp_path / "tmpbroken", 3601), write(tmp_path / "tmpyoung", 9)
    assert sweep(uploads.names, LIMITS, NOW, tmp_path) == 2
    assert not noted.exists()
    assert not broken.exists()
    assert young.exists()


def test_many_that_broke_off_make_room_for_the_newest(tmp_path):
    paths = [write(tmp_path / f"tmp{age}", age) for age in (60, 20, 50, 30, 40)]
    sweep(set(), LIMITS, NOW, tmp_path)
    assert [path.exists() for path in paths] == [False, True, False, True, True]


def test_after_the_clock_went_back_files_of_the_future_go_too(uploads):
    future, just = uploads(-5000), uploads(-1)
    assert sweep(uploads.names, LIMITS, NOW) == 1
    assert not future.exists()
    assert just.exists()


def test_of_sessions_that_are_answered_nothing_is_remembered_for_ever():
    """What is filled in here is what Gradio's queue does for each call."""
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

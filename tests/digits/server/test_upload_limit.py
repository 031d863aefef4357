"""Uploads do not pile up: by age, number and size, and without their folders."""

import os

import pytest

from digits.server.upload_limit import Limits, sweep

NOW = 1_000_000.0
LIMITS = Limits(seconds=3600, files=3, megabytes=0.01, grace_seconds=10)


@pytest.fixture
def uploads(tmp_path):
    """Upload as Gradio does, each file into a folder of its own: `add(age)`."""
    names = set()

    def add(age, size=10):
        path = tmp_path / f"hash{len(names)}" / "digit.png"
        path.parent.mkdir()
        path.write_bytes(b"x" * size)
        os.utime(path, (NOW - age, NOW - age))
        names.add(str(path))
        return path

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
    noted, broken, young = uploads(3601), tmp_path / "tmpbroken", tmp_path / "tmpyoung"
    for path, age in ((broken, 3601), (young, 9)):
        path.write_bytes(b"x")
        os.utime(path, (NOW - age, NOW - age))
    assert sweep(uploads.names, LIMITS, NOW, tmp_path) == 2
    assert not noted.exists()
    assert not broken.exists()
    assert young.exists()


def test_many_that_broke_off_make_room_for_the_newest(tmp_path):
    paths = [tmp_path / f"tmp{age}" for age in (60, 20, 50, 30, 40)]
    for path in paths:
        path.write_bytes(b"x")
        age = int(path.name[3:])
        os.utime(path, (NOW - age, NOW - age))
    sweep(set(), LIMITS, NOW, tmp_path)
    assert [path.exists() for path in paths] == [False, True, False, True, True]


def test_after_the_clock_went_back_files_of_the_future_go_too(uploads):
    future, just = uploads(-5000), uploads(-1)
    assert sweep(uploads.names, LIMITS, NOW) == 1
    assert not future.exists()
    assert just.exists()

"""The command `python -m digits`."""

import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from digits import cli
from digits.library import Reader
from digits.prediction import NO_INK
from digits.weights import BUNDLED, FILES
from tests.conftest import ROOT
from tests.support import pen


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with valid and invalid pictures."""
    (tmp_path / "scans" / "old").mkdir(parents=True)
    (tmp_path / ".cache").mkdir()
    pen.save(tmp_path / "seven.png", pen.sheet(7))
    pen.save(tmp_path / "scans" / "four.JPG", pen.sheet(4))
    pen.save(tmp_path / "scans" / "old" / "two.bmp", pen.sheet(2))
    pen.save(tmp_path / "blank.png", np.full((40, 40), 255, np.uint8))
    pen.save(tmp_path / ".cache" / "nine.png", pen.sheet(9))
    (tmp_path / "notes.txt").write_text("two and two is four")
    (tmp_path / "broken.png").write_bytes((tmp_path / "seven.png").read_bytes()[:200])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def loaded(monkeypatch, recognizer):
    """Replaces loading by weights that are already loaded."""
    monkeypatch.setattr("digits.library.load", lambda *_: Reader(recognizer, "bundled"))


def run(*arguments, stdout=subprocess.PIPE):
    return subprocess.run(
        [sys.executable, "-m", "digits", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=600,
    )


def rows(text):
    """Return the cells of each line of the table."""
    return [line.split(maxsplit=2) for line in text.splitlines()]


@pytest.mark.usefixtures("folder")
def test_one_bad_picture_does_not_stop_the_others():
    done = run("seven.png", "broken.png", "scans", "blank.png")
    assert done.returncode == 1
    header, *answers = rows(done.stdout)
    assert header == ["picture", "digit", "score"]
    assert [(name, digit) for name, digit, _ in answers] == [
        ("seven.png", "7"),
        ("scans/four.JPG", "4"),
        ("scans/old/two.bmp", "2"),
        ("blank.png", "-"),
    ]
    assert answers[0][2].endswith("%")
    assert answers[-1][2] == "blank"
    assert done.stderr == (
        "broken.png: This picture is damaged or incomplete. Take it from its source again, or "
        "save it again as PNG.\n"
    )


def test_json_has_the_words_of_the_api_and_the_weights_of_the_app(
    folder, monkeypatch, capsysbinary, hub
):
    hub.create("someone/digits")
    commit = hub.push("someone/digits", {name: (BUNDLED / name).read_bytes() for name in FILES})
    monkeypatch.setenv("MODEL_REPO", "someone/digits")
    monkeypatch.setenv("MODEL_REVISION", commit)
    with (folder / "seven.png").open() as picture:
        monkeypatch.setattr(sys, "stdin", picture)
        assert cli.main(["--json", "-", "scans/*.JPG"]) == 0
    printed = capsysbinary.readouterr()
    assert printed.err == b""
    answers = [json.loads(line) for line in printed.out.splitlines()]
    assert [(answer["picture"], answer["digit"]) for answer in answers] == [
        ("-", 7),
        ("scans/four.JPG", 4),
    ]
    for answer in answers:
        assert answer.keys() == {"picture", *NO_INK.as_json("")}
        assert answer["model"] == f"someone/digits@{commit[:7]}"


@pytest.mark.usefixtures("folder")
def test_a_reader_that_has_seen_enough_ends_it_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    done = run("seven.png", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.usefixtures("loaded")
def test_numbers_are_read_with_the_confidence_of_the_least_sure_digit(folder, capsys):
    pen.save(folder / "number.png", pen.sheet(2, 0, 3, 6))
    assert cli.main(["--number", "number.png", "seven.png"]) == 0
    header, number, single = rows(capsys.readouterr().out)
    assert header == ["picture", "number", "confidence"]
    assert (number[:2], single[:2]) == (["number.png", "2036"], ["seven.png", "7"])
    assert cli.main(["--number", "--json", "number.png"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["picture"], answer["number"]) == ("number.png", "2036")
    assert number[2] == f"{min(one['confidence'] for one in answer['digits']):.1%}"
    assert cli.main(["--number", "blank.png"]) == 1
    assert rows(capsys.readouterr().out)[1] == ["blank.png", "-", "blank"]


@pytest.mark.usefixtures("loaded")
def test_what_could_not_be_opened_is_an_error_in_its_own_line_of_json(folder, capsys):
    (folder / "empty").mkdir()
    assert cli.main(["--json", "missing.png", "empty", "notes.txt", "seven.png"]) == 1
    missing, empty, notes, seven = map(json.loads, capsys.readouterr().out.splitlines())
    assert missing == {"picture": "missing.png", "error": "There is no such file. Check the name."}
    assert empty == {
        "picture": "empty",
        "error": "This folder has no pictures. Give one with PNG or JPEG files in it.",
    }
    assert "not a picture that can be read" in notes["error"]
    assert seven["digit"] == 7


def test_folders_and_patterns_stand_for_the_pictures_in_them(folder):
    (folder / "scans" / "phone.HEIC").touch()
    (folder / "gone.png").symlink_to("nowhere.png")
    everything = [
        "blank.png", "broken.png", "gone.png", "seven.png", "scans/four.JPG", "scans/phone.HEIC",
        "scans/old/two.bmp",
    ]  # fmt: skip
    assert cli.expand(".") == everything
    assert cli.expand(str(folder)) == [str(folder / name) for name in everything]
    assert cli.expand("s*") == [*everything[4:], "seven.png"]
    assert cli.expand("**/*.bmp") == ["scans/old/two.bmp"]
    assert cli.expand("g*.png") == ["gone.png"]
    assert cli.expand("*.webp") == ["*.webp"]
    shutil.copy("seven.png", "[7].png")
    assert cli.expand("[7].png") == ["[7].png"]


@pytest.mark.usefixtures("folder", "loaded")
def test_no_name_steers_the_terminal(capsys):
    name = "\x1b[2J\nseven.png"
    shutil.copy("seven.png", name)
    assert cli.main([name]) == 0
    assert [row[:2] for row in rows(capsys.readouterr().out)[1:]] == [[ascii(name), "7"]]


def test_without_weights_nothing_is_read(folder, capsys):
    (folder / "run").mkdir()
    assert cli.main(["--model", "run", "seven.png"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "error: cannot load the weights: Expected a readable file config.json" in printed.err


@pytest.mark.usefixtures("folder", "loaded")
def test_a_bar_shows_how_far_many_pictures_are_where_somebody_watches(capsys, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    assert cli.main(["--json", *["seven.png"] * 12]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert cli.main(["--json", *["seven.png"] * 12]) == 0
    assert "/12 [" in sys.stderr.getvalue()
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["digit"] for answer in answers] == [7] * 12

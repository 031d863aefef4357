"""Fuzzing finds no file that breaks the app, and would find one."""

import os
import platform
import re
import sys

import pytest

from tests.conftest import ROOT
from tests.support.commands import done
from tests.support.picture_files import readable, with_checksums

on_linux = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="atheris runs there alone"
)

PLANTED = """
import sys
import tests.digits.fuzz as fuzz

def break_it(content):
    if content.startswith(b"GIF8") and len(content) % 5 == 3:
        raise ZeroDivisionError("planted")
    return load_picture(content)

load_picture = fuzz.load_picture
fuzz.load_picture = break_it
sys.argv[1:] = ["--seconds", "30", "--folder", sys.argv[1]]
fuzz.main()
"""


def run(*arguments):
    return done(sys.executable, *arguments, cwd=ROOT, timeout=300)


@pytest.mark.nightly
@on_linux
def test_no_file_breaks_the_entrance_for_pictures(tmp_path):
    """Set FUZZ_SECONDS to search for longer."""
    seconds = os.environ.get("FUZZ_SECONDS", "20")
    search = run("-m", "tests.digits.fuzz", "--seconds", seconds, "--folder", tmp_path)
    assert list((tmp_path / "found").iterdir()) == []
    assert search.returncode == 0, search.stderr[-3000:]
    tried = int(re.search(r"number_of_executed_units: (\d+)", search.stderr)[1])
    # More than the seeds themselves, which are all tried first.
    assert tried > len(list((tmp_path / "seeds").iterdir())) / 2 > 30


@pytest.mark.nightly
@on_linux
def test_a_defect_would_be_found_and_can_be_tried_again(tmp_path):
    search = run("-c", PLANTED, tmp_path)
    assert search.returncode != 0
    assert "planted" in search.stdout + search.stderr
    [crash] = (tmp_path / "found").iterdir()
    content = crash.read_bytes()
    assert content.startswith(b"GIF8")
    assert len(content) % 5 == 3
    assert run("-m", "tests.digits.fuzz", "--again", crash).returncode == 0


def test_a_changed_png_gets_checksums_that_fit():
    png = readable()["gray.png"].content
    at = png.index(b"IDAT")
    assert with_checksums(png) == png
    assert with_checksums(png[: at - 8] + b"????" + png[at - 4 :]) == png
    assert with_checksums(png[:40]) == png[:40]

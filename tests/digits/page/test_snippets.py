"""The code snippets of the About tab, and the docs' JavaScript, against the running app."""

import fcntl
import json
import re
import subprocess
import sys

import pytest

from digits.page.about import snippets
from tests.conftest import ROOT
from tests.support import pen
from training.browser import runtime

API = (ROOT / "docs" / "api.md").read_text("utf-8")
LOCAL_ADDRESS = "http://127.0.0.1:7860"
LOCK = ROOT / "tests" / runtime.LOCK_FILE


@pytest.fixture
def folder(tmp_path):
    """The pictures that the snippets read, and the packages that they import."""
    with LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # only one worker installs
        runtime.install(LOCK.parent)
    pen.save(tmp_path / "seven.png", pen.sheet(7))
    pen.save(tmp_path / "number.png", pen.sheet(4, 0, 2))
    (tmp_path / "node_modules").symlink_to(LOCK.parent / "node_modules")
    return tmp_path


def block(text, language):
    [code] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return code


def run(command, folder):
    """Run a snippet until it exits by itself and return its output."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def node(code, folder):
    (folder / "snippet.mjs").write_text(code)
    return run(["node", "snippet.mjs"], folder)


def test_the_documented_javascript_reads_a_seven(app, folder):
    code = block(API, "javascript")
    assert LOCAL_ADDRESS in code
    assert node(code.replace(LOCAL_ADDRESS, app.url), folder).startswith("7 [")


def test_the_pages_javascript_reads_a_number(app, folder):
    assert node(block(snippets(app.url), "js"), folder) == "402\n"


def test_the_pages_python_reads_a_seven(app, folder):
    code = block(snippets(app.url), "python")
    assert run([sys.executable, "-c", code], folder).splitlines()[-1].startswith("7 [")


def test_the_pages_curl_reads_a_seven(app, folder):
    printed = run(["bash", "-euc", block(snippets(app.url), "bash")], folder)
    assert json.loads(printed)["digit"] == 7


@pytest.mark.parametrize("lock", [LOCK, runtime.FOLDER / runtime.LOCK_FILE])
def test_every_package_of_npm_is_locked_with_a_hash(lock):
    hashes = runtime.hashes(lock)
    assert hashes
    assert all(sha512.startswith("sha512-") for sha512 in hashes.values())

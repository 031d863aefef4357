"""The lock: that it follows from the requirements, and that only what it names is installed."""

import hashlib
import importlib.metadata
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.commands import done
from tests.support.requirements_files import LOCK, REQUIREMENTS, locked_here, pins, read_lock
from tests.support.static_page import served

TEXT = (ROOT / LOCK).read_text("utf-8")
RENEW = "the lock is not of these requirements: run make lock"


def test_every_line_of_the_lock_is_a_release_with_its_hashes():
    """And so no address, no option, no folder: they would not match the pattern of a line."""
    locked = read_lock(TEXT)
    assert len(locked) > 100
    assert "://" not in TEXT
    with pytest.raises(AssertionError, match="--index-url"):
        read_lock(f"--index-url=https://example.org/simple\n{TEXT}")
    with pytest.raises(AssertionError, match="naked"):
        read_lock(f"naked==1.0\n{TEXT}")


def test_every_pin_is_in_the_lock_and_no_other_version_of_it():
    wanted = {name: {version} for file in REQUIREMENTS for name, version in pins(file).items()}
    for_tests = pins("tests/requirements.txt")
    found = {name: set() for name in wanted}
    for line in read_lock(TEXT):
        if line.name in wanted:
            found[line.name].add(line.version)
            # What only tests need may be missing on some machines.
            assert line.marker is None or line.name in for_tests
    assert found == wanted, RENEW


def test_what_is_installed_is_what_the_lock_names():
    wanted = locked_here()
    assert {name: importlib.metadata.version(name) for name in wanted} == wanted


@pytest.mark.nightly
def test_the_lock_leaves_nothing_out_that_its_packages_need():
    """Pip itself goes through all of it, as `make test` lets it do, but without any index."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--quiet"]
    command += ["--require-hashes", "--only-binary=:all:", "-r", LOCK]
    gone_through = done(*command, cwd=ROOT)
    assert gone_through.returncode == 0, gone_through.stderr
    assert "Would install" not in gone_through.stdout


# The commands, with packages of our own from an index on loopback


def write_wheel(folder, name, needs=(), content="right"):
    """Write a package of one module that holds `content`; return its SHA-256."""
    folder = folder / "simple" / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    about = f"{name}-1.0.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
    metadata += [f"Requires-Dist: {other}" for other in needs]
    wheel = ["Wheel-Version: 1.0", "Generator: tests", "Root-Is-Purelib: true", "Tag: py3-none-any"]
    files = {
        f"{name}.py": f"said = {content!r}\nodd = '\\('\n",  # Python 3.12 warns of this
        f"{about}/METADATA": "\n".join(metadata) + "\n",
        f"{about}/WHEEL": "\n".join(wheel) + "\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(zipfile.ZipInfo(file), text)  # of 1980: the same bytes every time
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path):
    """A folder that is served as an index, and its address."""
    folder = tmp_path / "index"
    folder.mkdir()
    with served(folder) as address:
        yield folder, f"{address}simple/"


@pytest.fixture
def make(tmp_path, index):
    """Run our Makefile in a folder with requirements that only the index of ours can meet."""
    folder = tmp_path / "project"
    for name, text in zip(REQUIREMENTS, ("first==1.0\n", "third==1.0\n", ""), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    shutil.copy(ROOT / "Makefile", folder)
    machine = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
    machine |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index[1], "PIP_NO_CACHE_DIR": "1"}
    # For this pip warns at each install.
    machine |= {"PIP_FIND_LINKS": str(tmp_path / "missing")}
    machine |= {"UV_NO_CONFIG": "1", "UV_DEFAULT_INDEX": index[1], "UV_NO_CACHE": "1"}

    def run(*arguments):
        return done("make", *arguments, cwd=folder, env=machine)

    run.folder = folder
    return run


def test_make_lock_names_all_that_is_needed_with_hashes_and_no_address(index, make):
    hashes = {name: write_wheel(index[0], name) for name in ("second", "third")}
    hashes["first"] = write_wheel(index[0], "first", ["second"])
    (make.folder / LOCK).write_text(f"first==0.9 --hash=sha256:{64 * '0'}\n")  # is nowhere
    made = make("lock", f"BIN={Path(sys.executable).parent}")
    assert made.returncode == 0, made.stderr
    text = (make.folder / LOCK).read_text()
    found = read_lock(text)
    assert {line.name: line.hashes for line in found} == {k: {v} for k, v in hashes.items()}
    assert "127.0.0.1" not in text


def test_make_installs_by_the_lock_and_refuses_a_file_that_was_exchanged(index, make):
    """From nothing but a Python: with the pip that comes with it."""
    hashes = {"first": write_wheel(index[0], "first", ["second"])}
    hashes["second"] = write_wheel(index[0], "second")
    lines = [f"{name}==1.0 --hash=sha256:{sha256}\n" for name, sha256 in hashes.items()]
    (make.folder / LOCK).write_text("".join(lines))

    write_wheel(index[0], "second", content="wrong")
    refused = make(".venv/tests-installed", f"PYTHON={sys.executable}")
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
    assert not (make.folder / ".venv/tests-installed").exists()

    assert write_wheel(index[0], "second") == hashes["second"]
    made = make(".venv/tests-installed")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == f"Installing {LOCK} (takes minutes the first time)\n"
    said = [make.folder / ".venv/bin/python", "-c", "import first, second; print(second.said)"]
    assert done(*said).stdout == "right\n"
    # The third requirement is in no line of the lock, so nobody may have fetched it.
    assert not list((make.folder / ".venv").glob("lib/*/site-packages/third*"))

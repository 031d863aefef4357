"""The lock matches the requirements, and only what it names is installed."""

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


def test_every_line_of_the_lock_is_a_release_with_its_hashes():
    """Addresses, options and folders would not match the pattern of a line."""
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
            # Packages for tests only may be limited to some platforms.
            assert line.marker is None or line.name in for_tests
    assert found == wanted, "the lock does not match the requirements: run make lock"


def test_what_is_installed_is_what_the_lock_names():
    wanted = locked_here()
    assert {name: importlib.metadata.version(name) for name in wanted} == wanted


@pytest.mark.nightly
def test_the_lock_leaves_nothing_out_that_its_packages_need():
    """Checked by pip itself, as in `make test`, but without an index."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--quiet"]
    command += ["--require-hashes", "--only-binary=:all:", "-r", LOCK]
    resolved = done(*command, cwd=ROOT)
    assert resolved.returncode == 0, resolved.stderr
    assert "Would install" not in resolved.stdout


# The commands, with our own packages from a local index


def write_wheel(index, name, metadata="", content="right"):
    """Write a package with one module that contains `content`; return its SHA-256."""
    path = index / "simple" / name / f"{name}-1.0-py3-none-any.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    about = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": f"said = {content!r}\nodd = '\\('\n",  # Python 3.12 warns about this
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{metadata}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(zipfile.ZipInfo(file), text)  # dated 1980: reproducible
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder served as the only index of pip and uv."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "missing"))  # pip warns at each install
    for name in ("PIP_NO_CACHE_DIR", "UV_NO_CACHE", "UV_NO_CONFIG"):
        monkeypatch.setenv(name, "1")
    with served(folder) as address:
        for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
            monkeypatch.setenv(name, f"{address}simple/")
        yield folder


@pytest.fixture
def project(tmp_path):
    """A folder with our Makefile and requirements that only our own index can satisfy."""
    folder = tmp_path / "project"
    for name, text in zip(REQUIREMENTS, ("first==1.0\n", "third==1.0\n", ""), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    shutil.copy(ROOT / "Makefile", folder)
    return folder


def test_make_lock_names_all_that_is_needed_with_hashes_and_no_address(index, project):
    hashes = {name: write_wheel(index, name) for name in ("second", "third")}
    hashes["first"] = write_wheel(index, "first", "Requires-Dist: second\n")
    lock = project / LOCK
    lock.write_text(f"first==0.9 --hash=sha256:{64 * '0'}\n")  # does not exist
    made = done("make", "lock", f"BIN={Path(sys.executable).parent}", cwd=project)
    assert made.returncode == 0, made.stderr
    found = {line.name: line.hashes for line in read_lock(lock.read_text())}
    assert found == {name: {sha256} for name, sha256 in hashes.items()}
    assert "127.0.0.1" not in lock.read_text()


def test_make_installs_by_the_lock_and_refuses_a_file_that_was_exchanged(index, project):
    """Starting from a bare Python, with the pip bundled with it."""
    hashes = {"first": write_wheel(index, "first", "Requires-Dist: second\n")}
    hashes["second"] = write_wheel(index, "second")
    lines = [f"{name}==1.0 --hash=sha256:{sha256}\n" for name, sha256 in hashes.items()]
    (project / LOCK).write_text("".join(lines))

    write_wheel(index, "second", content="wrong")
    target, venv = ".venv/tests-installed", project / ".venv"
    refused = done("make", target, f"PYTHON={sys.executable}", cwd=project)
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
    assert not (project / target).exists()

    assert write_wheel(index, "second") == hashes["second"]
    made = done("make", target, cwd=project)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == f"Installing {LOCK} (takes minutes the first time)\n"
    imported = done(venv / "bin/python", "-c", "import first, second; print(second.said)")
    assert imported.stdout == "right\n"
    # The third requirement is not in the lock, so it must not be installed.
    assert not list(venv.glob("lib/*/site-packages/third*"))

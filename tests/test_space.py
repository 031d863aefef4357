"""The files of the Space are valid for its builder and the Hub."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from packaging.utils import canonicalize_name

from tests.conftest import ROOT
from tests.support.commands import done
from tests.support.requirements_files import REQUIREMENTS, pins
from training.release import space_files

COLORS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
MAX_FILE_BYTES = 2_000_000

# What the Hub reads from a Gradio Space's README; others, such as `hardware`, are silently ignored.
CARD_TYPES = {
    **dict.fromkeys(("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version"), str),
    **dict.fromkeys(("python_version", "app_file", "suggested_hardware", "license"), str),
    **dict.fromkeys(("short_description", "startup_duration_timeout"), str),
    **dict.fromkeys(("header", "thumbnail"), str),
    **dict.fromkeys(("fullWidth", "pinned", "disable_embedding"), bool),
    **dict.fromkeys(("models", "datasets", "tags", "preload_from_hub"), list),
}


@pytest.fixture(scope="module")
def card():
    _, block, _ = (ROOT / "README.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(block)


def tracked_files():
    listed = done("git", "ls-files", "-z", cwd=ROOT)
    assert listed.returncode == 0, listed.stderr
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def test_the_card_has_only_known_keys_of_the_right_type(card):
    assert set(card) <= set(CARD_TYPES)
    assert {key for key, value in card.items() if type(value) is not CARD_TYPES[key]} == set()


def test_the_card_says_what_the_hub_accepts(card):
    assert card["sdk"] == "gradio"
    assert card["python_version"] == "3.12"  # ZeroGPU has it too; TensorFlow does not support 3.14
    assert {card["colorFrom"], card["colorTo"]} <= COLORS
    assert len(card["emoji"]) == 1
    assert len(card["short_description"]) <= 60
    assert card["license"] == "mit"
    assert (ROOT / "LICENSE").read_text("utf-8").startswith("MIT License")
    assert (ROOT / card["app_file"]).is_file()
    assert card["sdk_version"] == pins("requirements.txt")["gradio"]


def test_no_package_is_pinned_twice():
    names = [name for file in REQUIREMENTS for name in pins(file)]
    assert len(names) == len(set(names))


def test_the_space_installs_nothing_that_only_training_or_tests_need():
    # The builder mounts only this file.
    assert "-r " not in (ROOT / "requirements.txt").read_text("utf-8")
    assert not set(pins("requirements.txt")) & {
        "tensorflow-cpu", "keras", "h5py", "matplotlib", "scipy", "pytest", "playwright",
    }  # fmt: skip


@pytest.mark.nightly
def test_the_builders_single_pip_call_can_be_satisfied(card, tmp_path):
    """Resolve for the Space's Python: with a local one if installed, else by its wheel tags."""
    version = card["python_version"]
    python = shutil.which(f"python{version}")
    works = python and done(python, "-c", "")
    target = ["--python-version", version, "--target", str(tmp_path / "none")]
    options, more = (["--python", python], []) if works and works.returncode == 0 else ([], target)
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pip", *options, "install", "--quiet", "--dry-run"]
    command += ["--ignore-installed", "--only-binary=:all:", "--report", str(report), *more]
    command += ["-r", str(ROOT / "requirements.txt"), f"gradio[oauth,mcp]=={card['sdk_version']}"]
    command += ["uvicorn>=0.14.0", "websockets>=10.4", "spaces"]
    resolved = done(*command)
    assert resolved.returncode == 0, resolved.stderr[-3000:]
    installs = [item["metadata"] for item in json.loads(report.read_text("utf-8"))["install"]]
    versions = {canonicalize_name(item["name"]): item["version"] for item in installs}
    wanted = pins("requirements.txt")
    assert {name: versions[name] for name in wanted} == wanted


def test_packages_txt_is_valid_for_xargs_and_apt():
    names = (ROOT / "packages.txt").read_bytes().decode("ascii").split("\n")
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]*|", name) for name in names)
    echoed = done("xargs", "-r", "-a", ROOT / "packages.txt", "echo")
    assert echoed.returncode == 0
    assert echoed.stdout.split() == [name for name in names if name]


def test_the_files_that_are_deployed_build_the_page_without_tensorflow(tmp_path):
    sent = space_files.collect(ROOT, "someone/reader", None, None)
    for name, data in sent.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert ".gitattributes" not in sent  # the Space has its own, for large files
    check = "import app, digits; app.build(); print(digits.load().model); print(digits.__file__)"
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTHONPATH"] = str(ROOT / "tests" / "without_training")
    started = done(sys.executable, "-c", check, cwd=tmp_path, env=environment)
    assert started.returncode == 0, started.stderr
    model, path = started.stdout.splitlines()
    assert model == "bundled"
    assert path.startswith(str(tmp_path))


def test_the_product_needs_nothing_of_this_machine():
    product = ("app.py", "README.md", "Makefile", "digits/", "training/", ".github/")
    texts = [name for name in tracked_files() if name.startswith(product)]
    binary = {".jpg", ".png", ".safetensors", ".webp"}
    texts = [name for name in texts if Path(name).suffix not in binary]
    local = re.compile(r"\.\./shared|(?<![\w.])/(work|root|home)/")
    assert [name for name in texts if local.search((ROOT / name).read_text("utf-8"))] == []


def test_no_file_is_large():
    sizes = {name: (ROOT / name).stat().st_size for name in tracked_files()}
    assert {name: size for name, size in sizes.items() if size > MAX_FILE_BYTES} == {}

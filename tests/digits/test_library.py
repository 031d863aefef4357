"""The Python API."""

import re
import runpy
import subprocess
import sys

import pytest

import digits
from digits.weights import BUNDLED, FILES
from tests.conftest import ROOT
from tests.support import pen


def first_lines():
    """Return the Python snippets in the package's docstring and the README."""
    blocks = re.findall(
        r"```python\n(.*?)```", digits.__doc__ + (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    return [block for block in blocks if "from digits import" in block]


@pytest.mark.parametrize("code", first_lines())
def test_the_snippet_reads_a_digit_and_a_number(tmp_path, monkeypatch, capsys, code):
    assert len([line for line in code.splitlines() if line]) <= 5
    pen.save(tmp_path / "seven.png", pen.sheet(7))
    pen.save(tmp_path / "number.png", pen.sheet(4, 0, 2))
    (tmp_path / "snippet.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    runpy.run_path("snippet.py")
    digit, number = capsys.readouterr().out.splitlines()
    assert digit.startswith("7 ")
    assert number == "402"


def test_importing_the_package_imports_nothing_else():
    heavy = ["tensorflow", "keras", "numpy", "cv2", "PIL", "huggingface_hub", "h5py"]
    code = f"import sys, digits; print([name for name in {heavy} if name in sys.modules])"
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert printed.strip() == "[]"


def test_every_public_name_is_there():
    assert set(digits.__all__) <= set(dir(digits))
    assert all(getattr(digits, name).__doc__ for name in digits.__all__)
    with pytest.raises(AttributeError, match="'digits' has no attribute 'nothing'"):
        _ = digits.nothing


def test_weights_come_from_the_hub_at_one_commit(hub):
    hub.create("someone/digits")
    commit = hub.push("someone/digits", {name: (BUNDLED / name).read_bytes() for name in FILES})
    assert digits.load("someone/digits").model == f"someone/digits@{commit[:7]}"
    with pytest.raises(digits.HubError, match="has no revision v9"):
        digits.load("someone/digits", "v9")


def test_a_run_folder_answers_under_its_own_name():
    assert digits.load(BUNDLED).model == str(BUNDLED)


@pytest.mark.parametrize(
    ("name", "revision", "words"),
    [
        ("", None, r"readable file config\.json"),
        ("missing", None, "Expected a run folder"),
        ("", "main", "Expected a revision only with owner/name"),
    ],
)
def test_a_folder_without_weights_or_of_a_revision_is_refused(tmp_path, name, revision, words):
    with pytest.raises(digits.WeightsError, match=words):
        digits.load(tmp_path / name, revision)

"""What `SECURITY.md` promises has a test that exists, and nothing that could run is loaded."""

import ast
import functools
import re
import urllib.request

import pytest

from tests.conftest import ROOT

SECURITY = (ROOT / ".github" / "SECURITY.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", SECURITY)
ROW = re.compile(r"\| [^|]+ \| [^|]*`tests/[^|]+ \|")


def test_every_test_that_is_named_exists():
    assert len(NAMED) > 40
    texts = {file: (ROOT / file).read_text("utf-8") for file, _ in NAMED}
    missing = [name for file, name in NAMED if name and f"\ndef {name}(" not in texts[file]]
    assert missing == []


def test_every_promise_names_a_test():
    rows = [line for line in SECURITY.splitlines() if line.startswith("|")]
    promises = [row for row in rows if not row.startswith(("| what is promised |", "|---"))]
    assert len(promises) > 20
    assert [row for row in promises if not ROW.fullmatch(row)] == []


def test_no_address_is_invented():
    """Reports go where GitHub keeps them private; there is no mailbox that nobody reads."""
    assert "Report a\nvulnerability" in SECURITY
    assert not re.search(r"[\w.]+@[\w-]+\.\w+", SECURITY)


# Loading what could run

UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "torch"}
UNSAFE_CALLS = {"enable_unsafe_deserialization", "eval", "exec", "unsafe_load", "full_load"}
UNSAFE_SETTINGS = {"safe_mode": False, "allow_pickle": True, "trust_remote_code": True}
LOADS_MODELS = {"load_model", "model_from_json", "model_from_config"}
# What these load they have written themselves, moments before, or are given by benchmarks.
OWN_MODELS = {
    "benchmarks/baseline.py",
    "training/export/check.py",
}


@functools.cache
def sources():
    """Give the path and the syntax tree of every Python file of the product."""
    folders = (ROOT / name for name in ("digits", "training", "benchmarks"))
    paths = [ROOT / "app.py", *(path for folder in folders for path in folder.rglob("*.py"))]
    return {str(p.relative_to(ROOT)): ast.parse(p.read_text("utf-8")) for p in paths}


def imported(tree):
    """Name the packages that a file imports."""
    for part in ast.walk(tree):
        if isinstance(part, ast.Import):
            yield from (alias.name.split(".")[0] for alias in part.names)
        elif isinstance(part, ast.ImportFrom) and part.module:
            yield part.module.split(".")[0]


def calls(tree):
    """Name what a file calls, without what stands before the last point."""
    for part in ast.walk(tree):
        if isinstance(part, ast.Call):
            yield getattr(part.func, "attr", getattr(part.func, "id", ""))


def unsafe(tree):
    """Name what a file uses to make objects, or to run code, from bytes."""
    yield from UNSAFE_MODULES.intersection(imported(tree))
    yield from UNSAFE_CALLS.intersection(calls(tree))
    for part in ast.walk(tree):
        if isinstance(part, ast.keyword) and part.arg in UNSAFE_SETTINGS:
            value = getattr(part.value, "value", "not a constant")
            if value == UNSAFE_SETTINGS[part.arg] or value == "not a constant":
                yield part.arg


def test_nothing_that_could_run_is_loaded():
    trees = sources()
    assert len(trees) > 60
    assert {path: found for path, tree in trees.items() if (found := sorted(unsafe(tree)))} == {}
    loading = {path for path, tree in trees.items() if LOADS_MODELS.intersection(calls(tree))}
    assert loading == OWN_MODELS


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import torch.serialization",
        "keras.saving.load_model(path, safe_mode=False)",
        "np.load(path, allow_pickle=trusted)",
        "keras.config.enable_unsafe_deserialization()",
        "eval(text)",
        "yaml.unsafe_load(text)",
    ],
)
def test_what_is_unsafe_would_be_found(source):
    assert list(unsafe(ast.parse(source)))
    assert not list(unsafe(ast.parse("np.load(path, allow_pickle=False)\nmodel.eval")))


def test_the_app_opens_weights_in_one_place_and_no_model():
    trees = sources()
    serving = {name: tree for name, tree in trees.items() if name.startswith(("app.py", "digits/"))}
    opening = [name for name, tree in serving.items() if "safetensors" in imported(tree)]
    assert opening == ["digits/weights.py"]
    training_only = {"training", "tensorflow", "keras", "h5py"}
    assert [name for name, tree in serving.items() if training_only & set(imported(tree))] == []


# What is kept of visitors


def files_of(app):
    """The size of every file that the app has written, by path: its log is among them."""
    folder = app.log.parent
    return {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def test_a_drawing_is_written_to_no_file_and_no_log(app):
    before = files_of(app)
    assert app.log in before
    answer = app.draw("digit", [[40, 500, 200, 500, 800]])
    assert answer["digit"] == 1
    assert files_of(app).items() <= before.items()  # an upload of another test may be gone


def test_the_page_sets_no_cookie(app):
    for path in ("/", "/config", "/gradio_api/info"):
        with urllib.request.urlopen(app.url + path, timeout=30) as answer:  # noqa: S310 - loopback
            assert answer.status == 200
            assert answer.headers.get_all("Set-Cookie") is None

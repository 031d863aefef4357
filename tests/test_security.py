"""Every guarantee in `SECURITY.md` names an existing test; the source code; what visitors leave."""

import ast
import functools
import graphlib
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
    promises = [row for row in rows if not row.startswith(("| guarantee |", "|---"))]
    assert len(promises) > 20
    assert [row for row in promises if not ROW.fullmatch(row)] == []


def test_no_address_is_invented():
    """Reports go to GitHub, which keeps them private, not to a mailbox that nobody reads."""
    assert "*Report a\nvulnerability*" in SECURITY
    assert not re.search(r"[\w.]+@[\w-]+\.\w+", SECURITY)


# The source code

UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "torch"}
UNSAFE_CALLS = {"enable_unsafe_deserialization", "eval", "exec", "unsafe_load", "full_load"}
UNSAFE_SETTINGS = {"safe_mode": False, "allow_pickle": True, "trust_remote_code": True}
LOADS_MODELS = {"load_model", "model_from_json", "model_from_config"}
OWN_MODELS = {"benchmarks/baseline.py", "training/export/check.py"}
"""Files that load models: only those that they or the benchmarks have just written."""


@functools.cache
def sources():
    """Return the syntax tree of every Python file of the product, by path."""
    folders = (ROOT / name for name in ("digits", "training", "benchmarks"))
    paths = [ROOT / "app.py", *(path for folder in folders for path in folder.rglob("*.py"))]
    return {str(p.relative_to(ROOT)): ast.parse(p.read_text("utf-8")) for p in paths}


def imports(statements):
    """Return the dotted names that statements import, including names from modules."""
    names = set()
    for part in statements:
        if isinstance(part, ast.Import):
            names |= {alias.name for alias in part.names}
        elif isinstance(part, ast.ImportFrom) and part.module:
            names |= {part.module, *(f"{part.module}.{alias.name}" for alias in part.names)}
    return names


def packages(tree):
    """Return the names of the packages that a file imports."""
    return {name.partition(".")[0] for name in imports(ast.walk(tree))}


def calls(tree):
    """Return the names that a file calls, without the part before the last dot."""
    called = (part.func for part in ast.walk(tree) if isinstance(part, ast.Call))
    return {getattr(function, "attr", getattr(function, "id", "")) for function in called}


def unsafe(tree):
    """Yield the names that a file uses to create objects, or to run code, from bytes."""
    yield from UNSAFE_MODULES & packages(tree)
    yield from UNSAFE_CALLS & calls(tree)
    for part in ast.walk(tree):
        if isinstance(part, ast.keyword) and part.arg in UNSAFE_SETTINGS:
            value = getattr(part.value, "value", "not a constant")
            if value == UNSAFE_SETTINGS[part.arg] or value == "not a constant":
                yield part.arg


def test_nothing_that_could_run_is_loaded():
    trees = sources()
    assert len(trees) > 60
    assert {path: found for path, tree in trees.items() if (found := sorted(unsafe(tree)))} == {}
    loading = {path for path, tree in trees.items() if LOADS_MODELS & calls(tree)}
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
    opening = [name for name, tree in serving.items() if "safetensors" in packages(tree)]
    assert opening == ["digits/weights.py"]
    training_only = {"training", "tensorflow", "keras", "h5py"}
    assert [name for name, tree in serving.items() if training_only & packages(tree)] == []


def test_no_modules_import_each_other_in_a_circle():
    """So any module can be imported first."""
    trees = {path.removesuffix(".py").replace("/", "."): tree for path, tree in sources().items()}
    graph = {name: trees.keys() & imports(tree.body) for name, tree in trees.items()}
    assert graph["training.train"] > {"training.data.mnist", "training.run_folder"}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


# What is stored about visitors


def files_of(app):
    """Return the sizes of all files that the app has written, by path, including its log."""
    folder = app.log.parent
    return {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def test_a_drawing_is_written_to_no_file_and_no_log(app):
    before = files_of(app)
    assert app.log in before
    answer = app.draw("digit", [[40, 500, 200, 500, 800]])
    assert answer["digit"] == 1
    assert files_of(app).items() <= before.items()  # another test's upload may be gone


def test_the_page_sets_no_cookie(app):
    for path in ("/", "/config", "/gradio_api/info"):
        with urllib.request.urlopen(app.url + path, timeout=30) as answer:  # noqa: S310 - loopback
            assert answer.status == 200
            assert answer.headers.get_all("Set-Cookie") is None

"""The notebook, run from first to last cell."""

import re
import shlex
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT
from tests.support.finished_run import PICTURE, write_finished_run
from tests.support.training_support import write_handwritten_mnist

NOTEBOOK = ROOT / "training" / "train.ipynb"


def load():
    return nbformat.read(NOTEBOOK, as_version=4)


def position(notebook, name):
    return [cell.id for cell in notebook.cells].index(name)


def set_to(notebook, values):
    """Insert settings after those of the notebook, as papermill does."""
    index = position(notebook, "settings")
    known = re.findall(r"^(\w+) = ", notebook.cells[index].source, re.MULTILINE)
    assert set(values) <= set(known)
    lines = [f"{name} = {value!r}" for name, value in values.items()]
    notebook.cells.insert(index + 1, nbformat.v4.new_code_cell("\n".join(lines)))


def execute(notebook, folder):
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}}).execute()


def printed(notebook, name):
    outputs = notebook.cells[position(notebook, name)].outputs
    return "".join(output.text for output in outputs if output.output_type == "stream")


def pictures(notebook):
    """Return the cells that show a picture."""
    return {
        cell.id
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    }


def test_nothing_of_a_run_is_kept_in_the_notebook():
    notebook = load()
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.cells[position(notebook, "settings")].metadata.tags == ["parameters"]
    assert f"blob/main/{NOTEBOOK.relative_to(ROOT)}" in notebook.cells[0].source


AS_PYTHON = """\
#!/bin/sh
printf '<%s>' "$@" >> {folder}/calls
echo >> {folder}/calls
if [ "$2" = training.train ]; then cp -r {run} {folder}/left; fi
"""


def test_cells_call_the_commands_and_show_what_these_leave(tmp_path):
    tmp_path /= "a folder with spaces"
    tmp_path.mkdir()
    run = write_finished_run(tmp_path / "run")
    for name in ("learning-curves.png", "confusion.png"):
        (run / name).write_bytes(PICTURE)
    python = tmp_path / "python"
    quoted = {"folder": shlex.quote(str(tmp_path)), "run": shlex.quote(str(run))}
    python.write_text(AS_PYTHON.format(**quoted))
    python.chmod(0o755)
    left, drawing = tmp_path / "left", tmp_path / "drawing.png"
    notebook = load()
    settings = {"PYTHON": str(python), "RUN": str(left), "DRAWING": str(drawing)}
    set_to(notebook, {**settings, "OPTIONS": "--network fnn", "PUBLISH_TO": "someone/digits"})
    execute(notebook, NOTEBOOK.parent)
    assert (tmp_path / "calls").read_text().splitlines() == [
        f"<-m><training.train><--network><fnn><--run><{left}>",
        f"<-m><digits><{drawing}><--model><{left}>",
        f"<-m><training.publish><{left}><--repo><someone/digits><--create>",
    ]
    assert pictures(notebook) == {"curves", "confusion", "misread", "drawing"}


@pytest.mark.nightly
def test_the_notebook_trains_shows_reads_and_publishes(monkeypatch, tmp_path, hub):
    sha256 = write_handwritten_mnist(tmp_path / "mnist")
    notebook = load()
    settings = {"PYTHON": sys.executable, "OPTIONS": "--network fnn --epochs 2 --limit 3000"}
    settings |= {"RUN": str(tmp_path / "run"), "DRAWING": str(tmp_path / "drawing.png")}
    set_to(notebook, settings | {"PUBLISH_TO": "someone/digits"})
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "mnist"))
    monkeypatch.setenv("MNIST_SHA256", sha256)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    execute(notebook, NOTEBOOK.parent)
    trained = (tmp_path / "run" / "model.safetensors").read_bytes()
    assert hub.files("someone/digits")["model.safetensors"] == trained
    result = r"MNIST test: \d\d\.\d\d % \(\d+ of 10,000 wrong\)"
    assert re.search(result, printed(notebook, "train"))
    assert pictures(notebook) == {"curves", "confusion", "misread", "drawing"}
    assert re.search(r"drawing\.png +4 +\d+\.\d%", printed(notebook, "read"))
    assert "someone/digits" in printed(notebook, "publish")


def test_alone_it_fetches_the_project_and_what_that_needs(tmp_path):
    """As in Colab, with a project that needs nothing."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    (project / "training").mkdir(parents=True)
    (project / "training" / "train.py").touch()
    (project / "Makefile").write_text(".venv/training-installed:\n\tmkdir .venv && touch $@\n")
    git = ["git", "-C", str(project), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "all"]):
        subprocess.run([*git, *command], check=True)
    elsewhere.mkdir()
    notebook = load()
    set_to(notebook, {"PROJECT": f"file://{project}"})
    index = position(notebook, "project")
    # Running the cell again ends in the same folder.
    again = nbformat.v4.new_code_cell(notebook.cells[index].source)
    notebook.cells = [*notebook.cells[: index + 1], again]
    execute(notebook, elsewhere)
    assert (elsewhere / "digits-project" / ".venv" / "training-installed").exists()
    assert not (elsewhere / "digits-project" / "digits-project").exists()

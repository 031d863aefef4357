"""Fixtures for training and publishing: a Hub on loopback, runs, and commands."""

import shutil
from pathlib import Path

import pytest

from digits import weights
from tests.support.commands import run_main
from tests.support.finished_run import write_finished_run, write_stand_in
from tests.support.training_support import small_hands
from training import publish
from training.console import UserError
from training.export import exports


def refusal(action, *arguments, **options):
    """Return the one-line message of the UserError that an action raises; it contains no token."""
    with pytest.raises(UserError) as caught:
        action(*arguments, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert "hf_" not in text
    return text


@pytest.fixture
def server(hub):
    """A Hub with one empty model repository."""
    hub.create("someone/digits")
    return hub


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """A finished run; do not modify it."""
    return write_finished_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="session")
def bundled(recognizer):
    """The bundled weights."""
    return recognizer.weights


@pytest.fixture(scope="session")
def hands():
    """Digits to compose lines and pages from."""
    return small_hands(40)


@pytest.fixture
def run(tmp_path):
    """A run with only the bundled weights; may be modified."""
    return Path(shutil.copytree(weights.BUNDLED, tmp_path / "run"))


@pytest.fixture
def new_exports(monkeypatch):
    """Write stand-ins for missing exports."""
    monkeypatch.setattr(exports, "write_format", write_stand_in)
    monkeypatch.setattr(exports, "checked", lambda _found, place, _mnist: exports.read(place))
    monkeypatch.setattr(publish, "load_mnist", lambda _data: None)


@pytest.fixture
def command(server, monkeypatch, capsys):
    """Run a module's command; return its exit status, 0 or the error line, and its output.

    Neither contains a token.
    """

    def run_command(module, *words, **environment):
        for name, value in ({"HF_TOKEN": server.token} | environment).items():
            monkeypatch.setenv(name, value)
        status = run_main(monkeypatch, module, *words)
        printed = capsys.readouterr().out
        assert "hf_" not in f"{printed}{status}"
        assert status == 0 or (status.startswith("error: ") and "\n" not in status)
        return status, printed

    return run_command

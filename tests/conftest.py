"""Shared by all tests: a clean environment, data sets if available, the app and a browser."""

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.browser import launch
from tests.support.page_support import ROOT, App, running_app
from tests.support.visitor import DESKTOP, PHONE, visiting

MAX_WORKERS = 8
"""Each loads TensorFlow and starts its own app, about 1.5 GB in total."""

# The same examples in every run; `pytest --hypothesis-profile long` searches for new ones.
settings.register_profile("tests", max_examples=60, derandomize=True, database=None, deadline=None)
settings.register_profile("long", max_examples=10_000, deadline=None)
settings.load_profile("tests")

FOREIGN = re.compile(
    r"ARGS|(GNU)?MAKE\w*|MFLAGS"  # set by the make that started the tests
    r"|(MODEL|CORRECTIONS)_\w+|MNIST_SHA256|SIGN_IN"  # our own settings
    r"|(HF|HUGGING\w*|GRADIO|SPACE|TF|KERAS|CUDA|XLA|TQDM)_\w+|SYSTEM|MPLBACKEND"
    r"|(GITHUB|ACTIONS|RUNNER)_\w+|GIT_\w+"  # set by a workflow or a Git hook
    r"|CI|ORT_\w+"  # disable ONNX Runtime's telemetry, which the app must do by itself
    r"|PYTHON\w*|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CLICOLOR\w*"
)
"""Variables that would change what the tested commands do or print."""

# Before anything imports TensorFlow, Gradio or huggingface_hub; in each pytest-xdist worker.
_FOLDER = Path(tempfile.mkdtemp(prefix="digits-tests-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
for _name in filter(FOREIGN.fullmatch, list(os.environ)):
    del os.environ[_name]
for _name in ("NO_PROXY", "no_proxy"):
    os.environ[_name] = ",".join(filter(None, [os.environ.get(_name), "127.0.0.1,localhost"]))
os.environ |= {
    "HF_HOME": str(_FOLDER / "hub"),
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "npm_config_cache": str(_FOLDER / "npm"),
    "GRADIO_TEMP_DIR": str(_FOLDER / "uploads"),
    "GRADIO_ANALYTICS_ENABLED": "False",
}


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker per logical core, up to `MAX_WORKERS`."""
    return min(os.cpu_count() or 1, MAX_WORKERS)


def _folder(variable: str, name: str) -> Path | None:
    """Return the folder named by an environment variable, or the one next to this checkout."""
    if variable in os.environ:
        return Path(os.environ[variable])
    beside = ROOT.parent / "shared" / name
    return beside if beside.is_dir() else None


@pytest.fixture(scope="session")
def mnist():
    """The real MNIST. Skips only if there is neither a local copy nor a network."""
    from training.data.mnist import DataError, load_mnist  # noqa: PLC0415 - imports TensorFlow

    folder = _folder("MNIST_DIR", "mnist")  # without one, Keras downloads it
    try:
        return load_mnist(folder)
    except DataError as error:
        if folder is None:
            pytest.skip(f"MNIST is not available, set MNIST_DIR: {error}")
        raise


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Path:
    """The bundled weights in every format; 8-bit ones are calibrated on our own drawings."""
    from digits import weights  # noqa: PLC0415 - not before the environment is clean
    from tests.support.training_support import drawn_images  # noqa: PLC0415
    from training.export import exports  # noqa: PLC0415 - imports TensorFlow

    folder = tmp_path_factory.mktemp("exports")
    found = weights.load_folder(weights.BUNDLED)
    images = drawn_images(seeds=(1, 2))[..., None]
    exports.export(found, folder, exports.FORMATS, lambda: images)
    return folder


@pytest.fixture(scope="session")
def drawn_folder() -> Path:
    """The folder of digits drawn by people, which is not part of the repository."""
    folder = _folder("DRAWN_DIR", "drawn")
    if folder is None:
        pytest.skip("the drawn digits are not available, set DRAWN_DIR")
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium; use a `new_context()` for each test."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def app() -> App:
    """The real app.py, started once per worker."""
    return running_app()


@pytest.fixture(scope="session")
def recognizer():
    """A recognizer with the bundled weights."""
    from digits import weights  # noqa: PLC0415 - not before the environment is clean
    from digits.recognizer import Recognizer  # noqa: PLC0415

    return Recognizer(weights.load_folder(weights.BUNDLED))


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A local Hub, used by the Hub client in this process and its children."""
    from tests.support.hub import connected_hub  # noqa: PLC0415 - not before the environment is clean

    with connected_hub(monkeypatch, tmp_path / "home") as running:
        yield running


@pytest.fixture
def page(chromium: Browser, app: App) -> Iterator[Page]:
    """The page on a desktop screen."""
    with visiting(chromium, app, DESKTOP) as page:
        yield page


@pytest.fixture
def phone(chromium: Browser, app: App) -> Iterator[Page]:
    """The page on a phone."""
    with visiting(chromium, app, PHONE) as page:
        yield page

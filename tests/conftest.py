"""What several tests share: a clean environment, the data where it is at hand, app and browser."""

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.browser import launch
from tests.support.page_support import App, running_app
from tests.support.visitor import DESKTOP, PHONE, visiting

ROOT = Path(__file__).resolve().parents[1]
MAX_WORKERS = 8
"""Each holds TensorFlow and an app of its own, about 1.5 GB together."""

# The same examples every time; `pytest --hypothesis-profile long` searches on its own.
settings.register_profile("tests", max_examples=60, derandomize=True, database=None, deadline=None)
settings.register_profile("long", max_examples=10_000, deadline=None)
settings.load_profile("tests")

FOREIGN = re.compile(
    r"ARGS|(GNU)?MAKE\w*|MFLAGS"  # of the make that started the tests
    r"|(MODEL|CORRECTIONS)_\w+|MNIST_SHA256|SIGN_IN"  # our own settings
    r"|(HF|HUGGING\w*|GRADIO|SPACE|TF|KERAS|CUDA|XLA|TQDM)_\w+|SYSTEM|MPLBACKEND"
    r"|(GITHUB|ACTIONS|RUNNER)_\w+|GIT_\w+"  # of a workflow, and of a hook
    r"|CI|ORT_\w+"  # keep ONNX Runtime from reporting to its maker, which only we should have to do
    r"|PYTHON\w*|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CLICOLOR\w*"
)
"""Variables that would change what the commands under test do or print."""


def isolate(environment: MutableMapping[str, str], folder: Path) -> None:
    """Take the caller's settings out of the environment, and give each library a place of its own.

    Args:
        environment: Is changed.
        folder: Where caches and uploads go.
    """
    for name in [name for name in environment if FOREIGN.fullmatch(name)]:
        del environment[name]
    loopback = "127.0.0.1,localhost"
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, [environment.get(name), loopback]))
    environment["HF_HOME"] = str(folder / "hub")
    environment["HF_HUB_DISABLE_TELEMETRY"] = "1"
    environment["npm_config_cache"] = str(folder / "npm")
    environment["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    environment["GRADIO_ANALYTICS_ENABLED"] = "False"


# Before anything imports TensorFlow, Gradio or huggingface_hub; in each of pytest-xdist's workers.
_FOLDER = Path(tempfile.mkdtemp(prefix="digits-tests-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
isolate(os.environ, _FOLDER)


def pytest_xdist_auto_num_workers() -> int:
    """As many workers as there are cores that threads may use, hyperthreads too."""
    return min(os.cpu_count() or 1, MAX_WORKERS)


def _folder(variable: str, name: str) -> Path | None:
    """Return the folder that the environment variable names, or the one beside this checkout."""
    if variable in os.environ:
        return Path(os.environ[variable])
    beside = ROOT.parent / "shared" / name
    return beside if beside.is_dir() else None


@pytest.fixture(scope="session")
def mnist():
    """The real MNIST. Skips only where there is neither a copy nor a network to get one."""
    from training.data.mnist import DataError, load_mnist  # noqa: PLC0415 - imports TensorFlow

    folder = _folder("MNIST_DIR", "mnist")  # without one, Keras downloads it
    try:
        return load_mnist(folder)
    except DataError as error:
        if folder is None:
            pytest.skip(f"MNIST is not at hand, set MNIST_DIR: {error}")
        raise


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Path:
    """The bundled weights in every format; 8 bits are fitted to drawings of our own."""
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
    """The folder of digits that people drew; it is not part of the repository."""
    folder = _folder("DRAWN_DIR", "drawn")
    if folder is None:
        pytest.skip("the drawn digits are not at hand, set DRAWN_DIR")
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium; take a `new_context()` for each test."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def app() -> App:
    """The real app.py, started once for all tests of a worker."""
    return running_app()


@pytest.fixture(scope="session")
def recognizer():
    """The bundled weights, ready to read."""
    from digits import weights  # noqa: PLC0415 - not before the environment is clean
    from digits.recognizer import Recognizer  # noqa: PLC0415

    return Recognizer(weights.load_folder(weights.BUNDLED))


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub on the loopback, to which the Hub's client turns in this process and its children."""
    from tests.support.hub import connected_hub  # noqa: PLC0415 - not before all is clean

    with connected_hub(monkeypatch, tmp_path / "home") as running:
        yield running


@pytest.fixture
def page(chromium: Browser, app: App) -> Iterator[Page]:
    """The page on a desktop's screen."""
    with visiting(chromium, app, DESKTOP) as page:
        yield page


@pytest.fixture
def phone(chromium: Browser, app: App) -> Iterator[Page]:
    """The page on a phone."""
    with visiting(chromium, app, PHONE) as page:
        yield page

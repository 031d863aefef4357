"""What several tests need: the data where it is at hand, a browser."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import launch
from tests.page_support import App, running_app
from tests.visitor import DESKTOP, PHONE, visiting

ROOT = Path(__file__).resolve().parents[1]

# The same examples every time; `pytest --hypothesis-profile long` searches on its own.
settings.register_profile("tests", max_examples=60, derandomize=True, database=None, deadline=None)
settings.register_profile("long", max_examples=10_000, deadline=None)
settings.load_profile("tests")

# Before anything imports TensorFlow, Gradio or huggingface_hub; started servers inherit it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
for name in ("MODEL_REPO", "MODEL_REVISION", "HF_ENDPOINT", "HF_TOKEN", "GRADIO_SERVER_PORT"):
    os.environ.pop(name, None)


def _folder(variable: str, name: str) -> Path | None:
    """Return the folder that the environment variable names, or the one beside this checkout."""
    if variable in os.environ:
        return Path(os.environ[variable])
    beside = ROOT.parent / "shared" / name
    return beside if beside.is_dir() else None


@pytest.fixture(scope="session")
def mnist_folder() -> Path | None:
    """The folder with MNIST's four files; None stands for Keras' own download."""
    return _folder("MNIST_DIR", "mnist")


@pytest.fixture(scope="session")
def mnist(mnist_folder):
    """The real MNIST. Skips only where there is neither a copy nor a network to get one."""
    from training.data import DataError, load_mnist  # noqa: PLC0415 - imports TensorFlow

    try:
        return load_mnist(mnist_folder)
    except DataError as error:
        if mnist_folder is None:
            pytest.skip(f"MNIST is not at hand, set MNIST_DIR: {error}")
        raise


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Path:
    """The bundled weights in every format; 8 bits are fitted to drawings of our own."""
    from digits import weights  # noqa: PLC0415 - imports TensorFlow
    from tests.training_support import drawn_images  # noqa: PLC0415
    from training import export  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("exports")
    found = weights.load_folder(weights.BUNDLED)
    images = drawn_images(seeds=(1, 2))[..., None]
    export.export(found, folder, export.FORMATS, lambda: images)
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


@pytest.fixture(scope="module")
def app() -> App:
    """The real app.py, started once for all tests."""
    return running_app()


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

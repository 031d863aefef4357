"""Settings of the caller of pytest do not reach the commands under test."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.commands import done

LEAKS = [
    *("ARGS", "MAKEFLAGS", "GNUMAKEFLAGS", "MAKELEVEL", "MAKEFILES", "MFLAGS"),
    *("MODEL_REPO", "MODEL_POLL_SECONDS", "CORRECTIONS_REPO", "MNIST_SHA256", "SIGN_IN"),
    *("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HUGGING_FACE_HUB_TOKEN"),
    *("HUGGINGFACE_HUB_CACHE", "GRADIO_SERVER_PORT", "GRADIO_SHARE", "SPACE_ID", "SYSTEM"),
    *("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES"),
    *("GITHUB_STEP_SUMMARY", "ACTIONS_ID_TOKEN_REQUEST_URL", "GIT_DIR", "GIT_INDEX_FILE"),
    *("PYTHON", "PYTHONPATH", "PYTHONWARNINGS", "COLUMNS", "FORCE_COLOR"),
]
PRINT_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"
AS_A_TEST = f"""
import subprocess, sys
from tests import conftest
subprocess.run([sys.executable, "-c", {PRINT_ENVIRONMENT!r}], check=True)
"""


@pytest.fixture(scope="module")
def seen():
    """The environment of a test's subprocess if the caller has set all of these."""
    environment = os.environ | dict.fromkeys([*LEAKS, "MNIST_DIR", "no_proxy"], "1")
    ended = done(sys.executable, "-c", AS_A_TEST, cwd=ROOT, env=environment)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_subprocess_sees_nothing_of_what_the_caller_has_set(seen):
    assert {name for name in LEAKS if seen.get(name) == "1"} == set()
    assert seen["MNIST_DIR"] == "1"  # names data for the tests
    assert seen["no_proxy"] == "1,127.0.0.1,localhost"


def test_each_process_of_the_tests_has_places_of_its_own(seen):
    places = ("HF_HOME", "GRADIO_TEMP_DIR", "npm_config_cache")
    assert not {os.environ[name] for name in places} & {seen[name] for name in places}
    assert not Path(seen["HF_HOME"]).parent.exists()  # removed at exit

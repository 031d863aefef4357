"""No library logs to stderr, on any machine.

TensorFlow logs on some processors only, so a one-line module stands in for it, except in one test.
"""

import os
import sys

import pytest

from tests.conftest import ROOT
from tests.support.commands import done

NOISY = "import os; os.write(2, b'oneDNN custom operations are on\\n')\n"


def python(code, folder, tensorflow=None, prefix=()):
    """Run code, with a fake `tensorflow.py` if given; return its stdout and stderr."""
    if tensorflow:
        (folder / "tensorflow.py").write_text(tensorflow)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    ended = done(*prefix, sys.executable, "-c", code, env=environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, ended.stderr


@pytest.mark.parametrize(
    ("package", "set_to", "level"),
    [("training", None, 3), ("benchmarks", None, 3), ("training", "0", 0)],
)
def test_what_is_logged_while_tensorflow_is_imported_is_not_seen_and_a_level_that_is_set_stays(
    package, set_to, level, tmp_path, monkeypatch
):
    if set_to is not None:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", set_to)
    code = f"import {package}, tensorflow, os, sys\n"
    code += "print(os.environ['TF_CPP_MIN_LOG_LEVEL']); print('ours', file=sys.stderr)"
    assert python(code, tmp_path, NOISY) == (f"{level}\n", "ours\n")


@pytest.mark.parametrize("one_dnn", ["0", "1"])
def test_the_real_one_computes_in_silence(tmp_path, monkeypatch, one_dnn):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", one_dnn)
    code = "import training, tensorflow as tf\n"
    code += "print(int(tf.function(lambda x: x + 1, jit_compile=True)(1)))"
    assert python(code, tmp_path) == ("2\n", "")


def test_stderr_is_back_where_the_import_fails(tmp_path):
    code = "import training, sys\ntry: import tensorflow\n"
    code += "except ImportError as error: print(error, file=sys.stderr)"
    noisy_and_broken = f"{NOISY}raise ImportError('no such library')"
    assert python(code, tmp_path, noisy_and_broken) == ("", "no such library\n")


def test_an_import_with_stderr_closed_succeeds(tmp_path):
    closed = ["sh", "-c", 'exec "$@" 2>&-', "sh"]
    code = "import training, tensorflow; print('imported')"
    assert python(code, tmp_path, "import os", closed) == ("imported\n", "")


def test_matplotlib_does_not_warn_of_a_home_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLCONFIGDIR", "/dev/null/none")
    code = "import training, matplotlib; print('null' in matplotlib.get_configdir())"
    assert python(code, tmp_path) == ("False\n", "")

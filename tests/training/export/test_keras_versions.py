"""The Keras exports, loaded by the oldest supported Keras."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from digits import networks
from digits.recognizer import Recognizer
from tests.support.commands import done
from tests.support.training_support import random_weights
from training.export import exports

OLDEST = ("keras==3.3.3", "jax==0.4.38", "jaxlib==0.4.38", "numpy==1.26.4", "packaging==24.2")

OPEN = """
import sys, keras, numpy
folder = sys.argv[1]
images = numpy.load(folder + "/images.npy")
for name in sys.argv[2:]:
    model = keras.saving.load_model(folder + "/" + name, compile=False)
    numpy.save(folder + "/" + name + ".npy", numpy.asarray(model(images)))
print(keras.__version__)
"""


@pytest.mark.nightly
def test_keras_files_of_every_network_load_in_the_oldest_keras(tmp_path):
    images = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
    np.save(tmp_path / "images.npy", images)
    expected = {}
    for network in networks.NETWORKS:
        found = random_weights(network)
        for kind in ("keras", "h5"):
            name = f"{network}.{kind}"
            exports.write_format(kind, found, tmp_path / name, pytest.fail)
            expected[name] = Recognizer(found).predict_images(images[..., 0])
    uv = str(Path(sys.executable).with_name("uv"))
    python = str(tmp_path / "old" / "bin" / "python")
    subprocess.run(
        [uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "old"], check=True
    )
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *OLDEST], check=True)
    ended = done(python, "-c", OPEN, tmp_path, *expected, env={"KERAS_BACKEND": "jax"})
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.strip().endswith("3.3.3")
    for name, rows in expected.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), rows, atol=1e-5)

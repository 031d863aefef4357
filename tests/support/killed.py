"""Kill commands at critical moments by a real SIGKILL, so that nothing is cleaned up.

Imports take seconds, so one process does them and forks for each command:

    kill(release, {"request": "/commit/"}, hub.url, hub.token, run, repo)

A command is killed while writing a file (half of it, for the nth time), between a request and its
response, while sending, or before deleting its checkpoint.
"""

import importlib
import itertools
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from huggingface_hub import HfApi, constants

from digits.corrections import Correction, Corrections
from training import deploy, publish, run_folder

SPACE_FILES = {"app.py": b"print(1)", "digits/bundled/model.safetensors": bytes(1000)}

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload([__name__])


def kill(
    command: Callable[..., object], death: dict[str, Any], *arguments: object, **settings: object
) -> None:
    """Run a function that must be killed; AssertionError if it is not."""
    process = _SERVER.Process(target=_run, args=(command, death, *arguments), kwargs=settings)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL, (command, death)


def _run(command, death, *arguments, **settings):
    constants.HF_HUB_DISABLE_XET = True
    if command is train_a_little:
        importlib.import_module("training.train")
    [(kind, where)] = death.items()
    _DEATHS[kind](where)
    command(*arguments, **settings)


def train_a_little(folder: Path, **settings: object) -> dict[str, Any]:
    """Train for two epochs without plots; return the metrics."""
    # TensorFlow takes seconds to import, which the other commands avoid.
    from tests.support.training_support import small_mnist  # noqa: PLC0415
    from training.recipes import Recipe  # noqa: PLC0415
    from training.train import Job, train  # noqa: PLC0415

    settings = {"optimizer": "adamw", "weight_decay": 0.01, "ema_momentum": 0.5} | settings
    recipe = Recipe(network="dropout", epochs=2, batch_size=32, learning_rate=0.003, **settings)
    with mock.patch("training.result.draw_figures"):
        return train(Job(recipe=recipe, limit=60), small_mnist(60, 20), folder)


def release(url, token, run, repo):
    return publish.publish(HfApi(url, token=token), run, repo, tag="v1")


def deploy_files(url, token, space, model_repo):
    return deploy.send(HfApi(url, token=token), space, SPACE_FILES, model_repo=model_repo)


def correct(url, token, repo):
    os.environ["HF_ENDPOINT"] = url
    corrections = Corrections(repo, token, commit_seconds=0)
    images = np.eye(28, dtype=np.float32), np.ones((28, 28), np.float32)
    for future in [corrections.submit(Correction(image, 7, 1, 0.5, {})) for image in images]:
        future.result(60)


def _die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def _die_over_file(where):
    name, nth = where
    times = itertools.count(1)

    def flush(path):
        if path.name == f".partial-{name}" and next(times) == nth:
            os.truncate(path, path.stat().st_size // 2)
            _die()

    run_folder._flush = flush  # noqa: SLF001 - called when a file is complete but not yet renamed


def _die_after_request(path):
    send, receive, asked = socket.socket.send, socket.socket.recv, [""]

    def sending(self, data, *flags):
        line = bytes(data[:500]).split(b"\r\n")[0]
        if line.endswith(b" HTTP/1.1"):
            asked[0] = line.decode()
        return send(self, data, *flags)

    def receiving(self, *arguments):
        if path in asked[0]:
            _die()
        return receive(self, *arguments)

    socket.socket.send, socket.socket.recv = sending, receiving


def _die_after_bytes(count):
    send, left = socket.socket.send, [count]

    def sending(self, data, *flags):
        if left[0] < len(data):
            send(self, bytes(data[: left[0]]), *flags)
            _die()
        left[0] -= len(data)
        return send(self, data, *flags)

    socket.socket.send = sending


def _die_on_deleting(_name):
    run_folder.RunFolder.remove_checkpoint = _die


_DEATHS = {
    "file": _die_over_file,
    "request": _die_after_request,
    "bytes": _die_after_bytes,
    "deleting": _die_on_deleting,
}

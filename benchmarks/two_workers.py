"""What a second machine could bring to training: one worker beside two, on a core each.

    python -m benchmarks.two_workers
    python -m benchmarks.two_workers --network fnn --steps 5

The workers are processes that find each other by `TF_CONFIG`, as on two machines, and share each
batch of 128 images; their steps are of a loop that is written here. It is processor time that
counts, so that the figures hold on two cores that have other things to do as well. At the end both
try Keras' own `fit`, which is what `training.train` calls.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any, Final

from benchmarks.serving import ROOT, BenchmarkError, free_ports
from digits import networks
from training import console

BATCH: Final = 128

_WARM_UP: Final = 3
_ENVIRONMENT: Final = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "PYTHONWARNINGS": "ignore",
}
_PATIENCE_SECONDS: Final = 600

Found = dict[str, Any]


def measure(network: str, steps: int, workers: int) -> list[Found]:
    """Let workers train together, each in a process of its own.

    Returns:
        Of each worker `step_ms` of processor time, the sum of all `weights` at the end, by which
        they know that they agree, and `fit`: how far Keras' own came.

    Raises:
        BenchmarkError: If one of them fails.
    """
    addresses = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    command = [sys.executable, "-m", "benchmarks.two_workers", "--as-worker"]
    command += ["--network", network, "--steps", str(steps)]
    processes = []
    for index in range(workers):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            cwd=ROOT,
            env={**os.environ, **_ENVIRONMENT, "TF_CONFIG": json.dumps(task)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
    try:
        return [_answer(process) for process in processes]
    finally:
        for process in processes:
            process.kill()


def _answer(process: subprocess.Popen[str]) -> Found:
    try:
        printed, log = process.communicate(timeout=_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"a worker took longer than {_PATIENCE_SECONDS} s") from error
    if process.returncode:
        raise BenchmarkError(f"a worker failed: {log.strip()[-500:]}")
    found: Found = json.loads(printed.splitlines()[-1])
    return found


def describe(alone: Found, together: list[Found]) -> str:
    """Say in three lines what was measured."""
    step = statistics.fmean(found["step_ms"] for found in together)
    return (
        f"one worker: {alone['step_ms']:.0f} ms of processor time a step of {BATCH} images\n"
        f"two workers: {step:.0f} ms each for half of them, {alone['step_ms'] / step:.2f} times "
        "faster\n"
        f"fit of two workers: {together[0]['fit']}"
    )


def _work(network: str, steps: int) -> Found:
    """Train beside the others that `TF_CONFIG` names."""
    import keras  # noqa: PLC0415 - only workers need it
    import numpy as np  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    from training import keras_networks  # noqa: PLC0415

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    share = BATCH // strategy.num_replicas_in_sync
    with strategy.scope():
        model = keras_networks.build(network)
        model.compile(keras.optimizers.AdamW(), "sparse_categorical_crossentropy")
        model.optimizer.build(model.trainable_variables)
    images, labels = tf.random.uniform((share, *networks.IMAGE_SHAPE)), tf.zeros(share, tf.int64)
    weights = model.trainable_variables

    def one_step() -> None:
        with tf.GradientTape() as tape:
            found = model(images, training=True)
            losses = keras.losses.sparse_categorical_crossentropy(labels, found)
            loss = keras.ops.sum(losses) / BATCH
        model.optimizer.apply(tape.gradient(loss, weights), weights)

    step = tf.function(lambda: strategy.run(one_step))
    took = []
    for _ in range(_WARM_UP + steps):
        began = time.process_time()
        step()
        took.append(time.process_time() - began)
    return {
        "step_ms": 1000 * statistics.median(took[_WARM_UP:]),
        "weights": float(sum(np.abs(weight.numpy()).sum() for weight in weights)),
        "fit": _fit(model, images, labels),
    }


def _fit(model: Any, images: Any, labels: Any) -> str:  # noqa: ANN401 - TensorFlow has no types
    import tensorflow as tf  # noqa: PLC0415 - only workers need it

    data = tf.data.Dataset.from_tensors((images, labels)).repeat(4)
    try:
        model.fit(data, verbose=0)
    except (ValueError, TypeError, RuntimeError) as error:
        return f"stops: {str(error).splitlines()[0]} ... {str(error).splitlines()[-1]}"
    return "runs"


def main() -> None:
    """Measure, or be one of those that are measured."""
    parser = console.parser("benchmarks.two_workers", "One worker beside two.")
    parser.add_argument(
        "--network", choices=list(networks.NETWORKS), default=networks.DEFAULT_NETWORK
    )
    parser.add_argument("--steps", type=int, default=20, help="how many are measured")
    parser.add_argument("--as-worker", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.as_worker:
        sys.stdout.write(json.dumps(_work(asked.network, asked.steps)) + "\n")
        return
    [alone] = measure(asked.network, asked.steps, 1)
    sys.stdout.write(describe(alone, measure(asked.network, asked.steps, 2)) + "\n")


if __name__ == "__main__":
    console.run(main)

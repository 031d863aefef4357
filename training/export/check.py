"""Compare exported files with the app, each in its own runtime, and time them.

Compared are the probabilities of the ten digits and the answers: a digit, or none if the score is
too low. Times are processor time over all cores, so other programs on the machine do not count.
"""

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import onnxruntime
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from digits.ink import InkArray
from digits.recognizer import Recognizer
from digits.weights import Weights
from training.data.mnist import Mnist, as_input
from training.evaluation import datasets
from training.evaluation.metrics import Figures, median_seconds
from training.export.formats import INPUT, NO_DIGIT, OUTPUT, VERSION
from training.handwriting import strokes
from training.quiet_imports import stderr_discarded

Rows = npt.NDArray[np.float32]
Runtime = Callable[[InkArray], Rows]
"""Maps `(N, 28, 28)` float32 images to `(N, 10)` float32 probabilities of the digits."""

_BATCH = 500
_SINGLE = 200


def open_runtime(name: str, path: Path) -> Runtime:
    """Load an export in its own runtime, on one thread where that can be set."""
    match name:
        case "onnx":
            return _onnx(path)
        case "tflite" | "tflite-int8":
            return _litert(path)
        case "savedmodel":
            return _saved_model(path / VERSION)
        case _:
            return _keras(path)


def _keras(path: Path) -> Runtime:
    model = keras.models.load_model(path, compile=False)
    run = tf.function(lambda images: model(images, training=False), autograph=False)
    return lambda images: run(tf.constant(images[..., None])).numpy()[:, :10]


def _saved_model(path: Path) -> Runtime:
    serve = tf.saved_model.load(str(path), tags=["serve"]).signatures["serving_default"]

    def run(images: InkArray) -> Rows:
        said = serve(**{INPUT: tf.constant(images)})
        confidences = said["confidences"].numpy()
        return confidences * (said["score"].numpy() / confidences.max(axis=1))[:, None]

    return run


def _litert(path: Path) -> Runtime:
    with stderr_discarded():  # LiteRT logs the first delegate it creates
        interpreter = Interpreter(str(path), num_threads=1)
        run = interpreter.get_signature_runner("serving_default")
    return lambda images: run(**{INPUT: images[..., None]})[OUTPUT][:, :10]


def _onnx(path: Path) -> Runtime:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run([OUTPUT], {INPUT: images[..., None]})[0][:, :10]


def check(
    found: Weights, paths: Mapping[str, Path], mnist: Mnist, drawn: Path | None = None
) -> Figures:
    """Compare exported files or folders, by format, with the app.

    Uses MNIST's test images and, if the folder `drawn` is given, its recorded pen strokes.

    Returns:
        `formats`: by name `milliseconds` for a single picture, `milliseconds_in_batches`, and by
        set of pictures the figures of `compare`. `machine`: the hardware.
    """
    recognizer = Recognizer(found)
    shown: dict[str, tuple[InkArray, npt.NDArray[Any]]] = {
        "mnist_test": (as_input(mnist.test_images)[..., 0], mnist.test_labels)
    }
    samples = strokes.load(drawn, "digits") if drawn else []
    if samples:
        written = datasets.sketches("drawn", samples, recognizer.look)
        shown["drawn"] = (written.prepared, written.labels)
    figures: Figures = {"machine": {"cpu": platform.machine(), "cores": os.cpu_count()}}
    expected = {
        name: np.concatenate([recognizer.predict_images(part)[:, :10] for part in _parts(images)])
        for name, (images, _) in shown.items()
    }
    figures["formats"] = {
        name: _measured(open_runtime(name, path), shown, expected, found.config.rejection_threshold)
        for name, path in paths.items()
    }
    return figures


def compare(
    rows: Rows, expected: Rows, labels: npt.NDArray[np.integer[Any]], rejection_threshold: float
) -> Figures:
    """Compare `(N, 10)` probabilities with those of the app.

    Returns:
        `count`; `largest_difference` of a probability; `other_answers`, how many answers differ;
        `errors` and `app_errors`, how many top-1 digits are wrong.
    """
    return {
        "count": len(labels),
        "largest_difference": float(np.abs(rows - expected).max()),
        "other_answers": int(
            (_answers(rows, rejection_threshold) != _answers(expected, rejection_threshold)).sum()
        ),
        "errors": int((rows.argmax(axis=1) != labels).sum()),
        "app_errors": int((expected.argmax(axis=1) != labels).sum()),
    }


def _measured(
    run: Runtime,
    shown: Mapping[str, tuple[InkArray, npt.NDArray[Any]]],
    expected: Mapping[str, Rows],
    rejection_threshold: float,
) -> Figures:
    first = next(iter(shown.values()))[0]
    alone = [first[index : index + 1] for index in range(min(_SINGLE, len(first)))]
    figures: Figures = {"milliseconds": 1000 * median_seconds(run, alone)}
    seconds, count = 0.0, 0
    for name, (images, labels) in shown.items():
        rows = []
        for part in _parts(images):
            began = time.process_time()
            rows.append(run(part))
            # The first batch is a warm-up.
            if len(rows) > 1:
                seconds, count = seconds + time.process_time() - began, count + len(part)
        figures[name] = compare(np.concatenate(rows), expected[name], labels, rejection_threshold)
    return {"milliseconds_in_batches": 1000 * seconds / max(count, 1), **figures}


def _parts(images: InkArray) -> Iterator[InkArray]:
    """Split a set into batches, which bounds the memory used."""
    return (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))


def _answers(rows: Rows, rejection_threshold: float) -> npt.NDArray[np.int64]:
    return np.where(rows.max(axis=1) < rejection_threshold, NO_DIGIT, rows.argmax(axis=1))

"""The results of a finished run: weights, calibration, metrics and figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from digits import weights
from digits.weights import BUNDLED, CONFIG_FILE, METRICS_FILE, WEIGHTS_FILE
from training import calibrate, keras_networks, plots
from training.data.mnist import Mnist, as_input
from training.recipes import Recipe
from training.run_folder import Row, RunFolder

SCORING_BATCH = 500
"""Batch size for inference; affects only memory."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained network: its recipe, the metrics of each epoch, and the validation indices."""

    recipe: Recipe
    model: keras.Model
    rows: list[Row]
    validation: NDArray[np.int64]


def draw_figures(
    run: RunFolder, mnist: Mnist, tested: NDArray[np.float32], rows: list[Row]
) -> None:
    """Save the figures of a run, from `(N, classes)` calibrated probabilities of the test set."""
    title, labels, confidences = "MNIST test", mnist.test_labels, _confidences(tested)
    figures = {
        "learning-curves.png": plots.learning_curves(rows),
        "confusion.png": plots.confusion(labels, confidences.argmax(axis=1), title),
        "misread.png": plots.misread(mnist.test_images, labels, confidences, title),
        "reliability.png": plots.reliability_diagram(
            calibrate.reliability(confidences, labels), title
        ),
    }
    for name, figure in figures.items():
        run.write_figure(name, figure)


def finish(
    fitted: Fitted, mnist: Mnist, run: RunFolder, described: Mapping[str, Any]
) -> dict[str, Any]:
    """Calibrate on the validation images, evaluate on the test set once, and save all results.

    Returns:
        The content of `metrics.json`: the metrics, and the description of the run.
    """
    labels = mnist.train_labels[fitted.validation]
    raw = _probabilities(fitted.model, mnist.train_images[fitted.validation])
    temperature = calibrate.fit_temperature(raw, labels)
    validated = calibrate.apply_temperature(raw, temperature)
    share = calibrate.SERVED_REJECTED_SHARE
    rejection_threshold = calibrate.choose_rejection_threshold(_scores(validated), share)
    tested = calibrate.apply_temperature(
        _probabilities(fitted.model, mnist.test_images), temperature
    )
    test = _measure(tested, mnist.test_labels, rejection_threshold)
    config = {
        "network": fitted.recipe.network,
        "temperature": temperature,
        "rejection_threshold": rejection_threshold,
    }
    metrics = {
        "network": fitted.recipe.network,
        "mnist_test": test,
        "validation": _measure(validated, labels, rejection_threshold),
        "ece": test["ece"],
        "ece_bins": calibrate.BINS,
        "temperature": temperature,
        "rejection_threshold": rejection_threshold,
        "parameters": fitted.model.count_params(),
        "epochs": len(fitted.rows),
        "seconds": round(sum(row["seconds"] for row in fitted.rows), 1),
        **described,
    }
    draw_figures(run, mnist, tested, fitted.rows)
    tensors = keras_networks.read_tensors(fitted.model)
    run.write_bytes(WEIGHTS_FILE, weights.serialize(tensors))
    if fitted.recipe.legacy_h5:
        bare = keras_networks.build(fitted.recipe.network)
        keras_networks.assign_tensors(bare, tensors)
        run.save_legacy_h5("model.h5", bare)
    run.write_json(CONFIG_FILE, config | run.complete(BUNDLED))
    run.write_json(METRICS_FILE, metrics)
    run.remove_checkpoint()
    return metrics


def _probabilities(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return model.predict(as_input(images), batch_size=SCORING_BATCH, verbose=0)


def _scores(calibrated: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the calibrated probability of the likeliest digit, as `digits.recognizer` does."""
    return calibrated[:, :10].max(axis=1).astype(np.float64)


def _confidences(calibrated: NDArray[np.float32]) -> NDArray[np.float64]:
    digits = calibrated[:, :10].astype(np.float64)
    return digits / digits.sum(axis=1, keepdims=True)


def _measure(
    calibrated: NDArray[np.float32], labels: NDArray[np.uint8], rejection_threshold: float
) -> dict[str, float]:
    """Count errors and rejections, and measure calibration; rejected answers count as well."""
    confidences = _confidences(calibrated)
    errors = int((confidences.argmax(axis=1) != labels).sum())
    return {
        "errors": errors,
        "count": len(labels),
        "top1_accuracy": 1 - errors / len(labels),
        "ece": calibrate.reliability(confidences, labels).ece,
        "rejected": int((_scores(calibrated) < rejection_threshold).sum()),
    }


def summary(metrics: dict[str, Any]) -> str:
    """Summarize the metrics of a run in three lines."""
    test, validation = metrics["mnist_test"], metrics["validation"]
    return (
        f"{metrics['network']}: {metrics['parameters']:,} parameters, {metrics['epochs']} epochs, "
        f"{metrics['seconds']:.0f} s, seed {metrics['seed']}\n"
        f"MNIST test: {100 * test['top1_accuracy']:.2f} % "
        f"({test['errors']} of {test['count']:,} wrong), ECE {100 * test['ece']:.2f} %, "
        f"{test['rejected']} rejected\n"
        f"validation: {100 * validation['top1_accuracy']:.2f} % "
        f"({validation['errors']} of {validation['count']:,} wrong), "
        f"temperature {metrics['temperature']:.3f}"
    )

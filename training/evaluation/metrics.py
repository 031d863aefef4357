"""Predictions of a set of weights for a test set, and the metrics computed from them."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.stats import mannwhitneyu

from digits.recognizer import Recognizer
from training import calibrate
from training.evaluation.corruptions import CORRUPTIONS
from training.evaluation.datasets import PictureSet
from training.synthesis.non_digits import KINDS

_BATCH = 500  # limits memory; does not affect results
NON_DIGITS = ("letters", *KINDS)

Figures = dict[str, Any]
"""Measured values by name, nested; leaves are numbers."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Predictions for one set of pictures.

    Attributes:
        labels: `(N,)` int64 true digits.
        confidences: `(N, 10)` float64 by digit; all 0.1 for a blank picture.
        scores: `(N,)` float64 in `[0, 1]`; 0 for a blank picture.
        answered: `(N,)` bool, false where no digit is predicted.
    """

    labels: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    answered: npt.NDArray[np.bool_]

    @property
    def misread(self) -> npt.NDArray[np.bool_]:
        """Where the likeliest digit is wrong, rejected or not, or the picture is read as blank."""
        wrong = self.confidences.argmax(axis=1) != self.labels
        return np.asarray(wrong | (self.scores == 0), bool)


def answer(recognizer: Recognizer, pictures: PictureSet, *, resized: bool) -> Answers:
    """Predict a whole set as for visitors; with `resized`, from its plainly resized pictures."""
    if resized:
        images = pictures.resized
        parts = (images[at : at + _BATCH] for at in range(0, len(images), _BATCH))
        rows = np.concatenate([recognizer.predict_images(part) for part in parts])
        predictions = list(map(recognizer.decide, images, rows))
    else:
        seen = zip(pictures.candidates, pictures.layouts, strict=True)
        predictions = [
            recognizer.select(candidates, partial(lambda found: found, layout))
            for candidates, layout in seen
        ]
    return Answers(
        pictures.labels,
        np.array([prediction.confidences for prediction in predictions]),
        np.array([prediction.score for prediction in predictions]),
        np.array([prediction.digit is not None for prediction in predictions]),
    )


def median_seconds(ask: Callable[[Any], object], asked: Sequence[Any]) -> float:
    """Return the median processor time of an answer on one core; the first quarter is warm-up."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        seconds = []
        for one in asked:
            start = time.process_time()
            ask(one)
            seconds.append(time.process_time() - start)
    finally:
        cv2.setNumThreads(threads)
    return statistics.median(seconds[len(seconds) // 4 :])


def measure(answers: Mapping[str, Answers]) -> Figures:
    """Compute all figures from the answers to `datasets.picture_sets`, by name of the set."""
    figures: Figures = {
        name: _recognition(answers[name])
        for name in ("mnist_test", "drawn", "photos", "sheets")
        if name in answers
    }
    figures["corruptions"] = corruption_figures(answers)
    real = answers.get("drawn", answers["mnist_test"])
    figures["rejection"] = rejection(real, {k: answers[k] for k in NON_DIGITS if k in answers})
    return figures


def _recognition(answers: Answers) -> Figures:
    """Count errors with and without rejected answers, and measure calibration."""
    errors = int(answers.misread.sum())
    return {
        "errors": errors,
        "count": len(answers.labels),
        "top1_accuracy": 1 - errors / len(answers.labels),
        "errors_or_rejected": int((answers.misread | ~answers.answered).sum()),
        "ece": calibrate.reliability(answers.confidences, answers.labels).ece,
    }


def corruption_figures(answers: Mapping[str, Answers]) -> Figures:
    """Count the errors per corruption and average the error rates."""
    kinds = {
        kind: {"errors": int(answers[kind].misread.sum()), "count": len(answers[kind].labels)}
        for kind in CORRUPTIONS
        if kind in answers
    }
    shares = [kind["errors"] / kind["count"] for kind in kinds.values()]
    return {"kinds": kinds, "mean_error": float(np.mean(shares))}


def rejection(real: Answers, non_digits: Mapping[str, Answers]) -> Figures:
    """Measure how well non-digits are rejected at the threshold that rejects 2 % of the digits."""
    threshold = calibrate.choose_rejection_threshold(real.scores)
    figures: Figures = {
        "threshold": threshold,
        "rejected": {kind: float((a.scores < threshold).mean()) for kind, a in non_digits.items()},
        "digits_rejected_as_served": float((~real.answered).mean()),
        "rejected_as_served": {kind: float((~a.answered).mean()) for kind, a in non_digits.items()},
    }
    if "letters" in non_digits:
        figures["auroc_letters"] = auroc(real.scores, non_digits["letters"].scores)
    return figures


def auroc(
    positive: npt.NDArray[np.floating[Any]], negative: npt.NDArray[np.floating[Any]]
) -> float:
    """Return the probability that a positive scores above a negative; ties count half."""
    pairs = len(positive) * len(negative)
    return float(mannwhitneyu(positive, negative).statistic / pairs)


def spread(measured: Sequence[Figures]) -> tuple[Figures, Figures]:
    """Return the mean and sample standard deviation of every figure over several seeds.

    Both have the structure of the figures; the deviation of a single seed is 0.
    """
    mean: Figures = {}
    deviation: Figures = {}
    for key, value in measured[0].items():
        column = [figures[key] for figures in measured]
        if isinstance(value, dict):
            mean[key], deviation[key] = spread(column)
        else:
            mean[key] = float(np.mean(column))
            deviation[key] = float(np.std(column, ddof=1)) if len(column) > 1 else 0.0
    return mean, deviation

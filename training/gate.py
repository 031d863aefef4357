"""Decide whether a run is good enough to be published: the gate of the train workflow.

    python -m training.gate RUN_FOLDER --repo OWNER/NAME

evaluates the run's weights, and the ones that the repository holds now, on the same pictures. Every
metric must stay within its limit, and must not be worse than the published one by more than chance
explains (`training.evaluation.significance`). If all pass, `gate.json` in the run folder records
that for `python -m training.publish --gated`; otherwise the command exits with status 1 and names
the metrics that failed.

A run's own metrics are not trusted: the gate also fails if metrics.json, which the page and the
model card show, differs from the number of MNIST test errors measured here.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from digits.recognizer import Recognizer
from digits.weights import Weights
from training import calibrate, console
from training.calibrate import Reliability
from training.console import UserError
from training.data.mnist import load_mnist
from training.evaluation import metrics, significance
from training.evaluation.datasets import NO_DIGIT, LookAt, PictureSet
from training.evaluation.metrics import Answers
from training.release import gate_pictures, gate_result, published
from training.release.gate_result import TITLES, Number, as_markdown, as_text
from training.release.published import Published
from training.run_folder import RunFolder, load_run

_NEAR_TIE = 1e-3
"""Two probabilities this close may swap places on another processor."""


@dataclass(frozen=True)
class Profile:
    """A set of limits: the number of drawn digits, and the maximum of each metric."""

    pictures: int
    limits: Mapping[str, float]


_UNLIMITED = dict.fromkeys(TITLES, 1.0)
PROFILES = {
    # For weights that are served: the default network trained by its recipe.
    "served": Profile(
        2000,
        {
            "mnist_test": 0.008,
            "rejected": 0.015,
            "ece": 0.01,
            "drawn": 0.03,
            "letters": 0.05,
            "outliers": 0.05,
            "pages": 0.2,
        },
    ),
    # For networks without a class for non-digits: they accept nearly everything as a digit.
    "plain": Profile(
        2000, _UNLIMITED | {"mnist_test": 0.03, "rejected": 0.03, "ece": 0.02, "drawn": 0.08}
    ),
    # To try publishing with a short run; such weights should not be served.
    "trial": Profile(
        100, _UNLIMITED | {"mnist_test": 0.2, "rejected": 0.2, "ece": 0.2, "drawn": 0.5}
    ),
}
DEFAULT_PROFILE = "served"


def flags(answers: Mapping[str, Answers]) -> dict[str, significance.Flags]:
    """Return which pictures went wrong, for each metric that is a share."""
    test, drawn, pages = answers["mnist_test"], answers["drawn"], answers["pages"]
    empty = pages.labels == NO_DIGIT
    return {
        "mnist_test": test.misread,
        "rejected": ~test.answered,
        "drawn": drawn.misread | ~drawn.answered,
        "letters": answers["letters"].answered,
        "outliers": answers["outliers"].answered,
        "pages": np.where(empty, pages.answered, pages.misread | ~pages.answered),
    }


def compare(
    answers: Mapping[str, Answers],
    before: Mapping[str, Answers] | None,
    limits: Mapping[str, float],
) -> list[Number]:
    """Compare a set of weights with the limits, and with the published set if there is one.

    Both answered the same pictures, by name of `gate_pictures.picture_sets`.
    """
    return [_number(key, answers, before, limits[key]) for key in TITLES]


def _number(
    key: str, answers: Mapping[str, Answers], before: Mapping[str, Answers] | None, limit: float
) -> Number:
    if key == "ece":
        measured = _reliability(answers)
        if before is None:
            return Number(key, measured.ece, None, limit)
        other = _reliability(before)
        by_chance = significance.calibration_by_chance(measured, other)
        return Number(key, measured.ece, None, limit, other.ece, by_chance)
    wrong = flags(answers)[key]
    errors = int(wrong.sum())
    if before is None:
        return Number(key, errors, len(wrong), limit)
    wrong_before = flags(before)[key]
    by_chance = significance.excess_by_chance(wrong, wrong_before)
    return Number(key, errors, len(wrong), limit, int(wrong_before.sum()), by_chance)


def _reliability(answers: Mapping[str, Answers]) -> Reliability:
    test = answers["mnist_test"]
    return calibrate.reliability(test.confidences, test.labels)


def check_claims(weights: Weights, test: Answers) -> None:
    """Compare the run's own count of test errors, which page and card show, with the measured one.

    Raises:
        UserError: If they differ by more than rounding on another processor explains.
    """
    claimed = weights.metrics["mnist_test"]
    errors = int(test.misread.sum())
    best = np.sort(test.confidences, axis=1)[:, -2:]
    near_ties = int((best[:, 1] - best[:, 0] < _NEAR_TIE).sum())
    if claimed["count"] != len(test.labels) or abs(claimed["errors"] - errors) > near_ties:
        raise UserError(
            f"metrics.json says that {claimed['errors']:,} of {claimed['count']:,} test digits are "
            f"misread, but the weights misread {errors:,} of {len(test.labels):,}: the run folder "
            "was changed, or evaluated on other data"
        )


def answer_all(recognizer: Recognizer, pictures: Mapping[str, PictureSet]) -> dict[str, Answers]:
    """Answer all pictures as for a visitor, but MNIST's images without preprocessing."""
    return {
        name: metrics.answer(recognizer, shown, resized=name == "mnist_test")
        for name, shown in pictures.items()
    }


def measure(
    recognizer: Recognizer,
    found: Published | None,
    pictures: Callable[[LookAt], Mapping[str, PictureSet]],
    limits: Mapping[str, float],
) -> list[Number]:
    """Measure a run, and the published weights for comparison, each with its own finder.

    Raises:
        UserError: If the run claims another count of test errors.
    """
    answers = answer_all(recognizer, pictures(recognizer.look))
    check_claims(recognizer.weights, answers["mnist_test"])
    if found is None or found.weights is None:
        return compare(answers, None, limits)
    other = Recognizer(found.weights)
    return compare(answers, answer_all(other, pictures(other.look)), limits)


def _arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = console.parser("training.gate", "Decide whether a run is good enough to be published.")
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER")
    parser.add_argument("--repo", metavar="OWNER/NAME", help="model repository to compare with")
    parser.add_argument("--profile", choices=list(PROFILES), default=DEFAULT_PROFILE)
    parser.add_argument("--data", type=Path, metavar="DIR", help="MNIST's four IDX files")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="append the metrics to it")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Run the gate as the command line asks."""
    arguments = _arguments(words)
    run, profile = arguments.run, PROFILES[arguments.profile]
    # A failed or interrupted measurement must not leave an older result.
    (run / gate_result.GATE_FILE).unlink(missing_ok=True)
    problem = f"the gate failed: the app would reject {run}"
    recognizer, files = load_run(run, problem, self_test=True), gate_result.hashes(run)
    with tempfile.TemporaryDirectory() as cache:
        found = published.find(arguments.repo, Path(cache)) if arguments.repo else None
        print(f"compared with: {_described(found)}", flush=True)
        mnist = load_mnist(arguments.data)
        pictures = partial(gate_pictures.picture_sets, mnist, profile.pictures)
        numbers = measure(recognizer, found, pictures, profile.limits)
    print(as_text(numbers), flush=True)
    if arguments.summary:
        with arguments.summary.open("a", encoding="utf-8") as file:
            file.write(as_markdown(numbers, arguments.profile, _described(found)))
    short = [reason for number in numbers for reason in number.shortfalls()]
    if short:
        raise UserError(f"the gate failed: {'; '.join(short)}")
    passed = gate_result.GateResult(
        repo=found.repo if found else None,
        parent=found.commit if found else None,
        files=files,
        profile=arguments.profile,
        measured={number.key: number.as_json() for number in numbers},
    )
    RunFolder(run).write_json(gate_result.GATE_FILE, asdict(passed))
    print(f"the gate passed, see {run / gate_result.GATE_FILE}")


def _described(found: Published | None) -> str:
    if found is None:
        return "nothing, because no repository is named"
    return found.line if found.weights else f"nothing: {found.line}"


if __name__ == "__main__":
    console.run(main)

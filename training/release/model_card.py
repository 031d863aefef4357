"""The model card of a set of weights, as shown on the Hub.

It is generated from the run's files and the repository's tags: no number is typed by hand, and the
same run always gives the same card.
"""

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from digits import networks
from digits.weights import Weights
from training.console import markdown
from training.release import gate_result
from training.release.gate_result import TITLES
from training.release.published import Tagged

MNIST = "ylecun/mnist"

PICTURES = {
    "learning-curves.png": "Learning curves: training and validation loss and errors by epoch.",
    "confusion.png": "Confusion matrix: MNIST's test digits by label and answer.",
    "misread.png": "Misread test digits with their label and the wrong answer.",
    "reliability.png": "Reliability diagram: accuracy against confidence.",
}


@dataclass(frozen=True)
class Measured:
    """A share that was measured in addition to the run's own metrics."""

    title: str
    value: float
    count: int | None


def gate_numbers(run: Path) -> list[Measured]:
    """Return what the gate measured for exactly these files; empty if it did not pass them."""
    try:
        passed = json.loads((run / gate_result.GATE_FILE).read_bytes())
        if passed["files"] != gate_result.hashes(run):
            return []
        return [
            Measured(TITLES[key], number["value"], number["count"])
            for key, number in passed["measured"].items()
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


_SETS = {
    "mnist_test": ("MNIST, test set", "test"),
    "validation": ("MNIST, cut from the training set for validation", "train"),
}
"""By key in `metrics.json`: the title of a data set, and its split of MNIST."""

FACTS = {*_SETS, "command", "hardware", "seconds"}
"""Keys of `metrics.json` that a card shows; every training run writes them."""

_TEXT = Path(__file__).with_name("model_card.md").read_text("utf-8")


def write_card(  # noqa: PLR0913 - the contents of a card
    repo: str,
    weights: Weights,
    files: Mapping[str, bytes],
    *,
    gate: Sequence[Measured] = (),
    releases: Sequence[Tagged] = (),
    exports: Sequence[Sequence[str]] = (),
) -> str:
    """Write the README.md of the model repository `owner/name`: YAML metadata, then Markdown.

    Args:
        repo: `owner/name`.
        weights: The published set.
        files: The files published with the card, by name.
        gate: The measurements of `training.gate`, if it ran.
        releases: The tags of other weights in the same repository, newest first.
        exports: Formats, sizes and comparison with the app: rows of text, header first.
    """
    name = repo.rpartition("/")[2]
    metrics, config = weights.metrics, weights.config
    network = networks.find(config.network)
    knows_others = networks.class_count(network) > networks.NOT_A_DIGIT
    recipe: dict[str, Any] = json.loads(files.get("recipe.json", b"{}")).get("recipe", {})
    augmented = bool(recipe.get("augmentation"))
    text = _TEXT.format(
        name=name,
        repo=repo,
        config=config,
        metrics=metrics,
        test=metrics["mnist_test"],
        parameters=networks.parameter_count(network),
        results=_results_table(metrics),
        gate=_gate_table(gate),
        curves=_picture("learning-curves.png", files) + _picture("confusion.png", files),
        habits=_AUGMENTED_HABITS if augmented else _PLAIN_HABITS,
        others=_KNOWS_OTHERS if knows_others else _KNOWS_DIGITS_ONLY,
        misread=_picture("misread.png", files),
        outlier_class=', the last one for "not a digit"' if knows_others else "",
        rejection=_rejection(config.rejection_threshold, metrics["mnist_test"]),
        reliability=_picture("reliability.png", files),
        training=_training(metrics),
        augmentation=_AUGMENTATION if augmented else "The training images were not augmented.",
        exports=markdown(exports) if exports else "",
        uploaded=f"{sum(map(len, files.values())) / 1e6:.1f} MB",
        files=", ".join(f"`{file}`" for file in sorted(files)),
        releases=_releases(repo, weights, releases),
    )
    return f"---\n{_metadata(name, metrics, gate).to_yaml()}\n---\n\n{text}"


_PLAIN_HABITS = """\
The training digits were written by Americans in the early 1990s: crossed sevens, ones with a long
upstroke and other writing styles are rarer among them and misread more often."""

_AUGMENTED_HABITS = """\
The training digits were written by Americans in the early 1990s and varied to cover other writing
styles; handwriting unlike any of these is misread more often."""

_KNOWS_DIGITS_ONLY = "It knows nothing but digits, so a letter is read as one."

_KNOWS_OTHERS = """\
It was also trained on non-digits and rejects most of them; some letters still pass for a digit."""

_AUGMENTATION = """\
The training images were augmented at random (see `recipe.json`). Non-digits were generated from
them, from strokes, printed characters and noise; some digits were written from templates."""


def _metadata(name: str, metrics: Mapping[str, Any], gate: Sequence[Measured]) -> ModelCardData:
    return ModelCardData(
        model_name=name,
        library_name="keras",
        pipeline_tag="image-classification",
        license="mit",
        datasets=[MNIST],
        metrics=["accuracy"],
        tags=["mnist", "handwritten-digits"],
        eval_results=list(_eval_results(metrics, gate)),
    )


def _eval_results(metrics: Mapping[str, Any], gate: Sequence[Measured]) -> Iterator[EvalResult]:
    """Yield the measured numbers in the Hub's form: unverified, as the trainer reports them."""
    result = partial(EvalResult, task_type="image-classification", task_name="Image Classification")
    for key, (title, split) in _SETS.items():
        measured = metrics[key]
        rejected = measured["rejected"] / measured["count"]
        for kind, name, value in (
            ("accuracy", "top-1 accuracy", measured["top1_accuracy"]),
            ("expected_calibration_error", "expected calibration error", measured["ece"]),
            ("rejection_rate", "share of digits rejected", rejected),
        ):
            yield result(
                dataset_type=MNIST,
                dataset_name=title,
                dataset_split=split,
                metric_type=kind,
                metric_name=name,
                metric_value=value,
            )
    for number in gate:
        yield result(
            dataset_type="digits-gate",
            dataset_name="generated by training.gate of this project",
            metric_type="error_rate",
            metric_name=number.title,
            metric_value=number.value,
        )


def _results_table(metrics: Mapping[str, Any]) -> str:
    rows = [["images", "correct", "wrong", "rejected", "calibration error"]]
    for key, (title, _) in _SETS.items():
        measured = metrics[key]
        right, wrong = f"{measured['top1_accuracy']:.2%}", f"{measured['errors']:,}"
        rejected, ece = f"{measured['rejected']:,}", f"{measured['ece']:.2%}"
        rows.append([title, right, f"{wrong} of {measured['count']:,}", rejected, ece])
    return markdown(rows)


def _gate_table(gate: Sequence[Measured]) -> str:
    if not gate:
        return ""
    rows = [["error", "share", "of"]]
    for number in gate:
        count = "-" if number.count is None else f"{number.count:,}"
        rows.append([number.title, f"{number.value:.2%}", count])
    return f"\nMeasured again by the project's gate before publication:\n\n{markdown(rows)}\n"


def _picture(name: str, files: Container[str]) -> str:
    return f"![{PICTURES[name]}]({name})\n\n" if name in files else ""


def _rejection(rejection_threshold: float, test: Mapping[str, Any]) -> str:
    if rejection_threshold == 0:
        return "No answer is rejected."
    return (
        f'Answers with a score below {rejection_threshold:.4g} are rejected as "not a digit": '
        f"{test['rejected']:,} of {test['count']:,} test digits."
    )


def _training(metrics: Mapping[str, Any]) -> str:
    """Format command, duration and machine, and every single value that the run recorded."""
    cores = f"{metrics['hardware']['cpus']} cores ({metrics['hardware']['machine']}), no GPU"
    lines = [f"    {metrics['command']}", ""]
    lines += [f"took {metrics['seconds'] / 60:.1f} minutes on {cores}.", "", "| | |", "|---|---|"]
    for key, value in metrics.items():
        if key not in {*_SETS, "command"} and (shown := _fact(value)):
            lines.append(f"| {key.replace('_', ' ')} | {shown} |")
    return "\n".join(lines)


def _fact(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {part}" for key, part in value.items())
    return "" if value is None or isinstance(value, list) else str(value)


def _releases(repo: str, weights: Weights, releases: Sequence[Tagged]) -> str:
    test, config = weights.metrics["mnist_test"], weights.config
    this = Tagged("", config.network, test["errors"], test["count"], config.sha256)
    lines = ["| tag | network | MNIST test, wrong | weights (SHA-256) |", "|---|---|---:|---|"]
    for one in (this, *releases):
        link = f"[{one.tag}](https://huggingface.co/{repo}/tree/{one.tag})"
        name = link if one.tag else "this version"
        wrong = f"{one.errors:,} of {one.count:,}"
        lines.append(f"| {name} | `{one.network}` | {wrong} | `{one.sha256[:12]}` |")
    return "\n".join(lines)

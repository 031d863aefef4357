"""The model card: what a stranger on the Hub reads about a set of weights.

It is made from the files of the run and from what the repository has tagged before, so that no
number in it was typed and the same run always gives the same card.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import EvalResult, ModelCardData

from digits import networks
from digits.weights import Weights
from training.console import markdown
from training.export.exports import Notes, cells
from training.release import gate_result
from training.release.gate_result import TITLES
from training.release.published import Tagged

MNIST = "ylecun/mnist"

PICTURES = {
    "learning-curves.png": "How it learned: loss and accuracy by epoch, training and validation.",
    "confusion.png": "What it confuses: MNIST's test digits by label and answer.",
    "misread.png": "What it misreads: test digits with their label and the wrong answer.",
    "reliability.png": "How far its confidence can be trusted: confidence against accuracy.",
}


@dataclass(frozen=True)
class Measured:
    """A share that was measured beside the run's own metrics."""

    title: str
    value: float
    count: int | None


@dataclass(frozen=True)
class Facts:
    """What a card needs besides the weights.

    Attributes:
        files: Names of the files that are published beside the card.
        parameters: Of the network.
        knows_others: Whether the network has a class for what is no digit.
        augmented: Whether the images were varied while training.
        gate: What `training.gate` measured anew, if it did.
        releases: The tags of other weights in the same repository, newest first.
        exports: Formats, sizes and how they compare with the app: rows of text, a header first.
        uploaded: Bytes of all the files.
    """

    files: frozenset[str]
    parameters: int
    knows_others: bool = False
    augmented: bool = False
    gate: Sequence[Measured] = ()
    releases: Sequence[Tagged] = ()
    exports: Sequence[Sequence[str]] = ()
    uploaded: int = 0


def gather(
    run: Path,
    found: Weights,
    files: Mapping[str, bytes],
    releases: Sequence[Tagged],
    exports: Notes,
) -> Facts:
    """Put together what is known of a run and of the files, by name, beside the card."""
    network = networks.find(found.config.network)
    recipe: dict[str, Any] = json.loads(files.get("recipe.json", b"{}"))
    return Facts(
        files=frozenset(files),
        parameters=networks.parameter_count(network),
        knows_others=networks.class_count(network) > networks.NOT_A_DIGIT,
        augmented=bool(recipe.get("recipe", {}).get("augmentation")),
        gate=gate_numbers(run),
        releases=releases,
        exports=cells(exports),
        uploaded=sum(map(len, files.values())),
    )


def gate_numbers(run: Path) -> list[Measured]:
    """Return what the gate measured with exactly these files; nothing if it did not pass them."""
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


class _Source(NamedTuple):
    """A set of pictures: its title, the data set it is of, and which part of that."""

    title: str
    dataset: str
    split: str | None


_SOURCES = {
    "mnist_test": _Source("MNIST, test set", MNIST, "test"),
    "validation": _Source("MNIST, cut from the training set for validation", MNIST, "train"),
}
# Name, the Hub's type, key in metrics.json.
_NUMBERS = (
    ("top-1 accuracy", "accuracy", "top1_accuracy"),
    ("expected calibration error", "expected_calibration_error", "ece"),
    ("share of digits rejected", "refusal_rate", "refused"),
)

_TEXT = Path(__file__).with_name("model_card.md").read_text("utf-8")


def write_card(repo: str, weights: Weights, facts: Facts) -> str:
    """Write the README.md of the model repository `owner/name`: YAML metadata, then Markdown."""
    name = repo.rpartition("/")[2]
    metrics, config = weights.metrics, weights.config
    test = metrics["mnist_test"]
    text = _TEXT.format(
        name=name,
        repo=repo,
        headline=f"{test['top1_accuracy']:.2%} of MNIST's test set right "
        f"({test['errors']:,} of {test['count']:,} wrong)",
        network=config.network,
        parameters=f"{facts.parameters:,}",
        results=_results_table(metrics),
        gate=_gate_table(facts.gate),
        curves=_picture("learning-curves.png", facts) + _picture("confusion.png", facts),
        habits=_AUGMENTED_HABITS if facts.augmented else _PLAIN_HABITS,
        others=_KNOWS_OTHERS if facts.knows_others else _KNOWS_DIGITS_ONLY,
        misread=_picture("misread.png", facts),
        outlier_class=", the last of them that it is no digit" if facts.knows_others else "",
        temperature=config.temperature,
        rejection=_rejection(config.rejection_threshold, test),
        reliability=_picture("reliability.png", facts),
        training=_training(weights),
        training_count=_count(metrics.get("training_count")),
        validation_count=_count(metrics.get("validation_count")),
        augmentation=_AUGMENTATION if facts.augmented else "The images were shown as they are.",
        sha256=config.sha256,
        exports=markdown(facts.exports) if facts.exports else "",
        uploaded=f"{facts.uploaded / 1e6:.1f} MB",
        files=", ".join(f"`{file}`" for file in sorted(facts.files)),
        releases=_releases(repo, weights, facts.releases),
    )
    return f"---\n{_metadata(name, weights, facts.gate).to_yaml()}\n---\n\n{text}"


_PLAIN_HABITS = """\
It has learned from digits written by Americans in the early 1990s: crossed sevens, ones with a
long upstroke and other habits of writing are rarer there, and are misread more often."""

_AUGMENTED_HABITS = """\
It has learned from digits written by Americans in the early 1990s, varied so that other habits
of writing occur too; hands that are unlike all of these are misread more often."""

_KNOWS_DIGITS_ONLY = "It knows digits and nothing else, so a letter is given a digit's name."

_KNOWS_OTHERS = """\
It was also shown what is no digit, and rejects most of it; some letters still pass for a digit."""

_AUGMENTATION = """\
They were varied at random while training (`recipe.json` says how), and pictures that are no digit
were made of them and of strokes; nothing else was used."""


def _metadata(name: str, weights: Weights, gate: Sequence[Measured]) -> ModelCardData:
    return ModelCardData(
        model_name=name,
        library_name="keras",
        pipeline_tag="image-classification",
        license="mit",
        datasets=[MNIST],
        metrics=["accuracy"],
        tags=["mnist", "handwritten-digits"],
        eval_results=[*_eval_results(weights.metrics), *_gate_results(gate)],
    )


def _eval_results(metrics: Mapping[str, Any]) -> Iterator[EvalResult]:
    """Give the measured numbers in the Hub's form; unverified, as they are the trainer's own."""
    for key, measured in _measured(metrics):
        source = _SOURCES.get(key, _Source(key.replace("_", " "), key.replace("_", "-"), None))
        for name, kind, value in _NUMBERS:
            number = measured.get(value)
            if not isinstance(number, int | float):
                continue
            yield _result(
                source, kind, name, number / measured["count"] if kind == "refusal_rate" else number
            )


def _gate_results(gate: Sequence[Measured]) -> Iterator[EvalResult]:
    """Give what the gate measured on pictures of its own."""
    source = _Source("made by training.gate of this project", "digits-gate", None)
    for number in gate:
        yield _result(source, "error_rate", number.title, number.value)


def _result(source: _Source, kind: str, name: str, value: float) -> EvalResult:
    return EvalResult(
        task_type="image-classification",
        task_name="Image Classification",
        dataset_type=source.dataset,
        dataset_name=source.title,
        dataset_split=source.split,
        metric_type=kind,
        metric_name=name,
        metric_value=value,
    )


def _measured(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every set of pictures that `metrics.json` counts errors of."""
    for name, value in metrics.items():
        if isinstance(value, Mapping) and {"errors", "count", "top1_accuracy"} <= value.keys():
            yield name, value


def _results_table(metrics: Mapping[str, Any]) -> str:
    rows = [["pictures", "right", "wrong", "rejected", "calibration error"]]
    for name, measured in _measured(metrics):
        ece, rejected = measured.get("ece"), measured.get("refused")
        shown = f"{ece:.2%}" if isinstance(ece, float) else "not measured"
        lost = f"{rejected:,}" if isinstance(rejected, int) else "not measured"
        wrong = f"{measured['errors']:,} of {measured['count']:,}"
        title = _SOURCES[name].title if name in _SOURCES else name.replace("_", " ")
        rows.append([title, f"{measured['top1_accuracy']:.2%}", wrong, lost, shown])
    return markdown(rows)


def _gate_table(gate: Sequence[Measured]) -> str:
    if not gate:
        return ""
    rows = [["what goes wrong", "share", "of"]]
    for number in gate:
        count = "-" if number.count is None else f"{number.count:,}"
        rows.append([number.title, f"{number.value:.2%}", count])
    said = "Before they were published, the gate of the project measured anew:"
    return f"\n{said}\n\n{markdown(rows)}\n"


def _picture(name: str, facts: Facts) -> str:
    return f"![{PICTURES[name]}]({name})\n\n" if name in facts.files else ""


def _rejection(rejection_threshold: float, test: Mapping[str, Any]) -> str:
    if rejection_threshold == 0:
        return "No answer is withheld."
    text = f'Answers whose score is below {rejection_threshold:.4g} are withheld as "not a digit"'
    rejected = test.get("refused")
    if isinstance(rejected, int):
        text += f", which are {rejected:,} of {test['count']:,} test digits"
    return f"{text}."


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "some"


def _training(weights: Weights) -> str:
    """Give command, time and machine, and every single fact that the run wrote down."""
    metrics = weights.metrics
    usual = f"python -m training.train --network {weights.config.network}"
    lines = [f"    {metrics.get('command', usual)}", ""]
    seconds, hardware = metrics.get("seconds"), metrics.get("hardware")
    if isinstance(seconds, int | float) and isinstance(hardware, Mapping):
        cores = f"{hardware.get('cpus')} cores ({hardware.get('machine')}), no GPU"
        lines += [f"took {seconds / 60:.1f} minutes on {cores}.", ""]
    lines += ["| | |", "|---|---|"]
    measured = {key for key, _ in _measured(metrics)} | {"command"}
    for key, value in metrics.items():
        if key not in measured and (shown := _fact(value)):
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
        name = link if one.tag else "what this card describes"
        wrong = f"{one.errors:,} of {one.count:,}"
        lines.append(f"| {name} | `{one.network}` | {wrong} | `{one.sha256[:12]}` |")
    return "\n".join(lines)

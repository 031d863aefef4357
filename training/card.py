"""The model card: what a stranger on the Hub reads about a set of weights.

It is made from the files of the run alone, so that no number in it was typed and the same run
always gives the same card.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from huggingface_hub import EvalResult, ModelCardData

from digits.weights import Weights

MNIST = "ylecun/mnist"

PICTURES = {
    "learning-curves.png": "How it learned: loss and accuracy by epoch, training and validation.",
    "confusion.png": "What it confuses: MNIST's test digits by label and answer.",
    "misread.png": "What it misreads: test digits with their label and the wrong answer.",
    "reliability.png": "How far its confidence can be trusted: confidence against accuracy.",
}


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
)

_TEXT = """\
# {name}

Weights of a small network that reads one handwritten digit, 0 to 9, from a picture.
The network `{network}` has {parameters} parameters and is built in code; this repository holds
numbers only: nothing in it is executed or deserialized into a model.

## Results

Measured by whoever trained these weights, with the command below.

{results}

{pictures}
## Intended use and limits

For reading single digits that somebody drew on a canvas or wrote on paper, in a demonstration or a
lesson. It has learned from digits written by Americans in the early 1990s: crossed sevens, ones
with a long upstroke and other habits of writing are rarer there. It reads digits and nothing else,
so a letter may be given a digit's name. Do not let it decide alone where a wrong digit does harm,
as on cheques, ballots or prescriptions.

The input is a `(28, 28)` image as MNIST's makers prepared theirs: ink 1 on paper 0, the ink scaled
into a box of 20 by 20 pixels, its centre of mass in the middle. Anything else has to be brought
into that form first; the project's `digits.preprocessing` does it.

The answers are probabilities. Divide their logarithms by the temperature {temperature:.4g} and
normalize again to get calibrated ones. {refusal}

## Use

In a checkout of the project that trained them, with its `requirements.txt` installed:

```python
from pathlib import Path
from digits import prediction, weights

found = weights.fetch("{repo}", "main", cache=Path.home() / ".cache/huggingface/hub")
recognizer = prediction.Recognizer(found)
```

or with Keras alone doing the work:

```python
from huggingface_hub import hf_hub_download
from digits import networks

model = networks.build("{network}")
model.load_weights(hf_hub_download("{repo}", "model.weights.h5"))
```

Name a tag or a commit as the revision where an answer must not change from one day to the next.

## Training

{training}

## Files

`model.weights.h5` has the SHA-256
`{sha256}`.
`config.json` names network, temperature and threshold; `metrics.json` holds every measured number.
All files: {files}.

## Licences

The weights are under the MIT licence. MNIST is the work of Yann LeCun, Corinna Cortes and
Christopher J. C. Burges, made from NIST's Special Databases 1 and 3; Keras distributes it under
CC BY-SA 3.0.
"""


def write_card(repo: str, weights: Weights, files: frozenset[str], parameters: int) -> str:
    """Write the README.md of a model repository.

    Args:
        repo: `owner/name` on the Hub.
        weights: The verified run.
        files: Names of the files that are published beside the card.
        parameters: Of the network.

    Returns:
        YAML metadata between `---` lines and the text in Markdown.
    """
    name = repo.rpartition("/")[2]
    text = _TEXT.format(
        name=name,
        repo=repo,
        network=weights.config.network,
        parameters=f"{parameters:,}",
        results=_results_table(weights.metrics),
        pictures=_pictures(files),
        temperature=weights.config.temperature,
        refusal=_refusal(weights.config.refuse_below),
        training=_training(weights),
        sha256=weights.config.sha256,
        files=", ".join(f"`{file}`" for file in sorted(files)),
    )
    return f"---\n{_metadata(name, weights).to_yaml()}\n---\n\n{text}"


def _metadata(name: str, weights: Weights) -> ModelCardData:
    return ModelCardData(
        model_name=name,
        library_name="keras",
        pipeline_tag="image-classification",
        license="mit",
        datasets=[MNIST],
        metrics=["accuracy"],
        tags=["mnist", "handwritten-digits"],
        eval_results=list(_eval_results(weights.metrics)),
    )


def _eval_results(metrics: Mapping[str, Any]) -> Iterator[EvalResult]:
    """Give the measured numbers in the Hub's form; unverified, as they are the trainer's own."""
    for key, measured in _measured(metrics):
        source = _SOURCES.get(key, _Source(key.replace("_", " "), key.replace("_", "-"), None))
        for name, kind, value in _NUMBERS:
            if isinstance(measured.get(value), float):
                yield EvalResult(
                    task_type="image-classification",
                    task_name="Image Classification",
                    dataset_type=source.dataset,
                    dataset_name=source.title,
                    dataset_split=source.split,
                    metric_type=kind,
                    metric_name=name,
                    metric_value=measured[value],
                )


def _measured(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every set of pictures that `metrics.json` counts errors of."""
    for name, value in metrics.items():
        if isinstance(value, Mapping) and {"errors", "count", "top1_accuracy"} <= value.keys():
            yield name, value


def _results_table(metrics: Mapping[str, Any]) -> str:
    lines = ["| pictures | right | wrong | calibration error |", "|---|---|---|---|"]
    for name, measured in _measured(metrics):
        ece = measured.get("ece")
        shown = f"{ece:.2%}" if isinstance(ece, float) else "not measured"
        lines.append(
            f"| {_title(name)} | {measured['top1_accuracy']:.2%} "
            f"| {measured['errors']:,} of {measured['count']:,} | {shown} |"
        )
    return "\n".join(lines)


def _title(key: str) -> str:
    return _SOURCES[key].title if key in _SOURCES else key.replace("_", " ")


def _pictures(files: frozenset[str]) -> str:
    shown = [f"![{caption}]({name})\n" for name, caption in PICTURES.items() if name in files]
    return "\n".join(shown)


def _refusal(refuse_below: float) -> str:
    if refuse_below == 0:
        return "No answer is withheld."
    return f'Answers whose score is below {refuse_below:.4g} are withheld as "not a digit".'


def _training(weights: Weights) -> str:
    """Give the command and every single fact that the run wrote down."""
    metrics = weights.metrics
    usual = f"python -m training.train --network {weights.config.network}"
    lines = [f"    {metrics.get('command', usual)}", "", "| | |", "|---|---|"]
    measured = {key for key, _ in _measured(metrics)} | {"command"}
    for key, value in metrics.items():
        if key not in measured and (shown := _fact(value)):
            lines.append(f"| {key.replace('_', ' ')} | {shown} |")
    return "\n".join(lines)


def _fact(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {part}" for key, part in value.items())
    return "" if value is None or isinstance(value, list) else str(value)

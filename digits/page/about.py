"""The About tab: what this is, how good it is, its limits, and how to call it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any, Final

from digits.weights import BUNDLED, METRICS_FILE

_FOLDER: Final = Path(__file__).parent / "about_texts"

_ACCURACY: Final = {
    "en": "The weights in these files read $right % of MNIST's test digits right "
    "($errors of $count wrong).",
    "de": "Die mitgelieferten Gewichte lesen $right % der MNIST-Testziffern richtig "
    "($errors von $count falsch).",
    "fr": "Les poids fournis lisent juste $right % des chiffres de test de MNIST "
    "($errors erreurs sur $count).",
}


def about_text(language: str) -> str:
    """Write the About tab.

    Args:
        language: `en`, `de` or `fr`.

    Returns:
        Markdown.
    """
    return Template(_read(f"{language}.md")).substitute(
        accuracy=_accuracy(language, _bundled_metrics()),
        results="",
        snippets=snippets(_own_address()),
    )


def snippets(url: str) -> str:
    """Show how to call the API from Python, the shell and JavaScript.

    Args:
        url: Where the app is served, without a slash at the end.

    Returns:
        Markdown with one block of code each.
    """
    return Template(_read("snippets.md")).substitute(url=url)


def _own_address() -> str:
    # On a Space with a domain of its own the variable lists several hosts.
    host = os.environ.get("SPACE_HOST", "").split(",")[0]
    if host:
        return f"https://{host}"
    return f"http://127.0.0.1:{os.environ.get('GRADIO_SERVER_PORT', '7860')}"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _bundled_metrics() -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads((BUNDLED / METRICS_FILE).read_bytes())
    return metrics


def _accuracy(language: str, metrics: Mapping[str, Any]) -> str:
    test = metrics["mnist_test"]
    right = f"{100 * (1 - test['errors'] / test['count']):.2f}"
    if language != "en":
        right = right.replace(".", ",")
    thousands = "," if language == "en" else "\u202f"
    return Template(_ACCURACY[language]).substitute(
        right=right, errors=test["errors"], count=f"{test['count']:,}".replace(",", thousands)
    )

"""The About tab: what this is, how good it is, its limits, and how to call it."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, Final

from digits.page.charts import charts
from digits.page.words import decimal
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


_RESULTS: Final = Path(__file__).parents[2] / "training" / "results.json"
"""What `training.evaluate` measured; absent until it was run."""

_TABLE_WORDS: Final = {
    "en": {"heading": "Measured", "mnist_test": "MNIST test", "drawn": "pen strokes",
           "photos": "photographs", "weights": "weights",
           "note": 'Errors in per cent. "plain resize" only resizes the picture to 28x28, '
                   'as most demos do; "this project" finds and normalizes the ink.'},
    "de": {"heading": "Gemessen", "mnist_test": "MNIST-Test", "drawn": "Stiftstriche",
           "photos": "Fotos", "weights": "Gewichte",
           "note": "Fehler in Prozent. „plain resize“ verkleinert das Bild nur auf 28x28, "
                   "wie die meisten Demos; „this project“ findet und normalisiert die Tinte."},
    "fr": {"heading": "Mesures", "mnist_test": "test MNIST", "drawn": "traits de stylo",
           "photos": "photos", "weights": "poids",
           "note": "Erreurs en pour cent. « plain resize » réduit seulement l'image à 28x28, "
                   "comme la plupart des démos ; « this project » trouve et normalise l'encre."},
}  # fmt: skip


def about_text(language: str) -> str:
    """Write the About tab.

    Args:
        language: `en`, `de` or `fr`.

    Returns:
        Markdown.
    """
    return Template(_read(f"{language}.md")).substitute(
        accuracy=_accuracy(language, _bundled_metrics()),
        results=results_table(language, _results()),
        url=own_address(),
        snippets=snippets(own_address()),
    )


def results_table(language: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Tabulate and draw what was measured.

    Args:
        language: `en`, `de` or `fr`.
        rows: As `training.evaluate` writes them, one for each kind of weights.

    Returns:
        Markdown with a heading and HTML charts; empty if there are no rows.
    """
    if not rows:
        return ""
    words = _TABLE_WORDS[language]
    sets = [name for name in ("mnist_test", "drawn", "photos") if name in rows[0]["mean"]]
    lines = [[words["weights"], *(words[name] for name in sets)]]
    lines.append(["---"] + ["---:"] * len(sets))
    for row in rows:
        errors = [_error_share(language, row["mean"].get(name)) for name in sets]
        lines.append([f"{row['name']}, {row['preprocessing']}", *errors])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    drawn = f'<div class="charts">{charts(language, rows)}</div>'
    return f"## {words['heading']}\n\n{table}\n\n{words['note']}\n\n{drawn}"


def _error_share(language: str, figures: Mapping[str, Any] | None) -> str:
    return decimal(language, 100 * figures["errors"] / figures["count"]) if figures else "-"


def _results() -> list[dict[str, Any]]:
    if not _RESULTS.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(_RESULTS.read_bytes())["rows"]
    return rows


def snippets(url: str) -> str:
    """Show how to call the API from Python, the shell and JavaScript.

    Args:
        url: Where the app is served, without a slash at the end.

    Returns:
        Markdown with one block of code each.
    """
    return Template(_read("snippets.md")).substitute(url=url)


def own_address() -> str:
    """Return where the app is served, without a slash at the end."""
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
    right = decimal(language, 100 * (1 - test["errors"] / test["count"]))
    thousands = "," if language == "en" else "\u202f"
    return Template(_ACCURACY[language]).substitute(
        right=right, errors=test["errors"], count=f"{test['count']:,}".replace(",", thousands)
    )

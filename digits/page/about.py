"""The About tab: what this is, how good it is, its limits, and how to call it."""

import json
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from starlette.routing import Route

from digits.deployment import GALLERY, RESULTS, ROOT
from digits.page.charts import comparison
from digits.page.i18n import decimal, whole
from digits.page.pipeline import pipeline
from digits.page.samples import picture_route
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


_RESULTS: Final = ROOT / RESULTS
"""What `training.evaluate` measured; absent until it was run."""

_GALLERY: Final = ROOT / GALLERY

_GALLERY_WORDS: Final = {
    "en": "All test digits of MNIST that the weights of these files misread: the label, their "
    "answer, and how sure they were.",
    "de": "Alle Testziffern von MNIST, die die mitgelieferten Gewichte falsch lesen: die richtige "
    "Ziffer, ihre Antwort und wie sicher sie waren.",
    "fr": "Tous les chiffres de test de MNIST que les poids fournis lisent mal : l'étiquette, leur "
    "réponse et leur certitude.",
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
        pipeline=pipeline(language),
        comparison=comparison(language, _results()),
        gallery=_gallery(language),
        url=own_address(),
        snippets=snippets(own_address()),
    )


def gallery_routes() -> list[Route]:
    """Serve the picture of what is misread."""
    return [picture_route("/misread.png", _GALLERY, "image/png")] if _GALLERY.exists() else []


def _gallery(language: str) -> str:
    if not _GALLERY.exists():
        return ""
    words = escape(_GALLERY_WORDS[language])
    image = f'<img src="misread.png" alt="{words}" loading="lazy">'
    return f'<figure class="gallery">{image}<figcaption>{words}</figcaption></figure>'


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
    return Template(_ACCURACY[language]).substitute(
        right=right, errors=test["errors"], count=whole(language, test["count"])
    )

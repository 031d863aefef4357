"""The About tab: how the app works, its accuracy, its limits, and its API."""

import json
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from digits.deployment import GALLERY, RESULTS, ROOT
from digits.page.i18n import WORDS, decimal, whole
from digits.page.pipeline import pipeline
from digits.weights import BUNDLED, METRICS_FILE

_FOLDER: Final = Path(__file__).parent / "about_texts"


def about_text(language: str) -> str:
    """Return the About tab as Markdown.

    Args:
        language: `en`, `de` or `fr`.
    """
    test = json.loads((BUNDLED / METRICS_FILE).read_bytes())["mnist_test"]
    results = ROOT / RESULTS  # written by `training.evaluate`
    rows = json.loads(results.read_bytes())["rows"] if results.exists() else []
    return Template(_read(f"{language}.md")).substitute(
        accuracy=WORDS[language]["about_accuracy"].format(
            decimal(language, 100 - _percent_wrong(test)),
            test["errors"],
            whole(language, test["count"]),
        ),
        pipeline=pipeline(language),
        comparison=comparison(language, rows),
        gallery=_gallery(language),
        url=own_address(),
        snippets=snippets(own_address()),
    )


def comparison(language: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a bar chart of the errors of the usual demo and of this page on pen strokes.

    Args:
        language: `en`, `de` or `fr`.
        rows: As `training.evaluate` writes them, one per kind of weights.

    Returns:
        Plain HTML, so that it adapts to theme and width and is accessible. It has no blank lines,
        so that Markdown passes it through. Empty if one of the two was not measured.
    """
    means = {(row["name"], row["preprocessing"]): row["mean"] for row in rows}
    usual = means.get(("conv3", "plain resize"), {})
    served = means.get(("served", "this project"), {})
    if not usual.get("drawn") or not served.get("drawn"):
        return ""
    words = WORDS[language]
    bars = "".join(
        f'<div class="chart-row"><span>{escape(words[label])}</span>'
        f'<span class="chart-bar"><i style="width:{percent:.1f}%"></i></span>'
        f"<span>{decimal(language, percent)}</span></div>"
        for label, percent in (
            ("about_chart_usual", _percent_wrong(usual["drawn"])),
            ("about_chart_served", _percent_wrong(served["drawn"])),
        )
    )
    note = words["about_chart_note"].format(
        whole(language, usual["drawn"]["count"]),
        decimal(language, 100 - _percent_wrong(usual["mnist_test"])),
    )
    title = f"<figcaption>{escape(words['about_chart'])}</figcaption>"
    return f'<figure class="chart">{title}{bars}</figure><p>{escape(note)}</p>'


def _percent_wrong(figures: Mapping[str, Any]) -> float:
    return float(100 * figures["errors"] / figures["count"])


def _gallery(language: str) -> str:
    if not (ROOT / GALLERY).exists():
        return ""
    words = escape(WORDS[language]["about_gallery"])
    image = f'<img src="misread.png" alt="{words}" loading="lazy">'
    return f'<figure class="gallery">{image}<figcaption>{words}</figcaption></figure>'


def snippets(url: str) -> str:
    """Return Markdown that shows how to call the API from the shell, Python and JavaScript.

    Args:
        url: Where the app is served, without a trailing slash.
    """
    return Template(_read("snippets.md")).substitute(url=url)


def own_address() -> str:
    """Return the URL of the app, without a trailing slash."""
    # On a Space with a custom domain the variable lists several hosts.
    host = os.environ.get("SPACE_HOST", "").split(",")[0]
    if host:
        return f"https://{host}"
    return f"http://127.0.0.1:{os.environ.get('GRADIO_SERVER_PORT', '7860')}"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")

"""Bars for the About tab: plain HTML, so that they follow theme and width and are read aloud."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from digits.page.words import decimal

Row = Mapping[str, Any]

_WORDS: Final = {
    "en": {
        "errors": "Misread of 100: $set",
        "refused": "Refused of 100, as the page is served",
        "mnist_test": "MNIST test", "drawn": "pen strokes", "photos": "photographs",
        "digits": "digits", "letters": "letters", "scribbles": "scribbles", "dots": "dots",
        "lines": "lines", "blank": "blank paper", "noise": "noise",
    },
    "de": {
        "errors": "Falsch gelesen von 100: $set",
        "refused": "Abgelehnt von 100, so wie die Seite läuft",
        "mnist_test": "MNIST-Test", "drawn": "Stiftstriche", "photos": "Fotos",
        "digits": "Ziffern", "letters": "Buchstaben", "scribbles": "Gekritzel", "dots": "Punkte",
        "lines": "Linien", "blank": "leeres Papier",
        "noise": "Rauschen",
    },
    "fr": {
        "errors": "Mal lus sur 100 : $set",
        "refused": "Refusés sur 100, sur cette page",
        "mnist_test": "test MNIST", "drawn": "traits de stylo", "photos": "photos",
        "digits": "chiffres", "letters": "lettres", "scribbles": "gribouillis", "dots": "points",
        "lines": "lignes", "blank": "papier vide", "noise": "bruit",
    },
}  # fmt: skip


def charts(language: str, rows: Sequence[Row]) -> str:
    """Draw what was measured.

    Args:
        language: `en`, `de` or `fr`.
        rows: As `training.evaluate` writes them, one for each kind of weights.

    Returns:
        HTML without blank lines, so that Markdown takes it as it is; empty without rows.
    """
    parts = [_errors(language, rows, name) for name in ("mnist_test", "drawn", "photos")]
    return "".join([*parts, _refused(language, rows)])


def _errors(language: str, rows: Sequence[Row], name: str) -> str:
    words = _WORDS[language]
    measured = [(row, row["mean"][name]) for row in rows if row["mean"].get(name)]
    shares = [
        (f"{row['name']}, {row['preprocessing']}", figures["errors"] / figures["count"])
        for row, figures in measured
    ]
    return _chart(language, words["errors"].replace("$set", words[name]), shares, top=None)


def _refused(language: str, rows: Sequence[Row]) -> str:
    words = _WORDS[language]
    served = [row["mean"].get("refusal") for row in rows if row["preprocessing"] == "this project"]
    if not served or not served[0]:
        return ""
    shares = {"digits": served[0]["digits_refused_as_served"], **served[0]["refused_as_served"]}
    named = [(words.get(kind, kind), share) for kind, share in shares.items()]
    return _chart(language, words["refused"], named, top=1.0)


def _chart(
    language: str, title: str, shares: Iterable[tuple[str, float]], top: float | None
) -> str:
    """One chart; `top` is the share of a full bar, None takes the largest."""
    bars = list(shares)
    if not bars:
        return ""
    full = top or max(share for _, share in bars) or 1.0
    lines = [
        f'<div class="chart-row"><span>{escape(label)}</span>'
        f'<span class="chart-bar"><i style="width:{100 * share / full:.1f}%"></i></span>'
        f"<span>{decimal(language, 100 * share)}</span></div>"
        for label, share in bars
    ]
    return (
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>{"".join(lines)}</figure>'
    )

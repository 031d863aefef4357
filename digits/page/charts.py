"""Bars for the About tab: plain HTML, so that they follow theme and width and are read aloud."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template
from typing import Any, Final

from digits.page.i18n import decimal, whole

Row = Mapping[str, Any]

_USUAL: Final = ("conv3", "plain resize")
"""Name and preprocessing of the row that stands for the usual demo."""

_SERVED: Final = ("served", "this project")

_WORDS: Final = {
    "en": {
        "title": "Misread of 100 digits drawn with a pen",
        "usual": "usual demo",
        "served": "this page",
        "note": "Both read the same $count recordings of pens. The usual demo is a network of "
        "three convolutions, $right % right on MNIST, for which the picture is only made smaller.",
    },
    "de": {
        "title": "Falsch gelesen von 100 mit dem Stift gezeichneten Ziffern",
        "usual": "übliche Demo",
        "served": "diese Seite",
        "note": "Beide lesen dieselben $count Stiftaufzeichnungen. Die übliche Demo ist ein Netz "
        "mit drei Faltungen, $right % richtig auf MNIST, für das das Bild nur verkleinert wird.",
    },
    "fr": {
        "title": "Mal lus sur 100 chiffres tracés au stylo",
        "usual": "démo courante",
        "served": "cette page",
        "note": "Les deux lisent les mêmes $count tracés. La démo courante est un réseau à trois "
        "convolutions, $right % justes sur MNIST, pour lequel l'image est seulement réduite.",
    },
}


def comparison(language: str, rows: Sequence[Row]) -> str:
    """Draw the errors of the usual demo and of this page on pen strokes.

    Args:
        language: `en`, `de` or `fr`.
        rows: As `training.evaluate` writes them, one for each kind of weights.

    Returns:
        HTML without blank lines, so that Markdown takes it as it is; empty where one of the two was
        not measured.
    """
    found = {(row["name"], row["preprocessing"]): row["mean"] for row in rows}
    usual, served = found.get(_USUAL, {}), found.get(_SERVED, {})
    if not usual.get("drawn") or not served.get("drawn"):
        return ""
    words = _WORDS[language]
    bars = [(words["usual"], _errors(usual["drawn"])), (words["served"], _errors(served["drawn"]))]
    note = Template(words["note"]).substitute(
        count=whole(language, usual["drawn"]["count"]),
        right=decimal(language, 100 * (1 - _errors(usual["mnist_test"]))),
    )
    return f"{_chart(language, words['title'], bars)}<p>{escape(note)}</p>"


def _errors(figures: Row) -> float:
    return float(figures["errors"] / figures["count"])


def _chart(language: str, title: str, shares: Iterable[tuple[str, float]]) -> str:
    lines = [
        f'<div class="chart-row"><span>{escape(label)}</span>'
        f'<span class="chart-bar"><i style="width:{100 * share:.1f}%"></i></span>'
        f"<span>{decimal(language, 100 * share)}</span></div>"
        for label, share in shares
    ]
    return (
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>{"".join(lines)}</figure>'
    )

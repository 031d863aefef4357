"""The page's texts in its languages, and number formats."""

import json
from pathlib import Path
from typing import Final

WORDS: Final[dict[str, dict[str, str]]] = {
    language: json.loads((Path(__file__).parent / f"{language}.json").read_text("utf-8"))
    for language in ("en", "de", "fr")
}
"""Texts by language and key; `{0}`, `{1}` are placeholders."""


def whole(language: str, number: float) -> str:
    """Format a number as an integer with the language's thousands separator."""
    return f"{number:,.0f}".replace(",", {"en": ",", "de": "."}.get(language, "\u202f"))


def decimal(language: str, number: float) -> str:
    """Format a number with two decimals and the language's decimal mark."""
    text = f"{number:.2f}"
    return text if language == "en" else text.replace(".", ",")

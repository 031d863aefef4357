"""The page's words in the languages that it speaks, and how these write numbers."""

import json
from pathlib import Path
from typing import Final

WORDS: Final[dict[str, dict[str, str]]] = {
    language: json.loads((Path(__file__).parent / f"{language}.json").read_text("utf-8"))
    for language in ("en", "de", "fr")
}
"""By language and by what is said; `{0}`, `{1}` stand for values."""


def whole(language: str, number: float) -> str:
    """Write a count with the language's own mark between thousands."""
    return f"{number:,.0f}".replace(",", {"en": ",", "de": "."}.get(language, "\u202f"))


def decimal(language: str, number: float) -> str:
    """Write a number with two digits behind the language's own mark."""
    text = f"{number:.2f}"
    return text if language == "en" else text.replace(".", ",")

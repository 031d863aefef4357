"""What was exported and how it compares with the app, as text."""

from collections.abc import Mapping
from typing import Any

from training.evaluation.report import markdown
from training.export import FORMATS, size

Figures = dict[str, Any]


def table(notes: Mapping[str, Any]) -> str:
    """Lay out what was exported and how it compares, for a person.

    Args:
        notes: From `training.export.export`, with `checked`.

    Returns:
        A table in Markdown.
    """
    return markdown(cells(notes))


def cells(notes: Mapping[str, Any]) -> list[list[str]]:
    """Put sizes, times and agreement into rows of text, a header first.

    Args:
        notes: From `training.export.export`; without `checked` there are sizes only.
    """
    formats = notes.get("checked", {}).get("formats", {})
    pictures = next((list(_sets(figures)) for figures in formats.values()), [])
    header = ["format", "kB"]
    if formats:
        header += ["ms a picture", "ms in batches"]
    header += [
        text
        for name in pictures
        for text in (f"{_TITLES[name]}: largest difference", "other answers", "misread")
    ]
    rows = [header]
    for name in (name for name in FORMATS if name in notes["formats"]):
        row = [f"`{FORMATS[name]}`", f"{size(notes, name) / 1000:,.0f}"]
        if name in formats:
            row += _measures(formats[name])
        rows.append(row + ["-"] * (len(header) - len(row)))
    return rows


_TITLES = {"mnist_test": "MNIST test", "drawn": "drawn"}


def _measures(figures: Figures) -> list[str]:
    texts = [f"{figures['milliseconds']:.2f}", f"{figures['milliseconds_in_batches']:.2f}"]
    for compared in _sets(figures).values():
        texts += [
            f"{compared['largest_difference']:.1g}",
            f"{compared['other_answers']} of {compared['count']:,}",
            f"{compared['errors']} (app {compared['app_errors']})",
        ]
    return texts


def _sets(figures: Figures) -> dict[str, Figures]:
    return {name: value for name, value in figures.items() if isinstance(value, dict)}

"""Format benchmark results in Markdown, for the console and docs/performance.md.

python -m benchmarks.tables    updates the document from benchmarks/results.json
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from benchmarks import answers
from benchmarks.figures import Figures, Row
from training.console import markdown
from training.evaluation.report import replace_section

RESULTS: Final = Path(__file__).with_name("results.json")
DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "performance.md"

_SCALED: Final = {"this page": answers.DRAWING_COST, "`/v1/predict`": answers.PICTURE_COST}
"""Rows of the document's scaling table, and the benchmark rows that they are computed from."""

_DAY_SECONDS: Final = 86_400

Report = Mapping[str, Any]
"""Content of `results.json`: `machine`, and `sections` by name with date, load and rows."""


def rows_of(report: Report) -> list[Row]:
    """Return the rows of all sections, in order."""
    rows = [row for part in report["sections"].values() for row in part["rows"]]
    return TypeAdapter(list[Row]).validate_python(rows)


def number(value: float) -> str:
    """Format a number with three significant digits, large ones as integers."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def section(report: Report) -> str:
    """Return the table and a description of the machine in Markdown.

    The machine's load before each section shows how reliable the figures are.
    """
    table = [["median (95th percentile)", "here", "usual demo", "times better"]]
    for row in rows_of(report):
        ratio = "-" if row.ratio is None else number(row.ratio)
        table.append([f"{row.what}, {row.unit}", _cell(row.ours), _cell(row.baseline), ratio])
    machine, sections = report["machine"], report["sections"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    dates = " and ".join(sorted({part["date"] for part in sections.values()}))
    loads = ", ".join(f"{name} {part['load']:.1f}" for name, part in sections.items())
    measured_on = (
        f"Measured on {machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory_gigabytes']:.0f} GB, {packages}; {dates}; "
        f"load of the machine before each part: {loads}."
    )
    return f"{markdown(table)}\n\n{measured_on}"


def _cell(figures: Figures | None) -> str:
    if figures is None:
        return "-"
    median = number(figures.median)
    return median if figures.p95 is None else f"{median} ({number(figures.p95)})"


def update(text: str, report: Report) -> str:
    """Update the text of `docs/performance.md` from a report.

    Raises:
        ValueError: If the markers are missing.
    """
    costs = {row.what: row.ours for row in rows_of(report)}
    for name, what in _SCALED.items():
        if cost := costs.get(what):
            core_seconds = cost.median / 1000 / _DAY_SECONDS
            line = (
                f"| {name} on a Space | {1000 / cost.median:.0f} "
                f"| {1e6 * core_seconds:.2f} cores | {1e9 * core_seconds:,.0f} cores |"
            )
            text = re.sub(rf"(?m)^\| {name} on a Space \|.*$", line, text)
    return replace_section(text, "benchmarks/results.json", section(report))


def merged(old: Report | None, new: Report, order: Sequence[str]) -> dict[str, Any]:
    """Add new sections to old ones, which are kept only from the same machine and versions."""
    sections = dict(new["sections"])
    if old is not None and old["machine"] == new["machine"]:
        sections = {**old["sections"], **sections}
    return {**new, "sections": {name: sections[name] for name in order if name in sections}}


def main() -> None:
    """Update `docs/performance.md`."""
    report = json.loads(RESULTS.read_text("utf-8"))
    DOCUMENT.write_text(update(DOCUMENT.read_text("utf-8"), report), "utf-8")


if __name__ == "__main__":
    main()

"""Format evaluation results for the console, README and docs.

python -m training.evaluation.report    updates the results in README and docs
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.console import markdown
from training.evaluation.datasets import PLAIN_RESIZE, THIS_PROJECT
from training.evaluation.metrics import Figures

Row = Mapping[str, Any]
"""Row of `results.json`: a network and a preprocessing, over all its seeds."""


_SETS = {
    "MNIST test": ("mnist_test",),
    "drawn digits": ("drawn",),
    "photos": ("photos",),
    "sheets on a desk": ("sheets",),
    "numbers, canvas": ("numbers", "canvas"),
    "numbers, paper": ("numbers", "paper"),
}
"""Paths of the figures that are shown as error rates, by column header."""

_SHARES = ("corrupted MNIST", "letters accepted")
"""Headers of the columns after these."""

_USUAL_DEMO = ("conv3", PLAIN_RESIZE)


def results_table(rows: Sequence[Row]) -> list[list[str]]:
    """Return the error rates as a table, one line per row of `results.json`; the header first.

    An asterisk marks rows that were kept from an earlier evaluation.
    """
    header = ["misread", *_SETS, *_SHARES]
    return [header, *([_label(row), *_shares(row)] for row in rows)]


def _label(row: Row) -> str:
    return f"{row['name']}, {row['preprocessing']}{' *' if row.get('kept') else ''}"


def readme_table(rows: Sequence[Row]) -> str:
    """Return the error rates of the served weights and the usual demo as a Markdown table."""
    served, demo = _row(rows, "served", THIS_PROJECT), _row(rows, *_USUAL_DEMO)
    lines = zip([*_SETS, *_SHARES], _shares(served), _shares(demo), strict=True)
    return markdown([["pictures", "this project", "usual demo"], *map(list, lines)])


def headline(rows: Sequence[Row]) -> str:
    """Summarize errors and rejections of the served weights and the usual demo in two sentences."""
    served, demo = (_row(rows, *key)["mean"] for key in (("served", THIS_PROJECT), _USUAL_DEMO))
    drawn, test, photos = (served[name] for name in ("drawn", "mnist_test", "photos"))
    return (
        f"**It misreads {drawn['errors']:.0f} and rejects {_rejected(drawn):.0f} of "
        f"{drawn['count']:,.0f} digits that people drew with a pen; the usual demo misreads "
        f"{demo['drawn']['errors']:,.0f}.** It misreads {100 * _share(test):.2f} % of MNIST's test "
        f"set ({test['errors']:.0f} of {test['count']:,.0f}). Of photographs of paper, it misreads "
        f"{100 * _share(photos):.1f} % and rejects "
        f"{100 * _rejected(photos) / photos['count']:.1f} %."
    )


def _share(figures: Figures) -> float:
    return float(figures["errors"] / figures["count"])


def _rejected(figures: Figures) -> float:
    """Return how many pictures are rejected although the likeliest digit is right."""
    return float(figures.get("errors_or_rejected", figures["errors"]) - figures["errors"])


def _row(rows: Sequence[Row], name: str, preprocessing: str) -> Row:
    return next(r for r in rows if (r["name"], r["preprocessing"]) == (name, preprocessing))


def _shares(row: Row) -> list[str]:
    mean, far = row["mean"], row["deviation"]
    cells = []
    for path in _SETS.values():
        figures, deviation = mean, far
        for key in path:
            figures, deviation = figures.get(key, {}), deviation.get(key, {})
        cells.append(_wrong(figures, deviation))
    rejected = mean["rejection"]["rejected"].get("letters")
    accepted = "-" if rejected is None else f"{100 * (1 - rejected):.1f} %"
    return [*cells, f"{100 * mean['corruptions']['mean_error']:.2f} %", accepted]


def _wrong(figures: Figures, deviation: Figures) -> str:
    """Format an error rate with counts, deviation over several seeds and further rejections."""
    if not figures:
        return "-"
    wrong = f"{figures['errors']:.0f}"
    if deviation["errors"]:
        wrong = f"{figures['errors']:.1f} ± {deviation['errors']:.1f}"
    rejected = f"; {_rejected(figures):.0f} rejected" if _rejected(figures) else ""
    return f"{100 * _share(figures):.2f} % ({wrong} of {figures['count']:,.0f}{rejected})"


def ablation_table(measured: Mapping[str, Any]) -> list[list[str]]:
    """Return `ablation.json` as a table, one line per run; the header first."""
    kinds = ", ".join(measured["rows"][0]["corruptions"]["kinds"]).replace("_", " ")
    header = ["misread", "MNIST test", "drawn digits", "photos", kinds, "letters accepted"]
    rows = []
    for row in measured["rows"]:
        sets = ("mnist_test", "drawn", "photos")
        shares = [f"{100 * _share(row[name]):.2f} %" for name in sets]
        corrupted = f"{100 * row['corruptions']['mean_error']:.1f} %"
        accepted = f"{100 * (1 - row['rejection']['rejected']['letters']):.1f} %"
        rows.append([row["name"], *shares, corrupted, accepted])
    return [header, *rows]


def replace_section(text: str, name: str, content: str) -> str:
    """Replace the text between the markers `<!-- NAME -->` and `<!-- end of NAME -->`.

    Raises:
        ValueError: If a marker is missing.
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, mark, rest = text.partition(begin)
    _, closing, after = rest.partition(end)
    if not mark or not closing:
        raise ValueError(f"Expected {begin} and {end}. Received: none")
    return f"{before}{begin}\n{content}\n{end}{after}"


def documents(root: Path) -> dict[Path, str]:
    """Return README and docs, by path, with sections updated from the figures in `training/`."""
    rows = json.loads((root / "training" / "results.json").read_text("utf-8"))["rows"]
    ablation = json.loads((root / "training" / "ablation.json").read_text("utf-8"))
    sections = {
        root / "README.md": {"headline": headline(rows), "results.json": readme_table(rows)},
        root / "docs" / "results.md": {
            "results.json": markdown(results_table(rows)),
            "ablation.json": markdown(ablation_table(ablation)),
        },
    }
    texts = {path: path.read_text("utf-8") for path in sections}
    for path, contents in sections.items():
        for name, content in contents.items():
            texts[path] = replace_section(texts[path], name, content)
    return texts


def main() -> None:
    """Update README and docs."""
    for path, text in documents(Path(__file__).parents[2]).items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()

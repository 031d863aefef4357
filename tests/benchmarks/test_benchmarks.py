"""Benchmarks: measurements, results and tables."""

import json
from dataclasses import asdict

import numpy as np
import psutil
import pytest

from benchmarks import answers, handler, memory, scenes, tables
from benchmarks.__main__ import SECTIONS, measure
from benchmarks.calls import Caller, as_new_file, picture
from benchmarks.figures import Figures, Row, machine
from benchmarks.serving import OURS, Server
from digits.examples import digit_example
from digits.pictures import load_picture


@pytest.mark.nightly
def test_every_section_runs():
    report = {"machine": machine(), "sections": measure(list(SECTIONS), quick=True)}
    assert set(report["sections"]) == set(SECTIONS)
    rows = tables.rows_of(report)
    assert all(row.ours.median >= 0 for row in rows)
    # The baseline is not measured over a slow network, with mixed pictures or from a clone.
    assert sum(row.baseline is not None for row in rows) >= len(rows) // 2
    shown = tables.section(report)
    assert all(row.what in shown for row in rows)


def test_the_handler_is_measured_as_it_is_published(tmp_path, monkeypatch):
    monkeypatch.setattr(handler, "BATCHES", (1, 2))
    handler.make_snapshot(tmp_path)
    found = handler.measure(tmp_path, pictures=4)
    assert found.keys() == {"1", "2"}
    assert min(found.values()) > 0


def test_a_running_app_is_measured(app):
    server = Server(OURS, app.url, psutil.Process(app.process.pid))
    caller = Caller(server, 4)
    found = answers.ask_round(server, lambda i: caller.draw(digit_example(i)), 8, clients=4)
    assert len(found.waited) == 8
    assert min(*found.waited, found.rate) > 0
    assert caller.read(picture(7))["digit"] == 7
    assert [count for count, held in memory.growth(server, (3, 6)) if held > 50] == [3, 6]


def test_mixed_pictures_can_be_opened_and_are_the_same_every_time():
    files = [memory.mixed_picture(number) for number in range(12)]
    assert files == [memory.mixed_picture(number) for number in range(12)]
    assert len({load_picture(file).shape for file in files}) == 12


def test_a_picture_is_another_file_each_time_and_the_same_image():
    files = [as_new_file(picture(7)) for _ in range(2)]
    assert len({picture(7), *files}) == 3
    assert np.array_equal(load_picture(files[0]), load_picture(picture(7)))


def test_figures_are_median_and_95th_percentile():
    assert Figures.of(range(101)) == Figures(50, 95, 101)


def test_a_row_survives_its_file():
    row = Row("waiting", "ms", Figures.of([1, 2, 4]), Figures(8))
    report = {"sections": {"start": {"rows": [json.loads(json.dumps(asdict(row)))]}}}
    assert tables.rows_of(report) == [row]
    assert row.ratio == 4
    rate = Row("answers", "a second", Figures(30), Figures(10), more_is_better=True)
    assert rate.ratio == 3


def test_parts_measured_on_another_machine_are_not_kept():
    def report(cores, **sections):
        return {"machine": {"cores": cores}, "sections": sections}

    order = ["start", "pen"]
    old, new = report(2, start=1, pen=1), report(2, pen=2)
    assert tables.merged(old, new, order) == report(2, start=1, pen=2)
    assert tables.merged(old, report(4, pen=2), order) == report(4, pen=2)
    assert tables.merged(None, new, order) == new


def test_the_document_shows_what_was_measured():
    text = tables.DOCUMENT.read_text("utf-8")
    report = json.loads(tables.RESULTS.read_text("utf-8"))
    assert tables.update(text, report) == text


def test_the_document_follows_when_the_picture_api_is_measured_again():
    report = json.loads(tables.RESULTS.read_text("utf-8"))
    rows = [
        Row(answers.DRAWING_COST, "ms", Figures(2.0)),
        Row(answers.PICTURE_COST, "ms", Figures(5.0), Figures(100.0)),
    ]
    report["sections"] = {
        "answers": {"date": "2026-12-01", "load": 0.1, "rows": [asdict(row) for row in rows]}
    }
    text = tables.update(tables.DOCUMENT.read_text("utf-8"), report)
    assert "| `/v1/predict` on a Space | 200 | 0.06 cores | 58 cores |" in text
    assert tables.update(text, report) == text


def test_the_table_counts_by_kind_and_what_has_no_digit_is_right_if_nothing_is_read():
    read = [
        {"kind": "a", "want": "1", "read": "1"},
        {"kind": "word", "want": None, "read": None},
        {"kind": "a", "want": "2", "read": "3"},
    ]
    assert scenes.table(read).splitlines()[2:] == [
        "| a | 1 | 2 |",
        "| word | 1 | 1 |",
        "| all | 2 | 3 |",
    ]

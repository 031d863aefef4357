"""The benchmark measures what it says, and says what it measured."""

import json
import time
import urllib.request
from dataclasses import asdict

import psutil
import pytest

from benchmarks import answers, handler, memory, scenes, tables
from benchmarks.__main__ import SECTIONS, main, measure
from benchmarks.calls import Crowd, Pictures, picture
from benchmarks.distance import at_a_distance
from benchmarks.figures import Figures, Row, machine, row_from_json
from benchmarks.serving import OURS, Server
from digits.examples import digit_example
from digits.pictures import load_picture
from tests.support.static_page import served


@pytest.mark.nightly
def test_every_section_runs():
    report = {"machine": machine(), "sections": measure(list(SECTIONS), quick=True)}
    assert set(report["sections"]) == set(SECTIONS)
    rows = tables.rows_of(report)
    assert all(row.ours is not None and row.ours.median >= 0 for row in rows)
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
    server = Server(OURS, app.url, app.uploads, psutil.Process(app.process.pid), 0.0)
    cost = answers.Cost()
    with Crowd(server, 4) as crowd:
        asks = [lambda i, caller=caller: caller.draw(digit_example(i)) for caller in crowd.callers]
        cost.add(server, asks[0], 8)
        crowd.work(asks, 8)
        assert crowd.callers[0].read(picture(7))["digit"] == 7
    assert cost.waited.count == len(crowd.milliseconds) == 8
    assert cost.waited.median > 0
    assert [count for count, held in memory.growth(server, (3, 6)) if held > 50] == [3, 6]


def test_mixed_pictures_can_be_opened_and_are_the_same_every_time():
    files = [memory.mixed_picture(number) for number in range(12)]
    assert files == [memory.mixed_picture(number) for number in range(12)]
    assert len({load_picture(file).shape for file in files}) == 12


def test_a_section_is_chosen_by_its_name(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "--only", "pen,nothing"])
    with pytest.raises(SystemExit):
        main()
    assert "received nothing" in capsys.readouterr().err


def test_a_distant_server_answers_the_same_but_not_before_both_ways_are_gone(tmp_path):
    content = bytes(range(256)) * 1000
    (tmp_path / "far").write_bytes(content)
    with served(tmp_path) as near, at_a_distance(near, 0.1) as url:
        start = time.monotonic()
        with urllib.request.urlopen(f"{url}/far", timeout=60) as response:  # noqa: S310 - loopback
            assert response.read() == content
        assert time.monotonic() - start >= 0.2


def test_no_two_pictures_are_the_same_file_and_all_can_be_opened():
    pictures = Pictures()
    files = [pictures.next() for _ in range(21)]
    assert len(set(files)) == 21
    assert load_picture(files[20]).shape[:2] == (500, 500)


def test_figures_are_median_and_95th_percentile():
    assert Figures.of(range(101)) == Figures(50, 95, 101)


def test_a_row_survives_its_file():
    row = Row("waiting", "ms", Figures.of([1, 2, 4]), Figures(8))
    assert row_from_json(json.loads(json.dumps(asdict(row)))) == row
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


def test_the_document_follows_when_the_picture_api_is_measured_anew():
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

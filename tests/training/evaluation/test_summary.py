"""The summary of a run uses only what a job summary can show: tables, a diagram, Braille."""

import json
import re

import numpy as np
import pytest

from tests.support.training_support import confident, small_mnist
from training import calibrate
from training.evaluation import summary
from training.evaluation.metrics import Answers

HISTORY = """epoch,seconds,accuracy,loss,val_accuracy,val_loss
1,80.4,0.9,0.5,0.95,0.2
2,81,0.93,0.4,0.975,0.1
"""


def answers(labels, digits, confidence=0.9):
    confidences, answered = confident(digits, confidence), np.ones(len(labels), bool)
    return Answers(np.array(labels), confidences, confidences.max(axis=1), answered)


@pytest.fixture
def run(run):
    (run / "history.csv").write_text(HISTORY)
    return run


def test_braille_has_a_dot_for_every_pixel():
    dots = np.zeros((8, 4), bool)
    assert summary.braille(dots) == ["⠀⠀", "⠀⠀"]
    dots[0, 0] = dots[3, 1] = dots[5, 2] = dots[6, 3] = True
    assert summary.braille(dots) == ["⢁⠀", "⠀⠢"]
    assert summary.braille(~np.zeros((4, 2), bool)) == ["⣿"]


def test_gallery_shows_the_most_confident_errors_first_and_nothing_that_is_right():
    images = np.zeros((3, 28, 28), np.uint8)
    images[1, :4, :2] = 255
    found = answers([7, 4, 4], [7, 9, 6], np.array([0.99, 0.9, 0.95]))
    text = summary.gallery(images, found)
    assert re.findall(r"</pre>(.*?)</td>", text) == ["4 as 6, 95 %", "4 as 9, 90 %"]
    assert text.count("⣿") == 1
    assert "\n\n" not in text  # would end the table
    assert summary.gallery(images[:1], answers([7], [7])) == "Nothing."


def test_confusions_are_counted_the_most_frequent_first():
    table = summary.confusions(answers([4, 4, 4, 7, 1], [9, 9, 6, 2, 1]))
    assert table == [["written, read", "times"], ["4 as 9", "2"], ["4 as 6", "1"], ["7 as 2", "1"]]


def test_reliability_leaves_empty_bins_out():
    found = answers([1, 1, 2], [1, 2, 2])
    measured = calibrate.reliability(found.confidences, found.labels)
    assert summary.reliability(measured)[1:] == [["90.0 %", "66.7 %", "3"]]


def test_learning_curves_say_the_same_as_diagram_and_as_table(run):
    diagram, _, table, _ = summary.learning_curves(summary.read_history(run))
    assert diagram.startswith("```mermaid\nxychart-beta\n")
    assert "x-axis epoch [1, 2]" in diagram
    assert "bar [5.00, 2.50]" in diagram
    assert "line [10.00, 7.00]" in diagram
    assert "| 2 | 81 | 0.4000 | 0.1000 | 7.00 % | 2.50 % |" in table
    (run / "history.csv").unlink()
    assert summary.read_history(run) == []


def test_the_pictures_are_where_the_workflow_put_them():
    job = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "someone/digits"}
    text = summary.where_the_pictures_are(job | {"GITHUB_RUN_ID": "12"})
    assert "(https://github.com/someone/digits/actions/runs/12#artifacts)" in text
    assert "PNG files in the run folder" in summary.where_the_pictures_are({})


def test_the_summary_measures_for_itself_and_is_whole_markdown(run):
    mnist = small_mnist()
    text = summary.summarize(run, mnist)
    [wrong] = re.findall(r"^## \S+: .* \((\d+) of 100 wrong\)$", text, re.MULTILINE)
    # Patches of ink are not digits, so the errors differ from those that the run reports.
    assert int(wrong) > 48
    assert f"| MNIST test digits misread | {wrong} of 100 |" in text
    assert text.count("```") == 2
    assert text.count("<td>") == text.count("</td>") == min(24, int(wrong))
    assert len(text.encode()) < 2**20  # GitHub's limit of a step's summary
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert tables
    assert all(line.endswith("|") for line in tables)


def test_what_a_run_says_of_itself_cannot_break_the_table(run):
    path = run / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"command": "train `<b>|x"}))
    assert "| command, reported by the run | `train bx` |" in summary.summarize(run, small_mnist())

import json
import re
from typing import get_args

import pytest

from digits.page.about import about_text, results_table
from digits.page.charts import charts
from digits.page.words import WORDS
from digits.pictures import Fault
from digits.weights import BUNDLED, METRICS_FILE

ROWS = [
    {
        "name": "served",
        "preprocessing": "this project",
        "mean": {
            "mnist_test": {"errors": 25, "count": 10000},
            "drawn": {"errors": 30.0, "count": 2000},
        },
    },
    {
        "name": "conv3",
        "preprocessing": "plain resize",
        "mean": {"mnist_test": {"errors": 100, "count": 10000}},
    },
]


def test_every_language_has_the_same_words():
    assert len(WORDS) >= 3
    for words in WORDS.values():
        assert words.keys() == WORDS["en"].keys()
        assert all(words.values())


def test_placeholders_are_the_same_in_every_language():
    for key, english in WORDS["en"].items():
        holders = sorted(re.findall(r"\{\d\}", english))
        for words in WORDS.values():
            assert sorted(re.findall(r"\{\d\}", words[key])) == holders


def test_every_fault_of_a_picture_is_worded():
    faults = {f"problem_{fault}" for fault in get_args(Fault) if fault != "array"}
    for words in WORDS.values():
        assert faults <= words.keys()


@pytest.mark.parametrize("language", WORDS)
def test_the_about_tab_states_the_bundled_weights_errors(language):
    errors = json.loads((BUNDLED / METRICS_FILE).read_bytes())["mnist_test"]["errors"]
    text = about_text(language)
    assert f" {errors} " in text.replace("(", " ")
    assert "$" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("language", WORDS)
def test_results_are_tabulated_in_per_cent(language):
    lines = results_table(language, ROWS).splitlines()
    mark = "." if language == "en" else ","
    assert f"| served, this project | 0{mark}25 | 1{mark}50 |" in lines
    assert f"| conv3, plain resize | 1{mark}00 | - |" in lines


def test_results_are_drawn_as_bars_that_name_their_numbers():
    figures = re.findall(r"<figure.*?</figure>", charts("en", ROWS))
    titles = [re.search(r"<figcaption>(.*?)<", figure)[1] for figure in figures]
    assert titles == ["Misread of 100: MNIST test", "Misread of 100: pen strokes"]
    bars = re.findall(r"width:([\d.]+)%.*?<span>([\d.]+)<", figures[0])
    assert bars == [("25.0", "0.25"), ("100.0", "1.00")]


@pytest.mark.parametrize("language", WORDS)
def test_what_is_refused_is_drawn_in_every_language(language):
    refusal = {"digits_refused_as_served": 0.005, "refused_as_served": {"letters": 0.9}}
    row = {"name": "served", "preprocessing": "this project", "mean": {"refusal": refusal}}
    drawn = charts(language, [row])
    mark = "." if language == "en" else ","
    assert re.findall(r"width:([\d.]+)%.*?<span>([\d.,]+)<", drawn) == [
        ("0.5", f"0{mark}50"),
        ("90.0", f"90{mark}00"),
    ]
    assert "\n\n" not in drawn


def test_without_results_there_is_no_table():
    assert results_table("en", []) == ""


def test_the_address_in_the_snippets_is_the_spaces_own(monkeypatch):
    monkeypatch.setenv("SPACE_HOST", "owner-name.hf.space,digits.example.org")
    assert "https://owner-name.hf.space/v1/predict" in about_text("en")
    monkeypatch.delenv("SPACE_HOST")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "8123")
    assert "http://127.0.0.1:8123/v1/predict" in about_text("en")

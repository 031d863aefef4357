"""The benchmark of scenes: what it believes, and what it counts."""

from benchmarks.scenes import Answer, cascade, table


def test_the_finder_is_believed_only_where_it_leaves_a_tenth_of_the_doubt():
    assert cascade(Answer("1", 0.5), Answer("7", 0.04)).text == "7"
    assert cascade(Answer("1", 0.5), Answer("7", 0.06)).text == "1"
    assert cascade(Answer(None, 1.0), Answer("7", 0.05)).text == "7"
    assert cascade(Answer("1", 0.5), Answer(None, 0.0)).text == "1"


def test_the_table_counts_by_kind_and_what_has_no_digit_is_right_if_nothing_is_read():
    scenes = [
        {"kind": "a", "want": "1"},
        {"kind": "word", "want": None},
        {"kind": "a", "want": "2"},
    ]
    answers = {"finder": [Answer("1", 0), Answer(None, 1), Answer("3", 0)]}
    assert table(scenes, answers).splitlines()[2:] == [
        "| a | 1 | 2 |",
        "| word | 1 | 1 |",
        "| all | 2 | 3 |",
    ]

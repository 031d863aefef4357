"""The benchmark of scenes: what it counts."""

from benchmarks.scenes import table


def test_the_table_counts_by_kind_and_what_has_no_digit_is_right_if_nothing_is_read():
    scenes = [
        {"kind": "a", "want": "1", "read": "1"},
        {"kind": "word", "want": None, "read": None},
        {"kind": "a", "want": "2", "read": "3"},
    ]
    assert table(scenes).splitlines()[2:] == [
        "| a | 1 | 2 |",
        "| word | 1 | 1 |",
        "| all | 2 | 3 |",
    ]

"""Training the line reader: its lines and their labels, its loss and its metrics."""

import numpy as np
import pytest

from digits.networks import BLANK, COLUMN_STEP, NOT_A_DIGIT
from digits.numbers.frame import HEIGHT
from digits.segmentation.lines import Line
from training import line_reading
from training.handwriting.strokes import box
from training.synthesis import extracted
from training.synthesis.lines import Written, write_line
from training.synthesis.page import DIGIT, WRITING, Digit, Page
from training.synthesis.writing import pick_font, print_character


@pytest.fixture(scope="module")
def lines(hands):
    rng = np.random.default_rng(1)
    return [write_line(hands, rng) for _ in range(300)]


def test_lines_hold_ink_where_characters_are_said_to_be(lines):
    empty = 0
    for line in lines:
        assert line.ink.shape[0] == HEIGHT
        assert 0 <= line.ink.min() <= line.ink.max() <= 1 + 1e-6
        assert len(line.labels) == len(line.spans) > 0
        assert (line.spans[:, 0] <= line.spans[:, 1]).all()
        assert (np.diff(line.spans.sum(axis=1)) >= 0).all()
        empty += sum(
            line.ink[:, int(left) : int(right) + 2].max() < 0.1 for left, right in line.spans
        )
    assert empty < 0.03 * sum(len(line.labels) for line in lines)


def test_lines_are_of_digits_signs_and_words_and_all_lengths(lines):
    labels = [label for line in lines for label in line.labels]
    assert set(labels) == set(range(11))
    assert 0.15 < labels.count(NOT_A_DIGIT) / len(labels) < 0.5
    assert {1, 2, 3, 4, 5, 6} <= {len(line.labels) for line in lines}
    assert any(set(line.labels) == {NOT_A_DIGIT} for line in lines)
    assert max(line.ink.shape[1] for line in lines) > 5 * HEIGHT


@pytest.mark.parametrize(
    ("character", "top", "foot"),
    [("H", 0, 1), ("8", 0, 1), ("x", 0.3, 1), ("g", 0.3, 1.3), (".", 0.85, 1)],
)
def test_a_character_of_a_font_stands_on_the_line_as_high_as_capitals(character, top, foot):
    font = pick_font(np.random.default_rng(0))
    low, high = box(print_character(character, font))
    assert [low[1], high[1]] == pytest.approx([top, foot], abs=0.15)
    assert 0 <= low[0] <= high[0] < 1.5
    print_character(character, font)[0] += 1
    assert box(print_character(character, font))[0] == pytest.approx(low)


def crosses(*places):
    """Ink of a line, with crosses of 12 pixels at these columns."""
    ink = np.zeros((30, 100), np.float32)
    for place in places:
        ink[2:28, place + 4 : place + 8] = 1
        ink[12:16, place : place + 12] = 1
    return ink


def page_with(digits=(), writing=()):
    """A page with such crosses at twice the scale, offset by (10, 20)."""
    page = Page.blank(np.full((120, 240, 3), 255, np.uint8), "scan")
    for layer, places in ((DIGIT, digits), (WRITING, writing)):
        page.layers[20:80, 10:210, layer] = np.kron(255 * crosses(*places), np.ones((2, 2)))
    page.digits += [Digit(7, (10 + 2 * place, 24, 24, 52)) for place in digits]
    return page


@pytest.mark.parametrize(
    ("ink", "digits", "writing", "labels"),
    [
        ((10, 40), (10, 40), (), (7, 7)),
        ((10, 40, 70), (10, 70), (40,), (7, NOT_A_DIGIT, 7)),
        ((10, 40), (10,), (), (7,)),  # the other is the edge of a shadow
        ((40,), (10, 40), (), (7,)),  # the other was not extracted
        ((10, 40), (), (), (NOT_A_DIGIT, NOT_A_DIGIT)),  # a thing
        ((10,), (), (10,), None),  # a word, whose letters have no labels
        ((10,), (14,), (), None),  # little of the digit was extracted
    ],
)
def test_extracted_lines_are_labeled_by_what_is_on_the_page(
    recognizer, ink, digits, writing, labels
):
    line = Line(crosses(*ink), (10.0, 20.0), 2.0)
    written = extracted.labeled(line, page_with(digits, writing), recognizer)
    assert (written and written.labels) == labels
    for left, right in written.spans if written else ():
        assert written.ink[:, int(left) : int(right)].mean() > 0.3


def test_a_thing_that_looks_like_a_1_is_left_out(recognizer):
    ink = crosses(10)
    ink[2:28, 60:64] = 1
    line = Line(ink, (10.0, 20.0), 2.0)
    for page in (page_with(), page_with(digits=(10,))):
        assert extracted.labeled(line, page, recognizer) is None


def test_pages_give_lines_with_and_without_digits(hands, tmp_path):
    lines = [line for index in range(40) for line in extracted.extract_lines(hands, 1, index)]
    labels = {label for line in lines for label in line.labels}
    assert len(labels & set(range(10))) > 5
    assert any(set(line.labels) == {NOT_A_DIGIT} for line in lines)
    extracted.save_lines(tmp_path / "lines.npz", lines)
    for line, kept in zip(lines, extracted.load_lines(tmp_path / "lines.npz"), strict=True):
        assert kept.labels == line.labels
        assert np.allclose(kept.ink, line.ink, atol=0.003)
        assert np.array_equal(kept.spans, line.spans)


def test_a_quarter_of_the_lines_are_extracted(hands):
    only = Written(np.ones((HEIGHT, 12), np.float32), (NOT_A_DIGIT,) * 40, np.zeros((40, 2)))
    batches = line_reading.make_batches(line_reading.Material(hands, [only]), 1, 0)
    counts = [(batch.labels == NOT_A_DIGIT).sum(axis=1) for batch in batches]
    assert (np.concatenate(counts) == 40).mean() == 0.25


def test_a_batch_is_as_wide_as_its_widest_line_and_marks_where_nothing_may_be_named():
    ink = np.ones((HEIGHT, 40), np.float32)
    short = Written(ink[:, :20], (7,), np.array([[4.0, 10.0]]))
    long = Written(ink, (3, NOT_A_DIGIT), np.array([[8.0, 16.0], [20.0, 30.0]]))
    batch = line_reading.batch_of([short, long])
    assert batch.inks.shape == (2, HEIGHT, 40, 1)
    assert batch.inks[0].sum() == 20 * HEIGHT
    assert batch.labels.tolist() == [[7, -1], [3, NOT_A_DIGIT]]
    assert batch.stray.shape == (2, 40 // COLUMN_STEP, BLANK + 1)
    assert batch.stray[..., BLANK].max() == 0
    assert np.flatnonzero(batch.stray[0, :, 7] == 0).tolist() == [1, 2, 3, 4, 5, 6]
    assert batch.stray[0, :, 3].all()


def test_naming_a_character_beside_its_columns_costs_more():
    labels = np.array([[7]], np.int32)
    stray = np.ones((1, 6, BLANK + 1), np.float32)
    stray[..., BLANK], stray[0, 1:3, 7] = 0, 0

    def cost(column):
        logits = np.zeros((1, 1, 6, BLANK + 1), np.float32)
        logits[..., BLANK] = 6
        logits[..., column, 7] = 12
        return float(line_reading.loss(logits, labels, stray))

    assert cost(1) + 0.3 < cost(4)


def test_errors_are_insertions_deletions_and_substitutions():
    ink = np.ones((HEIGHT, 20), np.float32)
    spans = np.zeros((3, 2))
    line = Written(ink, (1, 2, 3), spans)

    def naming(*labels):
        def answer(inks, *, training):
            assert not training
            logits = np.zeros((len(inks), 1, 10, BLANK + 1))
            logits[..., BLANK] = 1
            for place, label in enumerate(labels):
                logits[:, 0, 2 * place, label] = 2
            return logits

        return line_reading.evaluate(answer, [line])

    assert naming(1, 2, 3) == {"lines": 1.0, "character_errors": 0.0, "of_lines": 1}
    for wrong in ((1, 3), (1, 2, 4), (1, 2, 2, 3)):
        assert naming(*wrong)["character_errors"] == pytest.approx(1 / 3, abs=1e-3)
    assert naming()["character_errors"] == 1

"""Training pages for the finder: pictures and labels match."""

import cv2
import numpy as np
import pytest

from tests.support.training_support import _handwritten as handwritten
from training.synthesis import contents, write_sheet
from training.synthesis.marks import Pen, draw, line, placed
from training.synthesis.page import DIGIT, LINE, WRITING, Digit, Page
from training.synthesis.pages import SIDE, Made, _without_unseen, make
from training.synthesis.surfaces import SURFACES, pen_for
from training.synthesis.surroundings import SURROUNDINGS
from training.synthesis.writing import load_hands, save_hands, write_text


@pytest.fixture(scope="module")
def pages(hands):
    return [make(hands, 3, index) for index in range(60)]


def blank(size=(120, 160), tone=255):
    return Page.blank(np.full((*size, 3), tone, np.uint8), "canvas")


def test_pages_have_the_size_and_the_classes_of_the_finder(pages):
    assert {page.picture.shape for page in pages} == {(SIDE, SIDE, 3)}
    assert {page.classes.shape for page in pages} == {(SIDE // 2, SIDE // 2)}
    assert set(np.unique(np.stack([page.classes for page in pages]))) == {0, 1, 2, 3}


def test_digit_ink_is_inside_boxes_and_differs_from_its_surroundings(pages):
    for page in pages:
        small = cv2.resize(page.picture, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
        outside = page.classes == 1
        for digit in page.digits:
            x, y, w, h = (int(v / 2) for v in digit.box)
            outside[max(y - 2, 0) : y + h + 3, max(x - 2, 0) : x + w + 3] = False
            part = slice(max(y, 0), y + h + 1), slice(max(x, 0), x + w + 1)
            ink = page.classes[part] == 1
            assert ink.any()
            if (~ink).any():
                around = small[part][~ink].mean(axis=0)
                assert np.abs(small[part][ink].mean(axis=0) - around).max() > 3
        assert outside.mean() < 0.005


def test_an_invisible_digit_takes_no_ink_from_its_neighbor():
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    classes = np.zeros((SIDE // 2, SIDE // 2), np.uint8)
    classes[50:80, 50:56] = classes[50:80, 70:76] = 1
    picture[100:160, 100:112] = 195  # the other digit is as white as the paper
    seen = Digit(1, (100.0, 100.0, 12.0, 60.0))
    unseen = Digit(1, (110.0, 100.0, 42.0, 60.0))
    made = _without_unseen(Made(picture, classes, (unseen, seen), "test"))
    assert made.digits == (seen,)
    assert (made.classes[50:80, 50:56] == 1).all()
    assert (made.classes[50:80, 70:76] == 0).all()


def test_a_digit_cut_by_the_edge_becomes_other_writing(hands):
    page = blank()
    rng = np.random.default_rng(0)
    draw(page, placed([hands.digit(rng, 8)], 60, (40, 20)), Pen(5, (0, 0, 0)), rng)
    x, _, w, _ = page.digits[0].box
    cut = page.crop(int(x + 0.7 * w), 0, 60, 120)
    assert cut.digits == []
    assert cut.layers[..., DIGIT].max() == 0
    assert cut.layers[..., WRITING].max() == 255


def test_a_digit_cut_by_the_edge_takes_no_ink_from_its_neighbor(hands):
    page = blank()
    rng = np.random.default_rng(0)
    for at in (20, 40):  # their boxes overlap
        draw(page, placed([hands.digit(rng, 0)], 60, (at, 20)), Pen(5, (0, 0, 0)), rng)
    left, whole = page.digits
    ink = page.layers[..., DIGIT].copy()
    cut = page.crop(int(left.box[0] + 0.6 * left.box[2]), 0, 70, 120)
    assert len(cut.digits) == 1
    x, y, w, h = (round(value) for value in whole.box)
    inside = slice(y, y + h), slice(x, x + w)
    assert (page.layers[inside][..., DIGIT] == ink[inside]).all()


def test_a_pasted_page_hides_what_is_below():
    page, card = blank(), blank((60, 60), 128)
    draw(page, [line([[10, 10], [100, 100]])], Pen(4, (0, 0, 0)), np.random.default_rng(0))
    page.paste(card, (40, 40))
    assert page.layers[41:99, 41:99].max() == 0
    assert page.layers[10:40, 10:40, LINE].max() == 255
    assert (page.picture[50:90, 50:90] == 128).all()


@pytest.mark.parametrize("name", contents.CONTENTS)
def test_contents_have_digits_unless_named_otherwise(hands, name):
    made = [contents.CONTENTS[name][0](hands, np.random.default_rng(seed)) for seed in range(12)]
    digits = [sum(mark.digit is not None for mark in marks) for marks in made]
    assert all(mark.layer == DIGIT for marks in made for mark in marks if mark.digit is not None)
    assert (max(digits) == 0) == (name in {"words", "shapes", "empty"})


def test_letters_that_look_like_digits_are_not_digit_ink():
    marks = write_text("SOlIZB", np.random.default_rng(1))
    assert len(marks) == 6
    assert {mark.layer for mark in marks} == {WRITING}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_surroundings_add_no_digit_ink(hands, name):
    changed = 0
    for seed in range(6):
        page = blank((300, 400))
        SURROUNDINGS[name][0](page, hands, np.random.default_rng(seed))
        assert page.layers[..., DIGIT].max() == 0
        assert page.digits == []
        changed += int((page.picture != 255).any())
    assert changed > 0


@pytest.mark.parametrize("name", SURFACES)
def test_the_pen_is_visible_on_every_surface(name):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        page = SURFACES[name][0]((80, 100), rng)
        pen = pen_for(page, 30, rng)
        ground = np.median(page.picture.reshape(-1, 3), axis=0)
        assert np.abs(np.array(pen.color) - ground).max() > 40


def test_saved_hands_are_loaded_unchanged(tmp_path, hands):
    images, labels = handwritten(2, 40)
    save_hands(tmp_path / "hands.npz", images, labels)
    loaded = load_hands(tmp_path / "hands.npz")
    assert np.array_equal(loaded.images, images)
    for again, traced in zip(loaded.traced, hands.traced, strict=True):
        for stroke, known in zip(again, traced, strict=True):
            np.testing.assert_allclose(stroke, known, atol=1e-3)


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3)], ids=["gray", "color"])
def test_a_sheet_shows_every_image(tmp_path, shape):
    write_sheet(tmp_path / "sheet.png", [np.full(shape, 50 * k, np.uint8) for k in range(1, 6)], 3)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet[::4, ::6, 0].tolist() == [[50, 100, 150], [200, 250, 0]]

"""Several digits, read by the bundled weights."""

import cv2
import numpy as np
import pytest

from digits.drawing import PAD_WIDTHS, as_picture, draw, parse_strokes
from digits.examples import number_example
from digits.numbers.line_reader import LineReader, Named
from tests.support.inks import example_ink


def written(number: str, seed: int = 0) -> np.ndarray:
    return as_picture(draw(parse_strokes(number_example(number, seed)), PAD_WIDTHS["number"]))


@pytest.mark.parametrize("number", ["42", "1984", "365", "7", "2036", "5051"])
def test_number_is_read_from_left_to_right(recognizer, number):
    reading = recognizer.read(written(number))
    assert reading.number == number
    lefts = [digit.box[0] for digit in reading.digits]
    assert lefts == sorted(lefts)


def test_boxes_hold_the_ink_in_pixels_of_the_picture(recognizer):
    small = written("365")
    large = small.repeat(3, 0).repeat(3, 1)
    rows, columns = np.nonzero(large < 128)
    boxes = [digit.box for digit in recognizer.read(large).digits]
    assert len(boxes) == 3
    right = columns.max() + 1  # a box ends where its ink does not go on
    assert abs(min(x for x, _, _, _ in boxes) - columns.min()) <= 6
    assert abs(max(x + width for x, _, width, _ in boxes) - right) <= 6
    assert abs(min(y for _, y, _, _ in boxes) - rows.min()) <= 6


def test_touching_digits_are_cut_apart(recognizer):
    picture = written("42")
    _, columns = np.nonzero(picture < 128)
    middle = (picture[:, columns.min() : columns.max()] < 128).any(axis=0)
    gap = columns.min() + np.flatnonzero(~middle)
    halves = picture[:, : gap.min()], picture[:, gap.max() + 1 :]
    touching = np.concatenate(halves, axis=1)
    assert recognizer.read(touching).number == "42"


def test_faint_smear_beside_a_stroke_is_no_digit_and_no_error(recognizer):
    picture = np.full((200, 500), 255, np.uint8)
    picture[85:115, 210:330] = 235
    picture[50:150, 60:210] = 0
    assert len(recognizer.read(picture).digits) <= 1


def strokes(*lines: list[tuple[int, int]], size: tuple[int, int] = (280, 560)) -> np.ndarray:
    """Draw lines through points with a thick pen, black on white."""
    picture = np.full(size, 255, np.uint8)
    for line in lines:
        points = [np.array(line, np.int32)]
        cv2.polylines(picture, points, False, 0, 14, cv2.LINE_AA)  # noqa: FBT003 - OpenCV's order
    return picture


SEVEN = [(400, 70), (470, 70), (430, 200)]
ONE = [(100, 65), (100, 205)]
MIDDLE_ONE = [(200, 65), (202, 205)]


ANGLES = np.radians(np.arange(-110, 130, 8))
BOW = [(int(240 + 42 * np.cos(angle)), int(160 + 42 * np.sin(angle))) for angle in ANGLES]
DETACHED_FIVE = [(218, 80), (215, 128), *BOW], [(240, 66), (290, 66)]
FOUR = [(225, 65), (205, 150), (265, 150)], [(290, 70), (280, 205)]
SLANTING = (
    [(x + 10, int(0.7 * y) + 10) for x, y in ONE],
    [(250, 80), (252, 220)],
    [(x, y + 40) for x, y in SEVEN],
)


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        pytest.param((ONE, *DETACHED_FIVE, SEVEN), "157", id="a five with a detached top stroke"),
        pytest.param((ONE, *FOUR, SEVEN), "147", id="a four in two strokes"),
        pytest.param((ONE, MIDDLE_ONE, [(310, 135), (345, 135)], SEVEN), "117", id="a dash"),
        pytest.param((ONE, MIDDLE_ONE, [(320, 200), (322, 202)], SEVEN), "117", id="a dot"),
        pytest.param((ONE, MIDDLE_ONE, [(322, 195), (312, 222)], SEVEN), "117", id="a comma"),
        pytest.param(SLANTING, "117", id="a slanting line of uneven digits"),
    ],
)
def test_strokes_make_a_number(recognizer, lines, number):
    assert recognizer.read(strokes(*lines)).number == number


def test_a_sign_among_digits_is_unread(recognizer):
    plus = [[(260, 135), (330, 135)], [(295, 100), (295, 170)]]
    reading = recognizer.read(strokes(ONE, *plus, SEVEN))
    assert reading.number == "17"
    ((x, _, width, _),) = reading.unread
    assert 240 < x < x + width < 350


def part(number: str, seed: int) -> np.ndarray:
    """Cut a written number out, 150 pixels high."""
    sheet = written(number, seed)
    x, y, width, height = cv2.boundingRect((sheet < 128).astype(np.uint8))
    return cv2.resize(sheet[y : y + height, x : x + width], (150 * width // height, 150))


@pytest.mark.parametrize("width", [45, 70])
def test_a_slash_between_numbers_is_no_1(recognizer, width):
    slash = np.full((150, width + 40), 255, np.uint8)
    cv2.line(slash, (width + 20, 5), (20, 145), 0, 8, cv2.LINE_AA)
    dates = (np.hstack([part("28", seed), slash, part("43", seed)]) for seed in range(8))
    pages = (np.pad(date, 75, constant_values=255) for date in dates)
    assert sum(recognizer.read(page).number == "2843" for page in pages) >= 7


def test_letters_around_a_digit_are_no_number(recognizer):
    word = [
        [(40, 70), (110, 70)],
        [(75, 70), (75, 200)],
        MIDDLE_ONE,
        [(290, 200), (330, 70), (370, 200)],
        [(305, 150), (355, 150)],
    ]
    reading = recognizer.read(strokes(*word))
    assert (reading.number, reading.reason) == ("", "not a digit")
    assert reading.unread


def test_a_digit_that_stands_alone_has_to_be_sure(recognizer):
    read = []
    for seed in range(10):
        tangle = np.random.default_rng(seed).uniform(60, 220, (24, 2)).astype(int)
        picture = strokes([tuple(point) for point in tangle.tolist()])
        read += [recognizer.predict(picture).digit, recognizer.read(picture).number or None]
    assert sum(answer is None for answer in read) >= 15, read


def test_all_digits_of_a_line_are_classified_at_once(recognizer, monkeypatch):
    asked = []
    predict = recognizer.predict_images
    monkeypatch.setattr(
        recognizer._numbers,  # noqa: SLF001 - counts what is asked
        "_classify",
        lambda images: asked.append(len(images)) or predict(images),
    )
    assert recognizer.read(written("1984")).number == "1984"
    assert asked == [4, 4]  # the extractor's ink, and that of the plain paper


def test_ink_in_which_nothing_is_named_is_unread(recognizer, monkeypatch):
    monkeypatch.setattr(LineReader, "read", lambda *_: [])
    reading = recognizer.read_ink(example_ink(4))
    assert (reading.number, reading.reason, len(reading.unread)) == ("", "not a digit", 1)


@pytest.mark.parametrize("certain", [1.0, 0.5])
def test_networks_that_contradict_each_other_for_certain_give_finite_confidences(
    recognizer, monkeypatch, certain
):
    monkeypatch.setattr(recognizer._numbers, "_classify", lambda x: np.eye(11)[[2] * len(x)])  # noqa: SLF001
    named = np.eye(11, dtype=np.float32)[7] * certain
    monkeypatch.setattr(LineReader, "read", lambda *_: [Named(named, 200.0)])
    (digit,) = recognizer.read_ink(example_ink(4)).digits or (None,)
    assert digit is None or 0 <= digit.confidence <= 1


@pytest.mark.parametrize("seed", range(3))
def test_dots_and_noise_are_no_number(recognizer, seed):
    rng = np.random.default_rng(seed)
    dots = np.where(rng.random((300, 300)) < 0.01, 0, 255).astype(np.uint8)
    noise = rng.integers(0, 256, (28, 28)).astype(np.uint8)
    assert [recognizer.read(picture).number for picture in (dots, noise)] == ["", ""]

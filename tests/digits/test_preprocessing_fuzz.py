"""Whatever the pixels, preprocessing and segmentation give valid results or their own errors.

`pytest --hypothesis-profile long` tries far more; see `tests/conftest.py`.
"""

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from PIL import Image

from digits.ink import BlankPictureError
from digits.numbers.frame import HEIGHT, MAX_WIDTH, fit_line
from digits.numbers.line_reader import share_ink
from digits.pictures import MIN_SIDE, PictureError, load_picture
from digits.plain import plain_ink
from digits.preprocessing import has_ink, normalize, preprocess_candidates
from tests.support import pen
from tests.support.inks import difference, first_image

few = settings(max_examples=settings.default.max_examples // 4)
"""Each example takes about 50 ms, more than most."""

MODES = ("1", "L", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "LA", "PA",
         "I;16", "I;16B", "La", "RGBa")  # fmt: skip


@st.composite
def pictures(draw):
    """Random pixels, and drawings of a few shapes: `(H, W)` or `(H, W, 3)` uint8."""
    depth = draw(st.sampled_from([(), (3,)]))
    if draw(st.booleans()):
        shape = draw(st.tuples(st.integers(MIN_SIDE, 40), st.integers(MIN_SIDE, 40)))
        return draw(st_numpy.arrays(np.uint8, shape + depth))
    height, width = draw(st.tuples(st.integers(MIN_SIDE, 160), st.integers(MIN_SIDE, 160)))
    level = st.integers(0, 255)
    color = st.tuples(level, level, level) if depth else st.tuples(level)
    picture = np.full((height, width, *depth), draw(color) if depth else draw(level), np.uint8)
    point = st.tuples(st.integers(-20, 180), st.integers(-20, 180))
    for _ in range(draw(st.integers(0, 6))):
        shape = draw(st.sampled_from(["line", "rectangle", "ellipse", "gradient", "grain"]))
        first, second, ink = draw(point), draw(point), draw(color)
        thickness = draw(st.integers(1, 30))
        match shape:
            case "line":
                cv2.line(picture, first, second, ink, thickness, cv2.LINE_AA)
            case "rectangle":
                cv2.rectangle(picture, first, second, ink, draw(st.sampled_from([-1, thickness])))
            case "ellipse":
                axes = tuple(abs(side) // 2 for side in second)
                cv2.ellipse(picture, first, axes, thickness * 12, 0, 360, ink, thickness)
            case "gradient":
                fall = np.linspace(0.3, 1, width)
                picture = (picture * (fall[:, None] if depth else fall)).astype(np.uint8)
            case _:
                rng = np.random.default_rng(draw(st.integers(0, 99)))
                noisy = picture + rng.normal(0, thickness, picture.shape)
                picture = noisy.clip(0, 255).astype(np.uint8)
    return picture


inks = st_numpy.arrays(
    np.float32,
    st.tuples(st.integers(1, 60), st.integers(1, 90)),
    elements=st.floats(0, 1, width=32),
    fill=st.just(np.float32(0)),
)
"""Ink of any shape, mostly paper."""


def check_image(image):
    assert image.shape == (28, 28)
    assert image.dtype == np.float32
    assert 0 <= image.min() <= image.max() <= 1


@few
@given(pictures())
def test_ink_of_any_picture_keeps_its_frame_and_gives_images(picture):
    ink = plain_ink(picture)
    if ink is None:
        return
    assert ink.array.shape == picture.shape[:2]
    assert ink.array.dtype == np.float32
    assert ink.array.min() >= 0
    assert 0 < ink.array.max() <= 1
    for candidate in preprocess_candidates(ink):
        check_image(candidate.image)


@few
@given(pictures())
def test_any_picture_gives_lines_of_ink_within_it_and_an_answer_or_a_reason(recognizer, picture):
    page = recognizer.look(picture).layout
    height, width = picture.shape[:2]
    boxes = [*page.unread, *(line.box for line in page.lines)]
    for x, y, wide, high in boxes:
        assert -2 <= x <= x + wide <= width + 2
        assert -2 <= y <= y + high <= height + 2
    for line in page.lines:
        assert line.ink.dtype == np.float32
        assert line.ink.min() >= 0
        assert 0 < line.ink.max() <= 1
        check_image(normalize(line.ink))
    prediction, reading = recognizer.predict(picture), recognizer.read(picture)
    assert (prediction.digit is None) == (prediction.reason is not None)
    assert sum(prediction.confidences) == pytest.approx(1)
    assert (reading.number == "") == (reading.reason is not None)
    assert "".join(reading.lines) == "".join(str(digit.digit) for digit in reading.digits)


@few
@given(inks)
def test_any_ink_is_normalized_or_blank(ink):
    if has_ink(ink):
        check_image(normalize(ink))
    else:
        with pytest.raises(BlankPictureError):
            normalize(ink)


@few
@given(st.sampled_from(MODES), st.integers(1, 12), st.integers(1, 12), st.binary(max_size=600))
def test_a_pillow_image_of_any_mode_gives_a_picture_or_a_refusal(mode, width, height, pixels):
    size = len(Image.new(mode, (width, height)).tobytes())
    image = Image.frombytes(mode, (width, height), pixels[:size].ljust(size, b"\x7f"))
    try:
        picture = load_picture(image)
    except PictureError:
        return
    assert picture.dtype == np.uint8
    assert picture.shape[:2] == (height, width)


columns = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(sorted)


@few
@given(inks, columns)
def test_any_ink_is_shared_out_without_a_pixel_twice(ink, columns):
    assume((ink > 0).any())
    places = np.array(columns) * ink.shape[1]
    left = ink.copy()
    for part in share_ink(ink, places):
        top, left_side, bottom, right = part.box
        assert part.ink.shape == (max(0, bottom - top), max(0, right - left_side))
        if part.ink.any():
            window = left[top:bottom, left_side:right]
            assert (window[part.ink > 0] == part.ink[part.ink > 0]).all()
            window[part.ink > 0] = 0
            if has_ink(part.ink):
                check_image(normalize(part.ink))


@few
@given(inks)
def test_any_ink_fits_into_the_line_readers_frame(ink):
    assume((ink > 0).any())
    frame, scale, first = fit_line(ink)
    assert frame.shape[0] == HEIGHT
    assert frame.shape[1] <= MAX_WIDTH
    assert frame.min() >= 0
    assert 0 < frame.max() <= 1 + 1e-6
    assert 0 <= first < ink.shape[1]
    assert scale > 0


@few
@given(st.integers(0, 9), st.tuples(*[st.integers(0, 300)] * 4))
def test_place_on_the_sheet_and_paper_around_change_nothing(digit, paper):
    sheet = pen.sheet(digit, size=200, brush=10)
    image = first_image(np.pad(sheet, (paper[:2], paper[2:]), "edge"))
    np.testing.assert_array_equal(image, first_image(sheet))


@few
@given(st.integers(0, 9), st.integers(4, 30))
def test_exchanging_ink_and_paper_changes_nothing(digit, brush):
    sheet = pen.sheet(digit, brush=brush)
    assert difference(first_image(255 - sheet), first_image(sheet)) < 0.01


@few
@given(st.integers(0, 9), st.integers(100, 2000))
def test_the_size_of_the_picture_changes_little(digit, side):
    sheet = pen.sheet(digit, size=400, brush=28)
    assert difference(first_image(scaled(sheet, side)), first_image(sheet)) < 0.4


def scaled(sheet, side):
    how = cv2.INTER_AREA if side < len(sheet) else cv2.INTER_CUBIC
    return cv2.resize(sheet, (side, side), interpolation=how)


CHANGED = 0.01
"""Maximum share of changed answers; of 600 tried, none changed."""


def test_place_size_polarity_and_margins_hardly_ever_change_an_answer(mnist, recognizer):
    rng = np.random.default_rng(0)
    count = few.max_examples
    changed = []
    for original in mnist.train_images[:count]:
        sheet = np.full((400, 400), 255, np.uint8)
        sheet[60:340, 60:340] -= original.repeat(10, 0).repeat(10, 1)
        sheet = cv2.GaussianBlur(sheet, (0, 0), 4)
        digit = recognizer.predict(sheet).digit
        above, beside = rng.integers(0, 400, 2)
        others = {
            "shifted": np.roll(sheet, rng.integers(-50, 51, 2), (0, 1)),
            "inverted": 255 - sheet,
            "padded": np.pad(sheet, ((above, 0), (0, beside)), "edge"),
            "scaled": scaled(sheet, int(rng.integers(100, 1500))),
        }
        changed += [
            how for how, other in others.items() if recognizer.predict(other).digit != digit
        ]
    assert len(changed) <= CHANGED * 4 * count, changed

"""The finder: its training targets and metrics, centers in pictures, and lines of ink."""

import cv2
import numpy as np
import pytest

from digits.ink import Ink
from digits.segmentation.finder import Center, Finder
from digits.segmentation.letterbox import SIDE, letterbox, stretch, tiles_of, to_square
from digits.segmentation.lines import find_line, group_lines
from tests.support.training_support import small_hands
from training import segmentation
from training.synthesis.pages import make


@pytest.fixture(scope="module")
def pages():
    hands = small_hands(40)
    return [make(hands, 5, index) for index in range(segmentation.BATCH)]


def test_centers_are_marked_where_digits_are_with_their_height(pages):
    for page in pages:
        heat, height = segmentation.center_map(page).transpose(2, 0, 1)
        assert heat.max(initial=0) <= 1
        assert (heat.max() == 0) == (not page.digits)
        for digit in page.digits:
            x, y, w, h = digit.box
            at = tuple(min(int(middle / 4), SIDE // 4 - 1) for middle in (y + h / 2, x + w / 2))
            if heat[at] == 1:
                assert abs(height[at] - np.log(h)) < 1.0


def test_perfect_answers_score_one_and_empty_ones_zero(pages):
    shown = [page for page in pages if page.digits][:4]
    wanted = segmentation.batch_of(shown)

    def perfect(pictures, *, training):
        assert not training
        assert np.array_equal(pictures, wanted.pictures)
        return np.eye(4)[wanted.classes], 20 * wanted.centers - 10

    def empty(_, **__):
        return np.eye(4)[0 * wanted.classes], 0 * wanted.centers - 9

    scores = segmentation.evaluate(perfect, shown)["all"]
    assert scores["ink"] == 1
    assert scores["recall"] > 0.9
    nothing = segmentation.evaluate(empty, shown)["all"]
    assert nothing["ink"] == nothing["recall"] == 0


@pytest.mark.parametrize("size", [(28, 28), (40, 900), (1600, 1200), (5, 5)])
def test_a_letterbox_holds_the_whole_picture_amid_its_rims_color(size):
    picture = np.full((*size, 3), 255, np.uint8)
    rim = max(1, min(size) // 8)
    picture[rim:-rim, rim:-rim] = 0
    square, place = to_square(picture), letterbox(*size)
    assert square.shape == (SIDE, SIDE, 3)
    assert min(place.top, place.left) > 0
    assert max(place.size) + 2 * min(place.top, place.left) == SIDE
    assert (square[0, 0] == 255).all()
    assert square[SIDE // 2, SIDE // 2].max() == 0


@pytest.mark.parametrize(("paper", "ink", "range_"), [(253, 233, 80), (30, 60, 120), (255, 0, 255)])
def test_a_faint_picture_is_shown_with_more_contrast(paper, ink, range_):
    picture = np.full((SIDE, SIDE), paper, np.uint8)
    picture[100:200, 150:170] = ink
    square = stretch(to_square(picture)).astype(int)
    assert np.ptp(square) == pytest.approx(range_, abs=4)
    assert abs(square[0, 0, 0] - paper) < 30
    assert (square[150, 160, 0] < square[0, 0, 0]) == (ink < paper)


def mark(planes):
    """Mark a digit center in the middle of each red component, and blue as other writing."""
    small = cv2.resize(planes[0].transpose(1, 2, 0), (SIDE // 2,) * 2, interpolation=cv2.INTER_AREA)
    red, _, blue = np.moveaxis(small, 2, 0)
    ink = (red - blue > 0.24).astype(np.uint8)
    writing = (blue - red > 0.24).astype(np.float32)
    classes = np.stack([1 - ink - writing, ink, writing, 0 * ink])
    heat = np.full((2, SIDE // 4, SIDE // 4), -9, np.float32)
    for x, y, width, height, _ in cv2.connectedComponentsWithStats(ink)[2][1:]:
        heat[:, (y + height // 2) // 2, (x + width // 2) // 2] = np.log(9), np.log(2 * height)
    return heat[None], classes[None].astype(np.float32)


def found_in(picture, region=None):
    """Run a finder whose network is `mark`."""
    finder = object.__new__(Finder)
    finder._heads = mark
    return finder.find(picture, region or (0, 0, picture.shape[1], picture.shape[0]))


@pytest.mark.parametrize("region", [None, (150, 100, 500, 600)])
def test_centers_and_other_writing_are_told_in_pixels_of_the_picture(region):
    picture = np.full((768, 768, 3), 255, np.uint8)
    cv2.line(picture, (200, 150), (200, 600), (220, 0, 0), 20)
    cv2.line(picture, (500, 150), (500, 600), (0, 0, 220), 20)
    found = found_in(picture, region)
    (center,) = found.centers
    assert (center.x, center.y) == (pytest.approx(200, abs=6), pytest.approx(375, abs=6))
    assert center.height == pytest.approx(470, rel=0.05)
    ((x, y, w, h),) = found.unread
    assert abs(x - 490) < 12
    assert abs(y + h / 2 - 375) < 12
    assert abs(w - 20) < 12


def test_a_wide_strip_is_looked_at_in_tiles():
    strip = np.full((60, 900, 3), 255, np.uint8)
    places = [20, 300, 450, 600, 880]
    for x in places:
        cv2.line(strip, (x, 10), (x, 50), (220, 0, 0), 5)
    assert len(tiles_of(60, 900)) > 5
    centers = found_in(strip).centers
    assert sorted(round(c.x) for c in centers) == pytest.approx(places, abs=4)
    assert all(c.height == pytest.approx(44, abs=6) for c in centers)


def test_a_picture_without_marks_has_no_centers():
    found = found_in(np.full((200, 300), 255, np.uint8))
    assert (found.centers, found.unread) == ((), ())


def inked(*boxes):
    ink = np.zeros((200, 300), np.float32)
    for x, y, w, h in boxes:
        ink[y : y + h, x : x + w] = 1
    return ink


def find_lines(ink, *digits, scale=1.0):
    """Find the lines of ink whose digits have these boxes."""
    centers = [Center(x + w / 2, y + h / 2, h, 0.9).moved(0, 0, 1 / scale) for x, y, w, h in digits]
    lines = []
    for line in group_lines(centers):
        others = [center for center in centers if center not in line]
        lines.append(find_line(Ink(ink, scale), line, others))
    return [line for line in lines if line]


def test_ink_is_sorted_into_lines_from_top_to_bottom():
    boxes = [(20, 120, 20, 40), (60, 125, 20, 40), (30, 20, 20, 40), (200, 22, 20, 40)]
    top, bottom = find_lines(inked(*boxes), *boxes, scale=2.0)
    assert top.count == bottom.count == 2
    assert top.box == (60, 40, 380, 84)
    assert bottom.box == (40, 240, 120, 90)
    assert top.ink.sum() == bottom.ink.sum() == 2 * 20 * 40


def test_digits_below_each_other_are_lines_of_their_own():
    boxes = [(100, 10, 30, 50), (95, 75, 30, 50), (100, 140, 30, 50)]
    assert len(find_lines(inked(*boxes), *boxes)) == 3


def test_ink_that_joins_two_lines_is_shared_between_them():
    boxes = [(100, 10, 30, 50), (100, 70, 30, 50)]
    ink = inked(*boxes, (112, 10, 6, 110))
    upper, lower = find_lines(ink, *boxes)
    assert upper.corner[1] == 10
    assert upper.ink[:40].sum() == ink[10:50].sum()
    assert lower.ink[-40:].sum() == ink[80:120].sum()
    assert upper.corner[1] + upper.ink.shape[0] <= 80
    assert lower.corner[1] >= 50


DIGIT = (130, 70, 30, 60)


@pytest.mark.parametrize(
    "surroundings",
    [
        pytest.param(
            [(80, 30, 140, 4), (80, 30, 4, 140), (80, 166, 140, 4), (216, 30, 4, 140)], id="frame"
        ),
        pytest.param([(260, 10, 12, 180)], id="pen"),
        pytest.param([(10, 60, 14, 14), (10, 130, 14, 14)], id="punch holes"),
        pytest.param([(20, 5, 20, 40)], id="stroke above"),
    ],
)
def test_what_surrounds_a_digit_is_no_part_of_its_line(surroundings):
    assert [line.box for line in find_lines(inked(DIGIT, *surroundings), DIGIT)] == [DIGIT]


def test_a_detached_stroke_and_a_neighbor_without_center_are_of_the_line():
    [line] = find_lines(inked(DIGIT, (135, 62, 40, 4), (190, 72, 10, 56)), DIGIT)
    assert line.box == (130, 62, 70, 68)


def test_a_digit_in_pieces_around_its_center_is_read_whole():
    pieces = [(60, 70, 30, 15), (60, 115, 30, 15)]
    too_far = (60, 160, 30, 10)
    ink = inked(*pieces, too_far, (130, 70, 4, 60), (130, 70, 30, 15), (130, 115, 30, 15))
    [line] = find_lines(ink, (60, 70, 30, 60), DIGIT)
    assert line.box == (60, 70, 100, 60)


def test_ink_that_the_extractor_is_unsure_of_is_none():
    thin = (130, 70, 8, 60)
    assert len(find_lines(inked(thin), thin)) == 1
    assert find_lines(0.4 * inked(thin), thin) == []

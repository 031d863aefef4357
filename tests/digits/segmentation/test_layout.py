"""Digits are found in any picture, whatever the background, the obstacles and the light."""

from importlib import resources

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from digits import look
from digits.pictures import load_picture
from digits.segmentation.layout import find_layout
from tests.support.pen import sheet
from training.synthesis import photos

PAPER = 215.0
SHEET_CORNERS = np.array([[150, 70], [480, 100], [450, 390], [130, 350]])


def placed(digit: int, shape=(450, 600), side=200, at=None) -> np.ndarray:
    """Draw a digit `side` high in the middle of a picture, or at `(top, left)`; float64 ink."""
    small = cv2.resize(sheet(digit), (side, side), interpolation=cv2.INTER_AREA)
    top, left = at or ((shape[0] - side) // 2, (shape[1] - side) // 2)
    ink = np.zeros(shape)
    ink[top : top + side, left : left + side] = 1 - small / 255
    return ink


def photographed(gray: np.ndarray, noise: float = 2.5) -> np.ndarray:
    """Blur, and add camera noise: `(h, w, 3)` uint8."""
    rough = np.random.default_rng(0).normal(0, noise, (*gray.shape, 3))
    return np.clip(cv2.GaussianBlur(gray, (0, 0), 0.8)[..., None] + rough, 0, 255).astype(np.uint8)


def half_plane(angle_degrees: float, softness: float, through=(300, 225)) -> np.ndarray:
    """Return `(450, 600)` values that rise from 0 to 1 across a line through a point."""
    rows, columns = np.mgrid[:450, :600]
    angle = np.radians(angle_degrees)
    across = (columns - through[0]) * np.cos(angle) + (rows - through[1]) * np.sin(angle)
    return 1 / (1 + np.exp(-np.clip(across / softness, -50, 50)))


def lined(digit: int) -> np.ndarray:
    picture = sheet(digit)
    picture[370:374] = 0
    picture[20:22] = 100
    return picture


def dusty(digit: int) -> np.ndarray:
    picture = sheet(digit)
    near = cv2.erode(picture, np.ones((9, 9), np.uint8)) < 255
    rng = np.random.default_rng(0)
    for row, column in rng.integers(4, 393, (40, 2)):
        if not near[row : row + 3, column : column + 3].any():
            picture[row : row + 3, column : column + 3] = 0
    return picture


def cut_close(digit: int) -> np.ndarray:
    rows, columns = np.nonzero(sheet(digit) < 128)
    return sheet(digit)[rows.min() - 3 : rows.max() + 4, columns.min() - 9 : columns.max() + 10]


def on_desk(digit: int) -> np.ndarray:
    rng = np.random.default_rng(digit)
    desk = np.full((450, 600, 3), (150, 115, 80), np.float64) + rng.normal(0, 6, (450, 600, 1))
    cover = cv2.fillConvexPoly(np.zeros((450, 600)), SHEET_CORNERS, 1.0, cv2.LINE_AA)[..., None]
    paper = (235 * (1 - 0.8 * placed(digit, side=170)))[..., None]
    return np.clip(desk * (1 - cover) + paper * cover, 0, 255).astype(np.uint8)


def shadowed(digit: int, shadow: np.ndarray, side: int = 200) -> np.ndarray:
    gray = PAPER * (1 - 0.75 * placed(digit, side=side))
    return photographed(gray * (1 - 0.5 * shadow))


def on_ruled_paper(digit: int) -> np.ndarray:
    gray = PAPER * (1 - 0.6 * placed(digit))
    for row in range(15, 450, 28):
        cv2.line(gray, (0, row), (599, row + 20), 150, 2, cv2.LINE_AA)
    return photographed(gray)


def on_squared_paper(digit: int) -> np.ndarray:
    gray = PAPER * (1 - 0.7 * placed(digit))
    for at in range(10, 640, 45):
        cv2.line(gray, (at, 0), (at + 9, 449), 170, 1)
        cv2.line(gray, (0, at), (599, at - 12), 170, 1)
    return gray.astype(np.uint8)


def on_a_dark_noisy_scan(digit: int) -> np.ndarray:
    gray = 35 + 200 * placed(digit, (220, 180), 170)
    noise = np.random.default_rng(1).normal(0, 7, gray.shape)
    return np.clip(gray + noise, 0, 255).astype(np.uint8)


def with_page_number(digit: int) -> np.ndarray:
    picture = np.full((700, 500), 255, np.uint8)
    picture[120:520, 50:450] = sheet(digit)
    cv2.putText(picture, "17", (240, 680), cv2.FONT_HERSHEY_COMPLEX, 0.7, 0, 1, cv2.LINE_AA)
    return picture


def photograph_on_white(digit: int) -> np.ndarray:
    page = np.full((700, 800, 3), 255, np.uint8)
    page[130:580, 100:700] = shadowed(digit, half_plane(75, 2.0))
    return page


def in_a_small_cell(digit: int) -> np.ndarray:
    cell = cv2.rectangle(sheet(digit), (0, 0), (399, 399), 0, 40)
    return photographed(cv2.resize(cell, (26, 26), interpolation=cv2.INTER_AREA) / 2.0 + 70)


def large_in_fine_pencil(digit: int) -> np.ndarray:
    paper = PAPER * (1 - 0.35 * (1 - sheet(digit, size=800, brush=3) / 255))
    return photographed(cv2.copyMakeBorder(paper, 0, 0, 160, 160, cv2.BORDER_CONSTANT, value=50))


def with_margin(digit: int) -> np.ndarray:
    return cv2.copyMakeBorder(sheet(digit), 12, 18, 15, 5, cv2.BORDER_CONSTANT, value=0)


OPEN_FRAME = np.array([(30, 28), (34, 372), (374, 368), (369, 24)])
CORNER_OF_LIGHT = half_plane(30, 1.0, (180, 225)) * half_plane(150, 1.0, (190, 100))

SCENES = {
    "framed": lambda digit: cv2.rectangle(sheet(digit), (12, 12), (387, 387), 60, 3),
    "with_open_frame": lambda digit: cv2.polylines(
        sheet(digit), [OPEN_FRAME], isClosed=False, color=40, thickness=4
    ),
    "lined": lined,
    "with_margin": with_margin,
    "with_light_margin": lambda digit: 255 - with_margin(digit),
    "dusty": dusty,
    "cut_close": cut_close,
    "on_desk": on_desk,
    "shadowed": lambda digit: shadowed(digit, half_plane(75, 2.0)),
    "in_a_hard_shadow": lambda digit: shadowed(digit, half_plane(20, 0.7)),
    "in_two_shadows": lambda digit: shadowed(digit, CORNER_OF_LIGHT, side=120),
    "in_pencil": lambda digit: photographed(PAPER * (1 - 0.25 * placed(digit))),
    "large_in_fine_pencil": large_in_fine_pencil,
    "in_broad_felt": lambda digit: photographed(PAPER * (1 - 0.75 * placed(digit, side=420))),
    "in_chalk": lambda digit: photographed(60 + 150 * placed(digit)),
    "on_ruled_paper": on_ruled_paper,
    "on_squared_paper": on_squared_paper,
    "on_a_dark_noisy_scan": on_a_dark_noisy_scan,
    "small_on_a_large_photograph": lambda digit: photographed(
        PAPER * (1 - 0.7 * placed(digit, (1200, 1600), 150))
    ),
    "with_page_number": with_page_number,
    "photograph_on_white": photograph_on_white,
    "in_a_small_cell": in_a_small_cell,
}


@pytest.mark.parametrize("scene", SCENES)
def test_a_digit_is_read_in_its_scene(recognizer, scene):
    answers = [recognizer.predict(SCENES[scene](digit)).digit for digit in range(10)]
    assert sum(answer == digit for digit, answer in enumerate(answers)) >= 8, answers


def test_the_digit_of_a_photograph_is_found_where_it_was_written(recognizer):
    strokes = [
        np.array([[0, 100], [300, 0], [600, 200], [200, 500]], float),
        np.array([[200, 500], [600, 700], [300, 1000], [0, 900]], float),
    ]
    overlaps = []
    for seed in range(4):
        photo = photos.photograph([strokes], np.random.default_rng(seed), on_desk=seed % 2 > 0)
        x, y, width, height = recognizer.predict(photo.picture).box
        left, top, wide, high = photo.boxes[0]
        across = min(x + width, left + wide) - max(x, left)
        down = min(y + height, top + high) - max(y, top)
        shared = max(0, across) * max(0, down)
        overlaps.append(shared / (width * height + wide * high - shared))
    assert np.median(overlaps) > 0.7, overlaps


def ink_of(places, shape, side) -> np.ndarray:
    """Draw digits at `(digit, top, left)`, each `side` high; float64 ink."""
    return np.max([placed(digit, shape, side, at) for digit, *at in places], axis=0)


def written(places, shape=(500, 900)) -> np.ndarray:
    """Photograph digits at `(digit, top, left)`, each 130 high."""
    return photographed(PAPER * (1 - 0.7 * ink_of(places, shape, 130)))


def test_digits_far_apart_are_one_number(recognizer):
    picture = written([(3, 90, 20), (8, 90, 400), (5, 90, 740)], (300, 900))
    assert recognizer.read(picture).lines == ("385",)


@pytest.mark.parametrize(
    ("start", "end"),
    [((10, 180), (590, 215)), ((290, 5), (320, 395)), ((225, 0), (225, 399))],
    ids=["level", "steep", "upright"],
)
def test_a_number_that_a_thin_line_runs_through_is_read(recognizer, start, end):
    digits = [(2, 125, 75), (5, 125, 225), (8, 125, 375)]
    gray = PAPER - 150 * ink_of(digits, (400, 600), 150)
    cv2.line(gray, start, end, 65, 2)
    assert recognizer.read(photographed(gray)).number == "258"


@pytest.mark.parametrize(("brush", "size"), [(8, 40), (60, 80)])
def test_small_writing_on_a_large_photograph_is_read(recognizer, brush, size):
    gray = np.full((1600, 2400), 205.0)
    for place, digit in enumerate((2, 5, 8)):
        drawn = sheet(digit, size=800, brush=brush)
        left = 900 + (size + 4) * place
        small = cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA)
        gray[700 : 700 + size, left : left + size] -= 60 * (1 - small / 255)
    assert recognizer.read(photographed(gray, noise=4)).number == "258"


def test_several_lines_are_read_from_top_to_bottom(recognizer):
    picture = written([(2, 40, 100), (6, 40, 230), (4, 200, 110), (8, 200, 250), (3, 350, 180)])
    reading = recognizer.read(picture)
    assert reading.number == "26\n48\n3"
    assert [digit.line for digit in reading.digits] == [0, 0, 1, 1, 2]


def test_boxes_of_a_form_are_no_digits(recognizer):
    picture = np.full((300, 1100), 255, np.uint8)
    for place, digit in enumerate((8, 0, 2, 3)):
        left = 50 + 250 * place
        picture[25:275, left : left + 250] = cv2.resize(sheet(digit), (250, 250))
        cv2.rectangle(picture, (left, 25), (left + 250, 275), 0, 3)
    assert recognizer.read(picture).number == "8023"


@pytest.mark.parametrize("word", ["STOP", "Signs", "Legion", "Street", "POLICE"])
@pytest.mark.parametrize("font", ["DejaVuSans", "STIXGeneral"])
def test_a_printed_word_is_no_number_though_its_letters_look_like_digits(recognizer, word, font):
    [path] = resources.files("matplotlib").glob(f"mpl-data/fonts/ttf/{font}.ttf")
    image = Image.new("L", (400, 120), 255)
    ImageDraw.Draw(image).text((60, 20), word, 0, ImageFont.truetype(path, 60))
    reading = recognizer.read(np.asarray(image))
    assert (reading.number, reading.reason) == ("", "not a digit")


def test_an_empty_sheet_has_no_digit_whatever_lies_on_the_desk(recognizer):
    picture = photographed(np.full((450, 600), 90.0), noise=6)
    cv2.fillConvexPoly(picture, SHEET_CORNERS, (232, 232, 228), cv2.LINE_AA)
    cv2.line(picture, (20, 20), (80, 60), (40, 40, 40), 8)
    assert recognizer.predict(picture).digit is None
    assert recognizer.read(picture).number == ""


def test_empty_paper_has_no_digit_whatever_falls_on_it(recognizer):
    rng = np.random.default_rng(1)
    for _ in range(6):
        picture = photos.photograph_blank(rng)
        prediction = recognizer.predict(picture)
        assert (prediction.digit, prediction.reason) == (None, "blank")
        assert recognizer.read(picture).number == ""


@pytest.mark.parametrize("name", ["bus.png", "cheetah.jpg", "lion.jpg", "tower.jpg"])
def test_a_picture_of_a_thing_has_no_digit(recognizer, name):
    with resources.as_file(resources.files("gradio") / "media_assets/images" / name) as path:
        picture = load_picture(path)
    assert recognizer.predict(picture).digit is None
    assert recognizer.read(picture).number == ""


def test_what_is_read_and_predicted_of_a_picture_is_extracted_once(recognizer, monkeypatch):
    scales = []

    def extract(*arguments):
        scales.append(arguments[-1])
        return find_layout(*arguments)

    monkeypatch.setattr(look, "find_layout", extract)
    seen = recognizer.look(SCENES["in_pencil"](3))
    assert recognizer.read_look(seen).number == "3"
    assert recognizer.predict_look(seen).digit == 3
    assert len(scales) == len(set(scales)) > 0


def test_the_ink_of_a_stroke_is_as_wide_as_it_was_drawn(recognizer):
    picture = np.full((400, 300), 255, np.uint8)
    cv2.line(picture, (150, 60), (150, 340), 0, 20, cv2.LINE_AA)
    [line] = recognizer.look(picture).layout.lines
    width = line.scale * np.median(line.ink.sum(axis=1))  # of a stroke of few pixels
    assert width == pytest.approx(20, abs=4)

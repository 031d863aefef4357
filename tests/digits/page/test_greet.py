"""The first visit's replay, the example drawings and the sample pictures."""

import re

import pytest
from playwright.sync_api import expect

from digits.drawing import PAD_HEIGHT, PAD_WIDTHS, draw, parse_strokes
from digits.examples import all_examples
from digits.page.head import SAMPLES
from digits.pictures import load_picture
from tests.support import visitor

HARD = {"flag": "1", "crossed": "7", "slashed": "0", "letter": "", "42": "42", "scribble": ""}


def come_first(page, app):
    """Visit the page as if for the first time and wait until the replay begins."""
    visitor.forget(page, app)
    page.goto(app.url)
    page.wait_for_function("document.querySelector('.pad')?.dataset.drawn === 'true'")


def test_on_the_first_visit_an_example_draws_itself_once_and_can_be_asked_why(page, app):
    come_first(page, app)
    visitor.wait_for_digit(page, 3)
    visitor.wait_for_words(page, "^3")
    page.locator(".why").click()
    expect(page.locator(".overlay-say")).to_contain_text("for 3")
    # The key clears the pad first: only its dot remains.
    page.locator("#sketchpad").press("Space")
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    visitor.settle(page)
    assert 0 < visitor.ink_on_pad(page) < 4000
    page.keyboard.press("Space")  # lifts the pen
    page.keyboard.press("Delete")
    visitor.wait_for_blank(page)
    visitor.reload(page)
    page.wait_for_timeout(1500)
    visitor.wait_for_blank(page)


def test_the_first_touch_of_the_pad_finds_it_empty(page, app):
    come_first(page, app)
    visitor.draw_to_the_end(page, 1)
    ink = visitor.ink_on_pad(page)
    page.wait_for_timeout(1200)
    assert visitor.ink_on_pad(page) == ink
    visitor.press(page, "Undo")
    visitor.wait_for_blank(page)
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


TOUCH_AS_IT_BEGINS = """
function look() {
  if (document.querySelector('.pad')?.dataset.drawn !== 'true') return requestAnimationFrame(look)
  const touch = new PointerEvent('pointerdown', { bubbles: true })
  window.touched = document.querySelector('#intro h1').dispatchEvent(touch)
}
look()
"""


def test_a_touch_elsewhere_ends_it_too(chromium, app):
    with visitor.visiting(chromium, app, visitor.DESKTOP) as page:
        # A click from here may be too late on a slow machine: the replay takes about 40 frames.
        page.add_init_script(TOUCH_AS_IT_BEGINS)
        visitor.forget(page, app)
        page.goto(app.url)
        page.wait_for_function("window.touched")
        visitor.wait_for_blank(page)
        page.wait_for_timeout(1200)
        assert visitor.ink_on_pad(page) == 0


@pytest.mark.parametrize("case", ["no motion", "a drawing", "a link"])
def test_nothing_draws_itself_where_it_would_be_in_the_way(chromium, app, case):
    options = visitor.DESKTOP | ({"reduced_motion": "reduce"} if case == "no motion" else {})
    with visitor.visiting(chromium, app, options) as page:
        if case == "a drawing":
            visitor.draw_to_the_end(page, 7)
        page.goto(f"{app.url}/v1/health")  # the page left behind can no longer greet
        page.evaluate("localStorage.clear()")
        visitor.visit(page, app.url + ("/#d=LgEBCA" if case == "a link" else ""))
        page.wait_for_timeout(1500)
        assert page.evaluate("localStorage.getItem('digits:greeted')") is None


def test_there_are_ten_easy_and_six_hard_examples():
    names = [example["name"] for example in all_examples()]
    assert names == [*"0123456789", *HARD]
    for example in all_examples():
        ink = draw(parse_strokes(example["strokes"]))
        assert ink[:, [0, -1]].max() == ink[[0, -1]].max() == 0, example["name"]


@pytest.mark.parametrize("name", HARD)
def test_a_hard_example_is_read_or_told_to_be_no_digit(recognizer, name):
    [strokes] = [example["strokes"] for example in all_examples() if example["name"] == name]
    drawing = parse_strokes(strokes)
    if len(HARD[name]) < 2:
        digit = recognizer.predict_ink(draw(drawing)).digit
        assert ("" if digit is None else str(digit)) == HARD[name]
    if len(HARD[name]) != 1:
        ink = draw(drawing, PAD_WIDTHS["number"])
        assert recognizer.read_ink(ink, PAD_HEIGHT / 320).number == HARD[name]


def test_the_page_reads_hard_examples_and_says_what_they_are(page):
    for name, label, said in (
        ("flag", "A 1 with a flag and a foot", r"^1"),
        ("letter", "A letter", r"^\s*Not a digit"),
        ("42", "Number 42", r"^\s*42"),
        ("scribble", "A scribble", r"^\s*Not a digit"),
    ):
        button = page.get_by_role("button", name=label)
        expect(button).to_have_attribute("data-example", name)
        expect(button).to_have_attribute("title", label)
        button.click()
        visitor.wait_for_words(page, said)


NUMBERS = {"photo": ("2048", "317"), "form": ("407", "1986", "3"), "board": ("748", "526", "1274")}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_sample_picture_is_small_and_is_read(recognizer, name):
    content = (SAMPLES / f"{name}.jpg").read_bytes()
    assert len(content) < 50_000
    assert recognizer.read(load_picture(content)).lines == NUMBERS[name]


def test_a_sample_picture_is_handed_in_at_a_press(page):
    visitor.open_upload(page)
    samples = page.get_by_role("group", name="Or try a picture")
    for label, name in (("Form", "form"), ("Board", "board")):
        samples.get_by_role("button", name=label).click()
        number = re.compile(r"\s*".join(NUMBERS[name]))
        expect(page.locator("#prediction .digit")).to_have_text(number)
        for each in (".tiles li", ".seen-picture .boxes [data-digit]"):
            expect(page.locator(each)).to_have_count(len("".join(NUMBERS[name])))
    natural = "(image) => image.decode().then(() => image.naturalWidth)"
    assert samples.locator("img").first.evaluate(natural) == 640

"""Sharing and saving: the link, the picture, the last drawings; the time taken, and the game."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from digits.drawing import MAX_POINTS
from digits.page.i18n import WORDS
from tests.support import visitor

CLIPBOARD = visitor.DESKTOP | {"permissions": ["clipboard-read", "clipboard-write"]}
COPY = "Copy link"


@pytest.fixture
def sharing(chromium, app):
    """The page in a browser that grants access to the clipboard."""
    with visitor.visiting(chromium, app, CLIPBOARD) as page:
        yield page


def copied(page):
    visitor.press(page, COPY)
    expect(page.locator(".keep-said")).to_have_text("Link copied.")
    return page.evaluate("navigator.clipboard.readText()")


def put(page, strokes):
    """Restore strokes to the pad, as after a reload."""
    page.evaluate("(kept) => sessionStorage.setItem('digits:drawing', kept)", json.dumps(strokes))
    visitor.reload(page)


def stored(page):
    return json.loads(page.evaluate("sessionStorage.getItem('digits:drawing')"))


@pytest.mark.parametrize(
    "strokes",
    [
        [[46, 500, 500]],
        [[1, 0, 0, 1000, 1000], [200, -200, 1200, 1200, -200, 0, 0, 64, 63, 0, 127]],
        [[46, *[value for i in range(MAX_POINTS) for value in (i % 1000, (7 * i) % 1000)]]],
    ],
    ids=["a dot", "all widths and beyond the edges", "a full pad"],
)
def test_a_link_holds_every_drawing_whole(sharing, strokes):
    put(sharing, strokes)
    link = copied(sharing)
    put(sharing, [])
    sharing.goto("about:blank")
    sharing.goto(link)
    expect(sharing.get_by_role("button", name=COPY)).to_be_enabled()
    expect(sharing.locator(".announce")).not_to_have_text("")
    assert stored(sharing) == strokes
    assert visitor.ink_on_pad(sharing) > 0
    assert len(link) < 4.5 * MAX_POINTS


def test_a_full_pad_takes_no_more_strokes_and_says_so(sharing):
    full = [[46, *[500] * (2 * MAX_POINTS)]]
    put(sharing, full)
    sharing.locator("#sketchpad > canvas[aria-label]").click(position={"x": 50, "y": 50})
    expect(sharing.locator("#prediction")).to_contain_text(WORDS["en"]["pad_full"])
    assert stored(sharing) == full


NO_LINKS = ["", "%00", "a", "Li", "LieSBb", "AAAA", "_____w", "LgEB-_-_-_8", "Lv___38B", "<b>"]


@pytest.mark.parametrize("code", [*NO_LINKS, "A" * 50_000], ids=lambda code: code[:12])
def test_what_is_no_link_draws_nothing_and_is_no_error(page, app, code):
    page.goto("about:blank")
    visitor.visit(page, f"{app.url}/#d={code}")
    visitor.wait_for_blank(page)
    assert visitor.ink_on_pad(page) == 0
    page.wait_for_function("location.hash === ''")


def test_a_link_leaves_the_address_with_its_drawing_and_may_be_opened_on_an_open_page(sharing):
    visitor.draw_to_the_end(sharing, 3)
    link = copied(sharing)
    assert "#d=" in sharing.url
    visitor.draw(sharing, 3, shift=0.02)
    sharing.wait_for_function("location.hash === ''")
    visitor.press(sharing, "Clear")
    visitor.draw_to_the_end(sharing, 7)
    sharing.evaluate("(hash) => { location.hash = hash }", link[link.index("#") :])
    visitor.wait_for_digit(sharing, 3)
    visitor.press(sharing, "Undo")
    visitor.wait_for_digit(sharing, 7)


def test_without_a_clipboard_the_link_is_in_the_address_bar(page):
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')) }"
    )
    visitor.draw_to_the_end(page, 1)
    visitor.press(page, COPY)
    expect(page.locator(".keep-said")).to_have_text("The link is in the address bar.")
    assert "#d=" in page.url


def test_the_picture_is_the_drawing_and_is_read_alike(page, app):
    visitor.draw_to_the_end(page, 4)
    with page.expect_download() as download:
        visitor.press(page, "Save picture")
    assert download.value.suggested_filename == "digit.png"
    content = download.value.path().read_bytes()
    with Image.open(io.BytesIO(content)) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert min(pixels.shape) > 300
    assert pixels[0, 0] == 255
    assert (pixels < 60).sum() == pytest.approx(visitor.ink_on_pad(page), rel=0.1)
    headers = {"Content-Type": "image/png"}
    answer = page.request.post(f"{app.url}/v1/predict", data=content, headers=headers)
    assert answer.json()["digit"] == 4


def last(page):
    return page.get_by_role("group", name="Your last drawings").get_by_role("button")


def test_the_last_drawings_come_back_at_a_press_and_are_forgotten_at_one(page):
    expect(page.locator(".last")).not_to_be_visible()
    for digit in (3, 7):
        visitor.draw_to_the_end(page, digit)
        visitor.clear(page)
    expect(last(page)).to_have_count(2)
    expect(page.locator(".last")).to_contain_text("in this browser alone")
    last(page).nth(1).click()
    visitor.wait_for_digit(page, 3)
    last(page).nth(0).click()
    visitor.wait_for_digit(page, 7)
    page.reload()
    expect(last(page)).to_have_count(2)
    visitor.press(page, "Forget them")
    expect(page.locator(".last")).not_to_be_visible()
    assert page.evaluate("localStorage.getItem('digits:drawings')") is None


def test_a_drawing_is_kept_once_and_examples_never(page):
    visitor.draw_to_the_end(page, 3)
    for _ in range(2):
        visitor.clear(page)
        visitor.press(page, "Undo")
        visitor.wait_for_digit(page, 3)
    visitor.show_example(page, 5)
    visitor.show_example(page, 8)
    expect(last(page)).to_have_count(1)


def test_a_drawing_is_kept_when_the_page_is_left_and_eight_of_them_at_most(page, app):
    visitor.draw_to_the_end(page, 6)
    page.goto("about:blank")
    page.goto(app.url)
    expect(last(page)).to_have_count(1)
    for place in range(9):
        page.keyboard.press("Delete")
        visitor.draw(page, 1, shift=0.03 * place)
        expect(page.get_by_role("button", name="Clear")).to_be_enabled()
    page.keyboard.press("Delete")
    expect(last(page)).to_have_count(8)


@pytest.mark.parametrize(
    ("drawings", "drawing"),
    [("nonsense", "nonsense"), ("{}", "{}"), ("[1, null]", "[[1]]"),
     ('["%", "AAAA", "LgEA"]', '[["a", 1, 2]]')],
)  # fmt: skip
def test_what_lies_in_the_browsers_store_by_mistake_is_no_drawing(page, drawings, drawing):
    page.evaluate("(kept) => localStorage.setItem('digits:drawings', kept)", drawings)
    page.evaluate("(kept) => sessionStorage.setItem('digits:drawing', kept)", drawing)
    visitor.reload(page)
    visitor.wait_for_blank(page)
    expect(page.locator(".last")).not_to_be_visible()
    visitor.draw_to_the_end(page, 1)


def test_a_browser_that_keeps_nothing_draws_all_the_same(chromium, app):
    context = chromium.new_context(locale="en-US")
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.add_init_script(
        "for (const name of ['getItem', 'setItem', 'removeItem'])"
        " Storage.prototype[name] = () => { throw new DOMException('denied', 'SecurityError') }"
    )
    visitor.visit(page, app.url)
    visitor.draw_to_the_end(page, 3)
    visitor.clear(page)
    assert [fault for fault in faults if "denied" in fault] == []
    context.close()


def test_the_time_of_the_last_answer_stands_behind_it_and_is_not_announced(page, tmp_path):
    say = page.locator("#prediction .say")
    expect(say).not_to_have_attribute("data-took", re.compile("ms"))
    visitor.draw_to_the_end(page, 7)
    expect(say).to_have_attribute("data-took", re.compile(r"^\d+ ms$"))
    shown = say.evaluate("(node) => getComputedStyle(node, '::after').content")
    assert re.search(r"attr\(data-took\)|\d+ ms", shown)
    expect(page.locator(".announce")).not_to_contain_text("ms")
    visitor.upload_digit(page, tmp_path, 7)
    expect(say).to_have_attribute("data-took", re.compile(r"^\d+ ms$"))


GAME_DIGIT = r"Number(document.querySelector('.goal').textContent.match(/Draw (\d)/)[1])"


def test_ten_digits_are_drawn_against_the_clock_and_examples_do_not_count(page):
    visitor.press(page, "Ten digits against the clock")
    first = page.evaluate(GAME_DIGIT)
    page.get_by_role("button", name=f"Example {first}").click()
    visitor.wait_for_digit(page, first)
    visitor.press(page, "Clear")
    goal = page.locator(".goal")
    for turn in range(1, 11):
        expect(goal).to_contain_text(f"({turn} of 10)")
        visitor.wait_for_blank(page)
        visitor.draw(page, page.evaluate(GAME_DIGIT))
    expect(goal).to_have_text(re.compile(r"Done in (\d+\.\d) s\. Your best: \1 s\."))
    visitor.press(page, "Ten digits against the clock")
    visitor.press(page, "Stop the clock")
    expect(goal).to_have_text("")


def test_no_round_ends_that_was_not_begun(page):
    for shift in (-0.2, 0.2):  # two ones: a number has no digit of its own
        visitor.draw(page, 1, shift=shift)
    expect(page.locator("#prediction")).to_contain_text("11")
    page.wait_for_timeout(1000)  # longer than the grace period for a last stroke
    expect(page.locator(".goal")).to_have_text("")

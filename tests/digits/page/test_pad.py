"""The drawing pad with mouse and finger, and its requests."""

import json

import pytest
from playwright.sync_api import expect

from tests.support import visitor


@pytest.mark.parametrize(
    "digits", [[1, 5, 8], pytest.param(range(10), marks=pytest.mark.nightly)], ids=["three", "all"]
)
def test_digits_drawn_with_the_finger_are_read_and_the_page_does_not_scroll(phone, digits):
    for digit in digits:
        visitor.draw_with_finger(phone, digit)
        visitor.wait_for_digit(phone, digit)
        assert phone.evaluate("scrollY") == 0
        phone.get_by_role("button", name="Clear").tap()
        visitor.wait_for_blank(phone)


def test_undo_takes_the_last_stroke_back(page):
    visitor.draw_to_the_end(page, 1)
    ink = visitor.ink_on_pad(page)
    visitor.draw(page, 4)
    visitor.press(page, "Undo")
    visitor.press(page, "Undo")
    visitor.wait_for_digit(page, 1)
    # Redrawn as one line, its edges may differ by a shade.
    assert visitor.ink_on_pad(page) == pytest.approx(ink, rel=0.02)
    visitor.press(page, "Undo")
    visitor.wait_for_blank(page)
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_the_keyboard_undoes_and_clears(page):
    visitor.draw_to_the_end(page, 0)
    page.keyboard.press("Delete")
    visitor.wait_for_blank(page)
    assert visitor.ink_on_pad(page) == 0
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()
    page.keyboard.press("Control+z")
    visitor.wait_for_digit(page, 0)


def test_the_brush_has_three_widths_which_arrow_keys_choose_too(page):
    ink = []
    for name in ("Fine brush", "Medium brush", "Bold brush"):
        page.get_by_role("radio", name=name).click()
        visitor.draw(page, 1)
        ink.append(visitor.ink_on_pad(page))
        visitor.press(page, "Clear")
    assert 0 < ink[0] < ink[1] < ink[2]
    page.get_by_role("radio", name="Medium brush").focus()
    page.keyboard.press("ArrowRight")
    bold = page.get_by_role("radio", name="Bold brush")
    expect(bold).to_be_checked()
    expect(bold).to_be_focused()


def test_an_answer_that_comes_late_does_not_bring_a_cleared_drawing_back(page):
    held, release = visitor.hold(page, visitor.QUESTION)
    visitor.draw(page, 5)
    visitor.wait_until(page, lambda: held)
    visitor.clear(page)
    with page.expect_response(visitor.QUESTION) as late:
        release()
    late.value.finished()
    visitor.settle(page)
    visitor.wait_for_blank(page)


def test_an_answer_to_a_part_does_not_replace_the_answer_to_the_whole(page):
    held, _ = visitor.hold(page, visitor.QUESTION)
    visitor.draw(page, 5, lift=False)
    visitor.wait_until(page, lambda: len(held) == 2)
    page.mouse.up()  # this request does not wait for the others
    visitor.wait_until(page, lambda: len(held) == 3)
    whole, *parts = sorted(held, key=lambda route: -len(route.request.post_data))
    whole.fulfill(json=visitor.digit_view(5, {5: 1}))
    visitor.wait_for_digit(page, 5)
    for part in parts:
        part.fulfill(json=visitor.digit_view(8, {8: 1}))
        part.request.response().finished()
    visitor.settle(page)
    visitor.wait_for_digit(page, 5)


def test_few_questions_are_on_their_way_at_a_time_and_the_last_state_is_asked(page):
    open_now, most, last = [0], [0], [None]

    def slow(route):
        open_now[0] += 1
        most[0] = max(most[0], open_now[0])
        last[0] = json.loads(route.request.post_data)
        response = route.fetch()
        open_now[0] -= 1
        route.fulfill(response=response)

    page.route(visitor.QUESTION, slow)
    visitor.draw(page, 2, step=10)
    visitor.draw(page, 1, step=10)
    visitor.wait_until(
        page, lambda: last[0] and len(last[0]["strokes"]) == 2 and last[0]["strokes"][1][-1] > 750
    )
    assert most[0] <= 3
    assert last[0]["mode"] == "digit"


def test_questions_do_not_exceed_fifteen_a_second(page):
    asked = visitor.record(page, visitor.QUESTION)
    seconds = visitor.scribble(page, 1)
    page.mouse.up()
    assert 0 < len(asked) <= 15 * seconds + 2


def test_one_digit_costs_one_question_once_the_pen_is_up(page):
    asked = visitor.record(page, visitor.QUESTION)
    visitor.draw(page, 7, lift=False)
    visitor.wait_for_digit(page, 7)
    page.wait_for_timeout(500)  # the last request while drawing comes after the last move
    before = len(asked)
    assert before > 0
    page.mouse.up()
    visitor.wait_for_words(page, "^7")
    assert [question.post_data_json["mode"] for question in asked[before:]] == ["digit"]

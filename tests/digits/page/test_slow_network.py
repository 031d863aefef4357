"""The page on a slow network, and without one."""

import re

from playwright.sync_api import expect

from tests.support import pen, visitor

UPLOADS = "**/v1/look?*"


def test_a_slow_answer_is_awaited_and_the_old_one_taken_away(page):
    visitor.draw_to_the_end(page, 1)
    _, release = visitor.hold(page, visitor.QUESTION)
    visitor.clear(page)
    visitor.draw(page, 7)
    expect(page.locator("#prediction")).to_have_text(re.compile(r"^\s*Reading …"))
    dimmed = page.locator("#confidence .track i").first
    assert float(visitor.style(dimmed, "opacity")) < 0.5
    release()
    visitor.wait_for_digit(page, 7)
    assert float(visitor.style(dimmed, "opacity")) == 1


def test_stale_tiles_and_bars_do_not_lie_on_each_other(page):
    visitor.press(page, "Number 42")
    expect(page.locator("#prediction")).to_have_text(re.compile(r"^\s*42.*sure"))
    _, release = visitor.hold(page, visitor.QUESTION)
    visitor.draw(page, 7)
    expect(page.locator("#prediction")).to_have_text(re.compile(r"^\s*Reading …"))
    expect(page.locator(".tiles")).to_be_visible()
    expect(page.locator("#confidence")).not_to_be_visible()
    release()


def test_without_a_network_the_lamp_says_so_until_it_is_back(page):
    lamp = page.locator(".weights")
    visitor.draw_to_the_end(page, 1)
    visitor.cut_off(page, visitor.QUESTION)
    visitor.draw(page, 1, shift=0.02)
    expect(page.locator("#prediction")).to_contain_text("No answer from the server")
    expect(lamp).to_have_attribute("data-ready", "false")
    expect(lamp).to_have_text("The server does not answer.")
    page.unroute(visitor.QUESTION)
    visitor.wait_for_words(page, "^1")
    expect(lamp).to_have_attribute("data-ready", "true")
    expect(lamp).to_contain_text("bundled")


def test_the_upload_tab_says_in_its_own_words_that_there_is_no_network(page, tmp_path):
    visitor.open_upload(page)
    visitor.cut_off(page, UPLOADS)
    visitor.upload(page, tmp_path, pen.sheet(8))
    expect(page.locator("#prediction")).to_contain_text("Choose the picture again")
    expect(page.locator(".weights")).to_have_attribute("data-ready", "false")
    page.unroute(UPLOADS)
    visitor.upload_digit(page, tmp_path, 7)
    expect(page.locator(".weights")).to_have_attribute("data-ready", "true")


def test_a_picture_on_its_way_takes_the_last_answer_away(page, tmp_path):
    visitor.upload_digit(page, tmp_path, 8)
    _, release = visitor.hold(page, UPLOADS)
    visitor.press(page, "Rotate by 90°")
    expect(page.locator("#prediction")).to_have_text(re.compile(r"^\s*Reading …"))
    release()
    expect(page.locator("#prediction")).not_to_contain_text("Reading")

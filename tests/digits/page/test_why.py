"""Why the page answers as it does: the overlay on the picture that the network saw."""

import re

from playwright.sync_api import expect

from tests.support import pen
from tests.support.visitor import (
    draw_to_the_end,
    ink_on_pad,
    open_upload,
    settle,
    upload,
    wait_for_blank,
    wait_for_digit,
)

BUTTON = re.compile(r"^Why")


def colored(page, *, red):
    """How many pixels of the seen picture are clearly redder, or clearly bluer."""
    return page.locator(".seen-image canvas").evaluate(
        """(canvas, red) => {
          const pixels = canvas.getContext('2d').getImageData(0, 0, 28, 28).data
          let count = 0
          for (let i = 0; i < pixels.length; i += 4) {
            const warmth = pixels[i] - pixels[i + 2]
            if (red ? warmth > 30 : warmth < -30) count += 1
          }
          return count
        }""",
        red,
    )


def ask_why(page, name=BUTTON):
    page.locator(".seen-image").get_by_role("button", name=name).click()


def wait_for_words(page, pattern):
    expect(page.locator(".announce")).to_have_text(re.compile(pattern))


def test_what_spoke_for_the_answer_is_painted_over_what_the_network_saw(page):
    draw_to_the_end(page, 3)
    assert colored(page, red=True) + colored(page, red=False) == 0
    ask_why(page, "Why 3?")
    wait_for_words(page, r"^3.* sure\. The ink (at|on|in) the .* speaks most for 3\.")
    assert colored(page, red=False) > 20
    expect(page.locator(".seen-image")).to_contain_text("for 3")
    expect(page.get_by_role("img", name=re.compile("speaks most for 3"))).to_be_visible()
    ask_why(page)
    assert colored(page, red=True) + colored(page, red=False) == 0
    expect(page.locator(".seen-image")).to_contain_text("Seen by the network")


def test_another_bar_shows_what_spoke_for_and_against_its_digit(page):
    draw_to_the_end(page, 3)
    page.get_by_role("button", name=re.compile("^8 ")).click()
    wait_for_words(page, "speaks most against 8")
    assert colored(page, red=True) > 10
    expect(page.get_by_role("button", name=re.compile("^8 "))).to_have_attribute(
        "aria-pressed", "true"
    )
    # The answer itself has not changed.
    wait_for_digit(page, 3)


def test_the_keyboard_reaches_every_bar(page):
    draw_to_the_end(page, 7)
    ask = page.locator(".seen-image").get_by_role("button", name="Why 7?")
    ask.focus()
    page.keyboard.press("Enter")
    wait_for_words(page, "for 7")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=re.compile("^1 "))).to_be_focused()
    page.keyboard.press("Space")
    wait_for_words(page, "(for|against) 1")


def test_a_new_drawing_is_explained_by_its_own_answer_once_the_pen_is_up(page):
    draw_to_the_end(page, 3)
    page.get_by_role("button", name=re.compile("^8 ")).click()
    wait_for_words(page, "against 8")
    page.get_by_role("button", name="Clear").click()
    wait_for_blank(page)
    expect(page.locator(".why")).to_be_disabled()
    draw_to_the_end(page, 1)
    wait_for_words(page, "^1.*speaks most for 1")
    assert ink_on_pad(page) > 0


def test_nobody_is_asked_why_unless_the_visitor_wants_to_know(page):
    asked = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    draw_to_the_end(page, 5)
    settle(page)
    assert asked
    assert [data for data in asked if "read_why" in data] == []


def test_why_can_be_asked_of_an_uploaded_picture(page, tmp_path):
    open_upload(page)
    upload(page, tmp_path / "4.png", pen.sheet(4))
    wait_for_digit(page, 4)
    ask_why(page, "Why 4?")
    wait_for_words(page, "speaks most for 4")


def test_on_the_phone_the_reason_fits_beside_the_answer(phone):
    draw_to_the_end(phone, 5)
    phone.locator(".why").tap()
    wait_for_words(phone, "for 5")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    bars = phone.locator("#confidence").bounding_box()
    assert bars["y"] + bars["height"] <= phone.locator("#sketchpad").bounding_box()["y"]

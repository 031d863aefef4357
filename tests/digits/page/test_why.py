"""Explanations of answers: painted on the network's image and on the pad, and put into words."""

import re

from playwright.sync_api import expect

from tests.support import visitor


def colored(page, *, red=False):
    """Number of pixels of the network's image that are clearly red, or clearly blue."""
    warmth = visitor.pixels(page, ".seen-image canvas") @ [1, 0, -1, 0]
    return ((warmth if red else -warmth) > 30).sum()


def blue(picture):
    return (picture[..., 2] - picture[..., 0] > 60).sum()


def ask_why(page, digit):
    page.locator(".seen-image").get_by_role("button", name=f"Why {digit}?").click()


def bar(page, digit):
    return page.get_by_role("button", name=re.compile(f"^{digit} "))


def test_what_spoke_for_the_answer_is_said_and_colors_the_image_and_the_ink_on_the_pad(page):
    visitor.draw_to_the_end(page, 3)
    plain = visitor.screenshot(page.locator("#sketchpad"))
    assert colored(page, red=True) + colored(page) + blue(plain) == 0
    ask_why(page, 3)
    visitor.wait_for_words(page, r"^3.* sure\. The ink (at|on|in) the .* speaks most for 3\.")
    assert colored(page) > 20
    expect(page.locator(".seen-image")).to_contain_text("for 3")
    expect(page.get_by_role("img", name=re.compile("speaks most for 3"))).to_be_visible()
    say = page.locator(".overlay-say")
    expect(say).to_have_text(re.compile(r"^The ink .* speaks most for 3\."))
    painted = visitor.screenshot(page.locator("#sketchpad"))
    assert blue(painted) > 500
    # The paper above the sentence stays white.
    top = int(visitor.pad_box(page)["height"] - (say.bounding_box()["height"] + 20))
    paper = (plain.min(axis=2) == 255)[:top]
    assert (painted[:top][paper] == 255).all()
    ask_why(page, 3)
    assert colored(page, red=True) + colored(page) == 0
    expect(page.locator(".seen-image")).to_contain_text("Seen by the network")
    ask_why(page, 3)
    expect(say).to_be_visible()
    ink = visitor.ink_on_pad(page)
    visitor.draw(page, 1, lift=False)
    expect(say).not_to_be_visible()
    assert blue(visitor.screenshot(page.locator("#sketchpad"))) == 0
    assert visitor.ink_on_pad(page) > ink
    page.mouse.up()


def test_any_bar_looks_as_if_it_can_be_pressed_and_shows_what_spoke_against_its_digit(page):
    key = page.locator("#confidence [data-digit='8'] .row-digit")
    idle = visitor.style(key, "borderTopColor")
    visitor.draw_to_the_end(page, 3)
    assert visitor.style(key, "borderTopColor") != idle
    expect(page.get_by_text("or press a bar")).to_be_visible()
    bar(page, 8).click()
    visitor.wait_for_words(page, "speaks most against 8")
    expect(page.locator(".overlay-say .against")).to_have_text(re.compile("against 8"))
    assert colored(page, red=True) > 10
    expect(bar(page, 8)).to_have_attribute("aria-pressed", "true")
    # The answer itself is unchanged.
    visitor.wait_for_digit(page, 3)
    bar(page, 8).click()
    expect(page.locator(".overlay-say")).not_to_be_visible()


def test_a_new_drawing_is_explained_by_its_own_answer_once_the_pen_is_up(page):
    visitor.draw_to_the_end(page, 3)
    bar(page, 8).click()
    visitor.wait_for_words(page, "against 8")
    visitor.clear(page)
    expect(page.locator(".why")).to_be_disabled()
    visitor.draw_to_the_end(page, 1)
    visitor.wait_for_words(page, "^1.*speaks most for 1")
    assert visitor.ink_on_pad(page) > 0


def test_nobody_is_asked_for_what_the_visitor_has_not_opened(page):
    asked = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''}"))
    visitor.draw_to_the_end(page, 5)
    visitor.settle(page)
    assert any("/v1/draw" in one for one in asked)
    assert [one for one in asked if re.search("read_why|/v1/(inside|compare)", one)] == []


def test_on_the_upload_tab_the_sentence_stands_beside_the_picture(page, tmp_path):
    visitor.upload_digit(page, tmp_path, 4)
    before = page.locator("#confidence").bounding_box()
    ask_why(page, 4)
    visitor.wait_for_words(page, "speaks most for 4")
    expect(page.locator("#prediction .say")).to_have_text(re.compile("speaks most for 4"))
    assert page.locator("#confidence").bounding_box() == before
    ask_why(page, 4)
    expect(page.locator("#prediction .say")).to_have_text(re.compile("sure"))


def test_on_the_phone_the_reason_fits_beside_the_answer(phone):
    visitor.draw_to_the_end(phone, 5)
    phone.locator(".why").tap()
    visitor.wait_for_words(phone, "for 5")
    assert visitor.overflow(phone) == 0
    bars = phone.locator("#confidence").bounding_box()
    assert bars["y"] + bars["height"] <= phone.locator("#sketchpad").bounding_box()["y"]

"""Look inside the network."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from digits import networks
from digits.activations import visible_steps
from tests.support import visitor

INSIDE = "**/v1/inside"
TALL = {"viewport": {"width": 1280, "height": 1200}}
"""Shows the pad and the open fold at once, so that the mouse reaches both without scrolling."""

LENS = ".lens canvas"
CHANNELS = [
    step.output_shape[-1] for step in visible_steps(networks.find(networks.DEFAULT_NETWORK))
]


@pytest.fixture
def page(chromium, app):
    with visitor.visiting(chromium, app, TALL) as page:
        yield page


def look(page):
    """Open the fold and wait for its layers."""
    page.get_by_text("Look inside").click()
    expect(page.locator(".layer canvas")).to_have_count(len(CHANNELS))


def lens(page):
    return page.locator(".lens figcaption b")


def shown(page):
    """The pixels of the lens."""
    return visitor.pixels(page, LENS).tolist()


def wait_for_image_of(page, digit):
    """Wait for the digit, and until the lens shows the same image as the answer."""
    visitor.wait_for_digit(page, digit)
    visitor.wait_for_same_image(page, LENS, ".seen-image canvas")


def draw_and_look(page, digit):
    visitor.draw_to_the_end(page, digit)
    look(page)
    wait_for_image_of(page, digit)


def on_map(page, layer, channel):
    """A layer's canvas, and the position of a map in it for Playwright."""
    canvas = page.locator(".layer canvas").nth(layer)
    canvas.scroll_into_view_if_needed()
    across = int(np.ceil(np.sqrt(CHANNELS[layer])))
    side = canvas.bounding_box()["width"] / across
    return canvas, {"x": side * (channel % across + 0.5), "y": side * (channel // across + 0.5)}


def hover(page, layer, channel):
    canvas, place = on_map(page, layer, channel)
    canvas.hover(position=place)


def test_closed_again_it_asks_nothing(page):
    asked = visitor.record(page, INSIDE)
    visitor.draw_to_the_end(page, 5)
    look(page)
    visitor.wait_until(page, lambda: asked)
    page.get_by_text("Look inside").click()
    wait_for_image_of(page, 5)
    count = len(asked)
    visitor.draw(page, 1, shift=0.2)
    visitor.wait_for_words(page, "51")
    assert len(asked) == count


def test_every_layer_shows_its_maps_of_the_image_that_was_answered(page):
    draw_and_look(page, 5)
    counts = page.locator(".layer figcaption span").all_inner_texts()
    assert [int(text.split()[0]) for text in counts] == CHANNELS
    for place in range(len(CHANNELS)):
        painted = visitor.pixels(page, f".layer canvas >> nth={place}").reshape(-1, 4)
        assert len(np.unique(painted, axis=0)) > 20
    expect(page.locator(".columns .top span")).to_have_text("5")


def test_it_follows_the_pen_a_few_times_a_second(page):
    look(page)
    asked = visitor.record(page, INSIDE)
    seconds = visitor.scribble(page, 1.5)
    assert 2 <= len(asked) <= 5 * seconds + 2
    page.mouse.up()
    page.get_by_role("button", name="Clear").click()
    visitor.draw_to_the_end(page, 3)
    wait_for_image_of(page, 3)


def test_the_pens_answers_do_not_wait_for_it_and_late_ones_are_dropped(page):
    look(page)
    blank = shown(page)
    held, release = visitor.hold(page, INSIDE)
    visitor.draw_to_the_end(page, 7)
    visitor.wait_until(page, lambda: held)
    visitor.draw(page, 7)
    visitor.settle(page)
    assert len(held) == 1
    visitor.clear(page)
    with page.expect_response(INSIDE) as late:
        release()
    late.value.finished()
    visitor.settle(page)
    assert shown(page) == blank
    visitor.draw_to_the_end(page, 3)
    wait_for_image_of(page, 3)


def test_a_map_below_the_mouse_is_shown_large_and_where_it_looks(page):
    draw_and_look(page, 7)
    image, paper = shown(page), visitor.screenshot(page.locator("#sketchpad"))
    hover(page, 1, 20)
    expect(lens(page)).to_have_text(f"Map 21 of {CHANNELS[1]}")
    assert shown(page) != image
    page.locator("#sketchpad").scroll_into_view_if_needed()
    assert page.locator(".overlay canvas").is_visible()
    spot, pad = page.locator(".overlay .spot").bounding_box(), visitor.pad_box(page)
    # 9 of the image's 28 pixels; its ink is 20 pixels high, and 0.57 of the pad.
    assert spot["width"] / pad["width"] <= 9 / 20 * 0.65
    assert pad["x"] <= spot["x"] <= spot["x"] + spot["width"] <= pad["x"] + pad["width"]
    page.mouse.move(5, 5)
    expect(lens(page)).to_have_text("Image")
    assert not page.locator(".overlay canvas").is_visible()
    assert (visitor.screenshot(page.locator("#sketchpad")) == paper).all()


def test_a_map_lies_over_the_ink_that_it_is_of(page):
    """A point of the first layer sees 3 pixels, so its spot on the pad is close to the ink."""
    draw_and_look(page, 1)
    near = []
    for channel in range(CHANNELS[0]):
        hover(page, 0, channel)
        expect(lens(page)).to_contain_text(f"Map {channel + 1} ")
        spot, pad = page.locator(".overlay .spot").bounding_box(), visitor.pad_box(page)
        middle = (spot["x"] + spot["width"] / 2 - pad["x"]) / pad["width"]
        near.append(abs(middle - 0.5) < 0.08)
    # Some maps respond to paper.
    assert sum(near) >= 0.6 * len(near)


def test_a_press_holds_a_map_while_one_draws_on_and_escape_lets_it_go(page):
    draw_and_look(page, 4)
    canvas, place = on_map(page, 0, 5)
    canvas.click(position=place)
    before = shown(page)
    visitor.clear(page)
    visitor.draw_to_the_end(page, 0)
    expect(lens(page)).to_have_text("Map 6 of 16")
    visitor.wait_until(page, lambda: shown(page) != before)
    page.locator(".layer canvas").first.press("Escape")
    wait_for_image_of(page, 0)


def test_the_keyboard_reaches_every_map(page):
    draw_and_look(page, 2)
    slider = page.get_by_role("slider", name="Convolution, 16 feature maps")
    slider.focus()
    for key, value in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowDown", 6), ("End", 16)):
        page.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuetext", f"Map {value} of 16")
        expect(lens(page)).to_have_text(f"Map {value} of 16")
    page.keyboard.press("Escape")
    expect(lens(page)).to_have_text("Image")


def test_a_feature_shows_the_map_that_it_is_the_average_of(page):
    draw_and_look(page, 6)
    last = len(CHANNELS) - 1
    seen = []
    for layer, name in ((last - 1, "Map"), (last, "Feature")):
        hover(page, layer, 40)
        expect(lens(page)).to_have_text(f"{name} 41 of {CHANNELS[layer]}")
        seen.append(shown(page))
    assert seen[0] == seen[1]
    expect(page.locator(".lens figcaption span")).to_have_text(re.compile("% of the strongest"))


def test_a_finger_chooses_a_map_which_stays_large_while_the_layers_scroll(phone):
    visitor.draw_to_the_end(phone, 5)
    phone.get_by_text("Look inside").tap()
    canvas, place = on_map(phone, 3, 50)
    canvas.tap(position=place)
    expect(lens(phone)).to_have_text(re.compile("^Map 51 of"))
    expect(phone.locator(".lens canvas")).to_be_in_viewport()
    assert visitor.overflow(phone) == 0


def test_nothing_moves_when_answers_come_while_it_is_open(page):
    look(page)
    names = "#sketchpad, #confidence, .seen-image, .weights, .inside, .lens canvas, .votes"
    parts = [page.locator(name) for name in names.split(", ")]
    before = [part.bounding_box() for part in parts]
    visitor.draw_to_the_end(page, 3)
    wait_for_image_of(page, 3)
    assert [part.bounding_box() for part in parts] == before


def test_an_uploaded_picture_is_looked_into_and_about_shows_none(page, tmp_path):
    visitor.upload_digit(page, tmp_path, 9)
    look(page)
    wait_for_image_of(page, 9)
    page.get_by_role("tab", name="About").click()
    expect(page.locator(".inside")).not_to_be_visible()
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator(".lens figcaption span")).to_have_text(
        "Draw a digit, or press one of several"
    )


def test_a_press_of_a_tile_shows_the_inside_of_that_digit(page):
    visitor.show_example(page, 42)
    tile = page.get_by_role("list", name="Digits that were read").get_by_role("button").nth(1)
    tile.click()
    expect(tile).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".columns .top span")).to_have_text("2")
    visitor.wait_for_same_image(page, LENS, ".tiles [aria-pressed=true] canvas")
    # The map's spot is on this digit, in the right half of the pad.
    hover(page, 0, 5)
    spot, pad = page.locator(".overlay .spot").bounding_box(), visitor.pad_box(page)
    assert spot["x"] + spot["width"] / 2 > pad["x"] + pad["width"] / 2
    page.mouse.move(5, 5)
    tile.click()
    expect(page.locator(".lens figcaption span")).to_contain_text("press one of several")
    expect(tile).to_have_attribute("aria-pressed", "false")


def test_without_its_answers_the_page_works_on(page):
    look(page)
    visitor.cut_off(page, INSIDE)
    visitor.draw_to_the_end(page, 8)
    page.unroute(INSIDE)
    visitor.draw(page, 8, shift=0.01)
    wait_for_image_of(page, 8)

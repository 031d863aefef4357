"""The page for those who do not see it, do not use a mouse, or have a slow machine."""

import re

import pytest
from playwright.sync_api import expect

from tests.support import pen
from tests.support.visitor import (
    DESKTOP,
    PHONE,
    draw,
    draw_to_the_end,
    ink_on_pad,
    open_upload,
    upload,
    violations,
    visiting,
    wait_for_digit,
)

STILL = {"reduced_motion": "reduce"}
"""Without it axe may meet colours half way through a transition."""


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(DESKTOP, id="desktop"),
        pytest.param(DESKTOP | {"color_scheme": "dark"}, id="dark", marks=pytest.mark.nightly),
        pytest.param(PHONE, id="phone", marks=pytest.mark.nightly),
    ],
)
def test_axe_finds_no_fault_on_any_tab(chromium, app, options, tmp_path):
    with visiting(chromium, app, options | STILL) as page:
        page.get_by_role("button", name="Example 5").click()
        wait_for_digit(page, 5)
        page.get_by_role("button", name="Why 5?").last.click()
        expect(page.locator(".announce")).to_have_text(re.compile("for 5"))
        assert violations(page) == []
        open_upload(page)
        upload(page, tmp_path / "7.png", pen.sheet(7))
        wait_for_digit(page, 7)
        assert violations(page) == []
        page.get_by_role("tab", name="About").click()
        page.locator("#about").get_by_text("API", exact=True).click()
        page.locator("#about pre").first.wait_for()
        assert violations(page) == []


def test_bars_do_not_slide_for_those_who_want_no_motion(chromium, app):
    with visiting(chromium, app, DESKTOP | STILL) as page:
        bar = page.locator("#confidence .track i").first
        assert bar.evaluate("(node) => getComputedStyle(node).transitionDuration") == "0s"
        page.get_by_role("button", name="Example 5").click()
        wait_for_digit(page, 5)


@pytest.mark.nightly
def test_axe_finds_no_fault_on_a_blank_pad_and_in_a_number(chromium, app):
    with visiting(chromium, app, DESKTOP | STILL) as page:
        assert violations(page) == []
        page.get_by_role("button", name="Number 42").click()
        expect(page.locator("#prediction")).to_have_text(re.compile(r"^\s*42"))
        assert violations(page) == []


def test_one_can_draw_with_the_keyboard_alone(page):
    page.locator("#sketchpad").focus()
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator(".announce")).to_have_text(re.compile("^1"))
    ink = ink_on_pad(page)
    page.keyboard.press("ArrowRight")  # the pen is up
    assert ink_on_pad(page) == ink
    expect(page.locator("#sketchpad")).to_have_attribute("aria-describedby", "sketchpad-help")
    expect(page.locator("#sketchpad-help")).to_contain_text("Space lowers and lifts the pen")


def test_a_pen_that_the_keyboard_lowered_is_lifted_when_the_focus_leaves(page):
    page.locator("#sketchpad").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    draw(page, 7)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Clear")).to_be_enabled()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()


FILLS = """() => Object.fromEntries(Object.entries({
  paper: '#sketchpad', top: '#confidence .top i', track: '#confidence .top .track',
  chosen: '.brushes [aria-checked=true]', other: '.brushes [aria-checked=false]',
  dot: '.brushes [aria-checked=true] i', lamp: '.lamp',
  tab: '#main [role=tab][aria-selected=true]',
}).map(([name, selector]) => {
  const node = document.querySelector(selector)
  return [name, getComputedStyle(node).backgroundColor.match(/[0-9.]+/g).map(Number)]
}))"""


def contrast(one, other):
    """WCAG's contrast of two colours."""

    def luminance(color):
        parts = [part / 255 for part in color[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("forced", ["none", "active"])
def test_what_a_fill_tells_is_visible_in_every_colour_scheme(chromium, app, scheme, forced):
    options = DESKTOP | STILL | {"color_scheme": scheme, "forced_colors": forced}
    with visiting(chromium, app, options) as page:
        page.get_by_role("button", name="Example 5").click()
        wait_for_digit(page, 5)
        fills = page.evaluate(FILLS)
        assert fills["paper"] == [255, 255, 255]
        assert contrast(fills["top"], fills["track"]) >= 3
        assert contrast(fills["chosen"], fills["other"]) >= 3
        assert contrast(fills["dot"], fills["chosen"]) >= 3
        assert contrast(fills["lamp"], page.locator("body").evaluate(BACKGROUND)) >= 3
        if forced == "active":
            assert contrast(fills["tab"], page.locator("body").evaluate(BACKGROUND)) >= 3


BACKGROUND = "(node) => getComputedStyle(node).backgroundColor.match(/[0-9.]+/g).map(Number)"


@pytest.mark.parametrize(
    "motion", ["no-preference", pytest.param("reduce", marks=pytest.mark.nightly)]
)
def test_on_a_slow_machine_no_stroke_is_lost_and_the_bars_end_right(chromium, app, motion):
    with visiting(chromium, app, PHONE | {"reduced_motion": motion}) as page:
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        draw(page, 1)
        alone = ink_on_pad(page)
        page.get_by_role("button", name="Clear").tap()
        # Stroke upon stroke, while answers to the first ones are still on their way.
        draw(page, 4)
        wait_for_digit(page, 4)
        assert ink_on_pad(page) > 1.5 * alone
        expect(page.locator(".announce")).to_have_text(re.compile("^4"))
        wait_for_digit(page, 4)
        session.detach()


def test_every_control_can_be_reached_and_seen_with_the_tab_key(page):
    draw_to_the_end(page, 7)
    page.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges()")
    page.locator("#sketchpad").focus()
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name, outlined = page.evaluate(
            """() => {
              const node = document.activeElement
              const style = getComputedStyle(node)
              const name = node.getAttribute('aria-label') || node.textContent.trim()
              return [name, parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== 'none']
            }"""
        )
        seen.append(name)
        assert outlined, name
        if name.startswith("9"):
            break
    wanted = ["Undo", "Clear", "Example 0", "Example 9", "Why 7?"]
    assert [name for name in wanted if name not in seen] == []
    assert len([name for name in seen if re.match(r"^\d\s*\d", name)]) == 10

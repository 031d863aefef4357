"""Accessibility: screen readers, keyboard only, contrast, and slow machines."""

import re

import pytest
from playwright.sync_api import expect

from tests.support import visitor


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(visitor.DESKTOP, id="desktop"),
        pytest.param(visitor.DESKTOP | {"forced_colors": "active"}, id="forced"),
        pytest.param(visitor.PHONE | {"color_scheme": "dark", "locale": "de-DE"}, id="dark phone"),
        pytest.param(
            visitor.DESKTOP | {"color_scheme": "dark"}, id="dark", marks=pytest.mark.nightly
        ),
        pytest.param(visitor.PHONE, id="phone", marks=pytest.mark.nightly),
    ],
)
def test_axe_finds_no_fault_and_what_is_pressed_is_large_enough(chromium, app, options, tmp_path):
    with visitor.visiting(chromium, app, options | visitor.STILL) as page:
        visitor.draw_to_the_end(page, 3)
        page.locator("[data-action=clear]").click()
        page.locator(".answer[data-kind=blank]").wait_for()
        page.locator(".last button").first.wait_for()
        assert visitor.violations(page) == []
        assert small_or_cut(page, ".keep button, .last button, .fold summary") == []
        visitor.show_example(page, 42)
        expect(page.locator(".tiles li")).to_have_count(2)
        assert visitor.violations(page) == []
        visitor.show_example(page, 5)
        page.locator(".inside summary").click()
        page.locator(".layer canvas").first.press("ArrowRight")
        expect(page.locator(".lens")).to_have_class(re.compile("chosen"))
        page.locator(".compare summary").click()
        page.locator(".compare [data-network='']").wait_for()
        page.locator(".why").click()
        visitor.wait_for_words(page, "5.*5")
        assert visitor.violations(page) == []
        visitor.upload_digit(page, tmp_path, 7)
        page.locator(".samples img").last.wait_for()
        assert visitor.violations(page) == []
        assert small_or_cut(page, ".samples button") == []
        page.get_by_role("tab").nth(2).click()
        page.locator("#about summary").click()
        page.locator("#about pre").first.wait_for()
        assert visitor.violations(page) == []


def small_or_cut(page, selector):
    """Names of the targets that are too small for a finger or extend beyond the window."""
    width = page.viewport_size["width"]
    parts = [(part, part.bounding_box()) for part in page.locator(selector).all()]
    return [
        part.get_attribute("aria-label") or part.inner_text()
        for part, box in parts
        if min(box["width"], box["height"]) < 44 or box["x"] + box["width"] > width
    ]


def test_one_can_draw_with_the_keyboard_alone(page):
    page.locator("#sketchpad").focus()
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    visitor.wait_for_words(page, "^1")
    ink = visitor.ink_on_pad(page)
    page.keyboard.press("ArrowRight")  # the pen is up
    assert visitor.ink_on_pad(page) == ink
    expect(page.locator("#sketchpad")).to_have_attribute("aria-describedby", "sketchpad-help")
    expect(page.locator("#sketchpad-help")).to_contain_text("Space lowers and lifts the pen")


def test_a_pen_that_the_keyboard_lowered_is_lifted_when_the_focus_leaves(page):
    page.locator("#sketchpad").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    visitor.draw(page, 7)
    visitor.press(page, "Undo")
    expect(page.get_by_role("button", name="Clear")).to_be_enabled()
    visitor.press(page, "Undo")
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()


FILLS = {
    "paper": "#sketchpad",
    "top": "#confidence .top i",
    "track": "#confidence .top .track",
    "chosen": ".brushes [aria-checked=true]",
    "other": ".brushes [aria-checked=false] >> nth=0",
    "dot": ".brushes [aria-checked=true] i",
    "lamp": ".lamp",
    "tab": "#main [role=tab][aria-selected=true] >> nth=0",
    "page": "body",
}


def contrast(one, other):
    """WCAG contrast ratio of two colors."""

    def luminance(color):
        parts = [part / 255 for part in color[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("forced", ["none", "active"])
def test_what_a_fill_tells_is_visible_in_every_color_scheme(chromium, app, scheme, forced):
    options = visitor.DESKTOP | visitor.STILL | {"color_scheme": scheme, "forced_colors": forced}
    with visitor.visiting(chromium, app, options) as page:
        visitor.show_example(page, 5)
        colors = {
            n: visitor.style(page.locator(part), "backgroundColor") for n, part in FILLS.items()
        }
        fills = {n: [float(v) for v in re.findall(r"[\d.]+", c)] for n, c in colors.items()}
        bar = page.locator("#confidence .track i").first
        assert visitor.style(bar, "transitionDuration") == "0s"  # as for reduced motion
        assert fills["paper"] == [255, 255, 255]
        assert contrast(fills["top"], fills["track"]) >= 3
        assert contrast(fills["chosen"], fills["other"]) >= 3
        assert contrast(fills["dot"], fills["chosen"]) >= 3
        assert contrast(fills["lamp"], fills["page"]) >= 3
        if forced == "active":
            assert contrast(fills["tab"], fills["page"]) >= 3
        else:
            assert (max(fills["page"]) < 60) == (scheme == "dark")


@pytest.mark.parametrize(
    "motion", ["no-preference", pytest.param("reduce", marks=pytest.mark.nightly)]
)
def test_on_a_slow_machine_no_stroke_is_lost_and_the_bars_end_right(chromium, app, motion):
    with visitor.visiting(chromium, app, visitor.PHONE | {"reduced_motion": motion}) as page:
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        visitor.draw(page, 1)
        alone = visitor.ink_on_pad(page)
        page.get_by_role("button", name="Clear").tap()
        # More strokes while requests for the first ones are pending.
        visitor.draw(page, 4)
        visitor.wait_for_digit(page, 4)
        assert visitor.ink_on_pad(page) > 1.5 * alone
        visitor.wait_for_words(page, "^4")
        visitor.wait_for_digit(page, 4)
        session.detach()


def test_every_control_can_be_reached_and_seen_with_the_tab_key(page):
    visitor.draw_to_the_end(page, 7)
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
    page.keyboard.press("Space")
    visitor.wait_for_words(page, "(for|against) 9")

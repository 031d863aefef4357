"""Texts and layout of the page."""

import base64
import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from digits.page.components import STYLES
from tests.support import visitor

REJECTED = visitor.digit_view(None, {3: 0.6, 8: 0.4}, score=0.15)
SIZES = [(320, 568), (375, 553), (390, 664), (412, 750), (568, 320), (844, 390), (1024, 600)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("locale", ["de-DE", pytest.param("fr-FR", marks=pytest.mark.nightly)])
def test_the_answer_is_in_view_with_the_pad_and_nothing_is_cut(chromium, app, size, locale):
    width, height = size
    options = {"viewport": {"width": width, "height": height}, "locale": locale}
    with visitor.visiting(chromium, app, options) as page:
        visitor.show_example(page, 5)
        page.evaluate("scrollTo(0, 0)")
        rows = page.locator("#confidence [data-digit]").all()
        for part in (page.locator("#prediction"), *rows):
            box = part.bounding_box()
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= height
        assert visitor.pad_box(page)["y"] < height - 0.5 * visitor.pad_box(page)["height"]
        assert visitor.overflow(page) == 0
        expect(page.get_by_role("tab")).to_have_count(3)  # Gradio would hide what does not fit
        for button in page.locator(".pad button:visible").all():
            box = button.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert page.evaluate(OVERFLOWING) == []


OVERFLOWING = """() => [...document.querySelectorAll('#confidence .row > span, #intro h1')]
  .filter((node) => node.scrollWidth > node.clientWidth + 1).map((node) => node.textContent)"""


def test_no_style_depends_on_the_height_of_the_frame_which_the_hub_grows():
    for path in STYLES:
        assert not re.search(r"\d[dsl]?v(h|min|max|b)\b", path.read_text(encoding="utf-8"))


def test_a_new_page_invites_to_draw_and_names_the_weights(page):
    visitor.wait_for_blank(page)
    expect(page.locator(".invitation")).to_contain_text("Draw here")
    rows = page.locator("#confidence [data-digit]")
    assert rows.evaluate_all("rows => rows.map((row) => row.dataset.digit)") == list("0123456789")
    assert page.locator("#confidence .row-value").all_inner_texts() == [""] * 11
    expect(page.locator(".weights")).to_contain_text(re.compile(r"bundled.*\d\d\.\d+ ?%"))
    for name in ("Copy link", "Save picture"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()


def test_a_phone_is_told_nothing_of_keys_and_no_lone_dot_ends_the_page(phone):
    assert phone.locator("footer .divider:visible").count() == 0
    assert not phone.locator("#sketchpad-help").is_visible()


def test_the_page_says_while_the_network_loads(page, app):
    not_ready = {"ready": False, "weights": None, "problem": None, "model": None}

    warming = {"error": "The page is still warming up.", "code": "warming"}
    page.route(visitor.SERVER, lambda route: route.fulfill(json=not_ready))
    page.route(visitor.QUESTION, lambda route: route.fulfill(status=503, json=warming))
    page.goto(app.url)
    expect(page.locator(".weights")).to_contain_text("loading")
    page.locator("#sketchpad > canvas[aria-label]").wait_for()  # the pad may come later
    visitor.draw(page, 9)
    expect(page.locator("#prediction")).to_contain_text("Warming up")
    assert visitor.confidences(page) == [0] * 10
    page.unroute(visitor.SERVER)
    page.unroute(visitor.QUESTION)
    visitor.wait_for_digit(page, 9)
    expect(page.locator(".weights")).to_contain_text("bundled")


def test_the_page_says_in_the_visitors_language_why_newer_weights_do_not_answer(chromium, app):
    old = {"repo": "someone/digits", "revision": "main", "commit": "abc1234", "errors": 40,
           "tested": 10000}  # fmt: skip
    status = {"ready": True, "weights": old, "model": "someone/digits@abc1234",
              "problem": "not in use: the disk is full", "code": "disk"}  # fmt: skip
    with visitor.visiting(chromium, app, visitor.DESKTOP | {"locale": "de-DE"}) as page:
        page.route(visitor.SERVER, lambda route: route.fulfill(json=status))
        page.goto(app.url)
        expect(page.locator(".problem")).to_have_text(
            "Neuere Gewichte sind nicht im Einsatz: die Platte des Servers nimmt sie nicht an."
        )
        expect(page.locator(".weights")).to_have_text(
            re.compile("someone/digits, main, Commit abc1234: 99,60\\s% richtig auf MNIST, 40 von")
        )


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (visitor.digit_view(7, {7: 0.55, 1: 0.4, 8: 0.05}), "^7, or 1"),
        (visitor.digit_view(7, {7: 0.99, 8: 0.01}, score=0.6), "^7.*60% sure, may not be a digit"),
        (visitor.digit_view(7, {7: 1}), "^7.*99.9% sure"),
        (REJECTED, r"^\s*Not a digit.*closest: 3"),
        (visitor.digit_view(3, {3: 0.99, 8: 0.01}) | {"others": 2}, "^3.*and 2 more"),
    ],
    ids=["two that are close", "perhaps none", "never certain", "none", "one of several"],
)
def test_the_heading_says_how_sure_the_answer_is_and_its_bar_the_same(page, view, sentence):
    page.route(visitor.QUESTION, lambda route: route.fulfill(json=view))
    visitor.draw(page, 7)
    expect(page.locator("#prediction")).to_have_text(re.compile(sentence))
    longest = page.locator("#confidence .top .row-value")
    expect(longest).to_have_text(f"{min(99.9, 100 * view['score']):g}%")


def test_nothing_is_judged_before_the_pen_is_up_then_a_rejection_is_one_verdict_in_gray(page):
    view = visitor.digit_view(None, {3: 0.95, 8: 0.05}, score=0.19)
    page.route(visitor.QUESTION, lambda route: route.fulfill(json=view))
    visitor.draw(page, 1, lift=False)
    expect(page.locator("#prediction")).to_have_text(re.compile(r"^3\s*$"))
    gray = visitor.style(page.locator("#prediction .digit"), "color")
    page.mouse.up()
    expect(page.locator("#prediction")).to_have_text(re.compile(r"^\s*Not a digit"))
    expect(page.locator("#confidence .none")).to_have_text(re.compile(r"^not a digit\s*80%$"))
    fills = "rows => [...new Set(rows.map((row) => getComputedStyle(row).backgroundColor))]"
    [color] = page.locator("#confidence .track i").evaluate_all(fills)
    red, green, blue = (int(part) for part in re.findall(r"\d+", color)[:3])
    assert max(red, green, blue) - min(red, green, blue) < 20
    page.unroute(visitor.QUESTION)
    visitor.draw_to_the_end(page, 1)
    assert visitor.style(page.locator("#prediction .digit"), "color") != gray


def test_several_digits_are_read_without_a_mode_each_with_a_tile(page):
    for digit, shift in ((7, -0.3), (1, 0.0), (7, 0.3)):
        visitor.draw(page, digit, shift=shift)
    expect(page.locator("#prediction")).to_have_text(re.compile(r"^\s*717.*% sure"))
    tiles = page.get_by_role("list", name="Digits that were read").get_by_role("listitem")
    expect(tiles).to_have_count(3)
    share = r"\d+(\.\d)?%"
    for place, digit in enumerate("717"):
        text = re.compile(rf"^{digit}\s*{share}\s*or [^{digit}]: {share}$")
        expect(tiles.nth(place)).to_have_text(text)
        # The network's image: the digit alone, 20 pixels high, white on black.
        seen = visitor.pixels(page, f".tiles canvas >> nth={place}")
        assert seen[..., 3].min() == 255
        assert seen[..., 0].max() > 200
        rows, columns = np.nonzero(seen[..., 0])
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    # Each late answer replaces the boxes, so wait for all of them at once.
    page.wait_for_function(
        """() => {
            const pad = document.querySelector('#sketchpad canvas').getBoundingClientRect()
            const boxes = [...document.querySelectorAll('#sketchpad .boxes div')]
            const right = boxes.map((box, place) => {
                const { x, width } = box.getBoundingClientRect()
                const middle = (x + width / 2 - pad.x) / pad.height
                return box.dataset.digit === '717'[place]
                    && Math.abs(middle - (0.2 + 0.3 * place)) < 0.08
            })
            return right.length === 3 && right.every(Boolean)
        }"""
    )
    for _ in range(2):
        visitor.press(page, "Undo")
    visitor.wait_for_digit(page, 7)
    expect(tiles).to_have_count(0)


def test_bars_move_while_the_pen_is_down_and_a_screen_reader_is_told_once_it_is_up(page):
    visitor.draw(page, 1, lift=False)
    visitor.wait_for_digit(page, 1)
    status = page.locator(".announce[role=status]")
    expect(status).to_have_text("")
    page.mouse.up()
    expect(status).to_have_text(re.compile("^1.*sure"))
    rows = page.get_by_role("list", name="Confidence for each digit").get_by_role("listitem")
    assert re.match(r"^1\s+\d+(\.\d)?%$", rows.nth(1).inner_text())


CUT = """(tiles) => tiles.filter((tile) => [...tile.children].some((part) =>
  part.getBoundingClientRect().right > tile.getBoundingClientRect().right))"""


@pytest.mark.parametrize("locale", ["de-DE", "fr-FR"])
@pytest.mark.parametrize("width", [320, 390, 568, 1280])
def test_a_tile_holds_what_it_says_and_nothing_of_the_about_tab_is_cut(
    chromium, app, locale, width
):
    options = {"viewport": {"width": width, "height": 700}, "locale": locale}
    with visitor.visiting(chromium, app, options) as page:
        visitor.show_example(page, 42)
        expect(page.locator(".tiles li")).to_have_count(2)
        assert page.locator(".tiles button").evaluate_all(CUT) == []
        page.get_by_role("tab").nth(2).click()
        page.locator("#about .pipeline").wait_for()
        assert visitor.overflow(page) == 0


PIXEL = base64.b64encode(cv2.imencode(".png", np.full((9, 9), 200, np.uint8))[1]).decode()
SHOWN = {"picture": f"data:image/png;base64,{PIXEL}", "size": [100, 100], "boxes": [], "unread": []}


def show_upload(page, view):
    """Let the upload tab show a fabricated answer."""
    page.get_by_role("tab", name="Upload").click()
    detail = {"source": "upload", "answer": view, "final": True}
    tell = "detail => document.dispatchEvent(new CustomEvent('digits:answer', { detail }))"
    page.evaluate(tell, detail)


def test_at_every_width_the_unread_is_marked_and_a_rejection_stands_beside_its_picture(page):
    view = SHOWN | {"kind": "number", "number": "12345678\n9", "lines": ["12345678", "9"],
            "digits": [{"digit": 1, "confidence": 0.9, "box": [5, 5, 9, 20], "line": 0,
                        "runner_up": {"digit": 7, "confidence": 0.1}, "image": visitor.BLANK}] * 9,
            "boxes": [[5, 5, 9, 20]] * 9, "unread": [[0, 90, 40, 10]],
            "model": "bundled"}  # fmt: skip
    for width in (320, 600, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        show_upload(page, view)
        expect(page.locator("#prediction")).to_contain_text("not read: 1")
        assert page.locator(".seen-picture .boxes .unread").count() == 1
        # Eight digits stay on one line.
        digits = page.locator("#prediction .digit")
        assert digits.evaluate("(node) => node.scrollWidth <= node.clientWidth")
        size = digits.evaluate("(node) => parseFloat(getComputedStyle(node).lineHeight)")
        assert digits.bounding_box()["height"] == pytest.approx(2 * size, abs=1)
        show_upload(page, REJECTED | SHOWN)
        expect(page.locator("#prediction")).to_contain_text("Not a digit")
        names = ("#prediction", ".seen-image")
        heading, seen = (page.locator(name).bounding_box() for name in names)
        assert heading["x"] + heading["width"] <= seen["x"]
        assert heading["y"] < seen["y"] + seen["height"]


SPOKEN = {
    "de-DE": (
        "Löschen",
        "Zeichne eine Ziffer",
        r"mitgelieferte Gewichte: \d\d,\d\d\s%.*von 10\.000 Testziffern falsch",
        r"^5\s+zu \d\d,\d\s% sicher",
    ),
    "fr-FR": (
        "Effacer",
        "Tracez un chiffre",
        r"poids fournis : \d\d,\d\d\s% .*erreurs sur 10\s000 chiffres",
        r"^5\s+sûr à \d\d,\d\s%",
    ),
}


@pytest.mark.parametrize("locale", ["de-DE", pytest.param("fr-FR", marks=pytest.mark.nightly)])
def test_the_page_speaks_the_visitors_language_and_writes_its_numbers(chromium, app, locale):
    button, invitation, weights, sure = SPOKEN[locale]
    with visitor.visiting(chromium, app, visitor.DESKTOP | {"locale": locale}) as page:
        expect(page.locator("#prediction")).to_contain_text(invitation)
        expect(page.get_by_role("button", name=button)).to_be_visible()
        expect(page.locator(".weights")).to_have_text(re.compile(weights))
        page.locator("[data-example='5']").click()
        expect(page.locator("#prediction")).to_have_text(re.compile(sure))
        for tab in page.get_by_role("tab").all()[1:]:
            tab.click()
        expect(page.locator("#about h2").first).not_to_have_text("What this is")

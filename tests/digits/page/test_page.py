"""The page in a real Chromium: drawn on with mouse and finger, by strokes that the tests hold."""

import base64
import json
import re
import time

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from digits.page.components import STYLES
from tests.support import pen
from tests.support.visitor import (
    DESKTOP,
    QUESTION,
    SERVER,
    confidences,
    draw,
    draw_to_the_end,
    draw_with_finger,
    ink_on_pad,
    on_pad,
    open_upload,
    pad_box,
    settle,
    upload,
    visiting,
    wait_for_blank,
    wait_for_digit,
    wait_until,
)

DRAWN = [[1, 5, 8], pytest.param(range(10), marks=pytest.mark.nightly)]


@pytest.mark.parametrize("digits", DRAWN, ids=["three", "all"])
def test_digits_drawn_with_the_mouse_are_read(page, digits):
    for digit in digits:
        draw(page, digit)
        wait_for_digit(page, digit)
        page.get_by_role("button", name="Clear").click()
        wait_for_blank(page)


@pytest.mark.parametrize("digits", DRAWN, ids=["three", "all"])
def test_digits_drawn_with_the_finger_are_read_and_the_page_does_not_scroll(phone, digits):
    for digit in digits:
        draw_with_finger(phone, digit)
        wait_for_digit(phone, digit)
        assert phone.evaluate("scrollY") == 0
        phone.get_by_role("button", name="Clear").tap()
        wait_for_blank(phone)


SIZES = [(320, 568), (375, 553), (390, 664), (412, 750), (568, 320), (844, 390), (1024, 600)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("locale", ["de-DE", pytest.param("fr-FR", marks=pytest.mark.nightly)])
def test_the_answer_is_in_view_with_the_pad_and_nothing_is_cut(chromium, app, size, locale):
    width, height = size
    options = {"viewport": {"width": width, "height": height}, "locale": locale}
    with visiting(chromium, app, options) as page:
        page.locator("[data-example='5']").click()
        wait_for_digit(page, 5)
        page.evaluate("scrollTo(0, 0)")
        rows = page.locator("#confidence [data-digit]").all()
        for part in (page.locator("#prediction"), *rows):
            box = part.bounding_box()
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= height
        assert pad_box(page)["y"] < height - 0.5 * pad_box(page)["height"]
        assert page.evaluate("document.documentElement.scrollWidth") == width
        expect(page.get_by_role("tab")).to_have_count(3)  # Gradio would hide what does not fit
        for button in page.locator(".pad button:visible").all():
            box = button.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert page.evaluate(OVERFLOWING) == []


OVERFLOWING = """() => [...document.querySelectorAll('#confidence .row > span, #intro h1')]
  .filter((node) => node.scrollWidth > node.clientWidth + 1).map((node) => node.textContent)"""


def test_no_style_depends_on_the_height_of_the_frame_which_the_hub_grows():
    for style in STYLES:
        assert not re.search(r"\d[dsl]?v(h|min|max|b)\b", style.read_text(encoding="utf-8"))


def test_a_new_page_invites_to_draw_and_names_the_weights(page):
    wait_for_blank(page)
    expect(page.locator(".invitation")).to_contain_text("Draw here")
    rows = page.locator("#confidence [data-digit]")
    assert rows.evaluate_all("rows => rows.map((row) => row.dataset.digit)") == list("0123456789")
    assert page.locator("#confidence .row-value").all_inner_texts() == [""] * 11
    expect(page.locator(".weights")).to_contain_text(re.compile(r"bundled.*\d\d\.\d+ ?%"))


def test_bars_move_while_the_pen_is_down(page):
    draw(page, 1, lift=False)
    wait_for_digit(page, 1)
    assert sum(confidences(page)) > 0.9
    page.mouse.up()


def test_a_click_draws_a_dot(page):
    page.mouse.click(*on_pad(page, (0.5, 0.5)))
    assert ink_on_pad(page) > 50


def test_clear_empties_pad_and_answer(page):
    draw(page, 3)
    wait_for_digit(page, 3)
    page.get_by_role("button", name="Clear").click()
    wait_for_blank(page)
    assert ink_on_pad(page) == 0
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()


def test_undo_takes_the_last_stroke_back(page):
    draw(page, 1)
    wait_for_digit(page, 1)
    ink = ink_on_pad(page)
    draw(page, 4)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    wait_for_digit(page, 1)
    # Drawn anew as one line, its edges may differ by a shade.
    assert ink_on_pad(page) == pytest.approx(ink, rel=0.02)
    page.get_by_role("button", name="Undo").click()
    wait_for_blank(page)
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_undo_brings_a_cleared_drawing_back(page):
    draw(page, 7)
    wait_for_digit(page, 7)
    page.get_by_role("button", name="Clear").click()
    wait_for_blank(page)
    page.get_by_role("button", name="Undo").click()
    wait_for_digit(page, 7)


def test_the_keyboard_undoes_and_clears(page):
    draw(page, 0)
    wait_for_digit(page, 0)
    page.keyboard.press("Delete")
    wait_for_blank(page)
    page.keyboard.press("Control+z")
    wait_for_digit(page, 0)


def test_the_brush_has_three_widths(page):
    ink = []
    for name in ("Fine brush", "Medium brush", "Bold brush"):
        page.get_by_role("radio", name=name).click()
        draw(page, 1)
        ink.append(ink_on_pad(page))
        page.get_by_role("button", name="Clear").click()
    assert 0 < ink[0] < ink[1] < ink[2]


def test_arrow_keys_choose_the_brush(page):
    page.get_by_role("radio", name="Medium brush").focus()
    page.keyboard.press("ArrowRight")
    bold = page.get_by_role("radio", name="Bold brush")
    expect(bold).to_be_checked()
    expect(bold).to_be_focused()


PIXELS = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"


def test_the_picture_that_the_network_saw_is_shown(page):
    draw(page, 8)
    wait_for_digit(page, 8)
    pixels = page.locator(".seen-image canvas").evaluate(PIXELS)
    shown = np.array(pixels).reshape(28, 28, 4)
    assert shown[..., 3].min() == 255
    assert shown[..., 0].max() > 200
    rows, columns = np.nonzero(shown[..., 0])
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20


@pytest.mark.parametrize("digits", DRAWN, ids=["three", "all"])
def test_each_example_is_drawn_and_read_at_a_click(page, digits):
    for digit in digits:
        page.get_by_role("button", name=f"Example {digit}").click()
        wait_for_digit(page, digit)


def test_an_answer_that_comes_late_does_not_bring_a_cleared_drawing_back(page):
    held = []
    page.route(QUESTION, lambda route: held.append(route))  # noqa: PLW0108 - it must be a function
    draw(page, 5)
    wait_until(page, lambda: held)
    page.get_by_role("button", name="Clear").click()
    wait_for_blank(page)
    with page.expect_response(QUESTION) as late:
        held[0].continue_()
    late.value.finished()
    settle(page)
    wait_for_blank(page)


def test_an_answer_to_a_part_does_not_replace_the_answer_to_the_whole(page):
    held = []
    page.route(QUESTION, lambda route: held.append(route))  # noqa: PLW0108 - it must be a function
    draw(page, 5, lift=False)
    wait_until(page, lambda: len(held) == 2)
    page.mouse.up()  # its question does not wait for the answers to the others
    wait_until(page, lambda: len(held) == 3)
    whole, *parts = sorted(held, key=lambda route: -len(route.request.post_data))
    whole.fulfill(json=digit_view([0] * 5 + [1] + [0] * 4, 5))
    wait_for_digit(page, 5)
    for part in parts:
        part.fulfill(json=digit_view([0] * 8 + [1, 0], 8))
        part.request.response().finished()
    settle(page)
    wait_for_digit(page, 5)


def test_a_phone_is_told_nothing_of_keys_and_no_lone_dot_ends_the_page(phone):
    assert phone.locator("footer .divider:visible").count() == 0
    assert not phone.locator("#sketchpad-help").is_visible()


def test_few_questions_are_on_their_way_at_a_time_and_the_last_state_is_asked(page):
    open_now, most, last = [0], [0], [None]

    def slow(route):
        open_now[0] += 1
        most[0] = max(most[0], open_now[0])
        last[0] = json.loads(route.request.post_data)
        response = route.fetch()
        open_now[0] -= 1
        route.fulfill(response=response)

    page.route(QUESTION, slow)
    draw(page, 2, step=10)
    draw(page, 1, step=10)
    wait_until(
        page, lambda: last[0] and len(last[0]["strokes"]) == 2 and last[0]["strokes"][1][-1] > 750
    )
    assert most[0] <= 3
    assert last[0]["mode"] == "digit"


def test_questions_do_not_exceed_fifteen_a_second(page):
    asked = []
    page.route(QUESTION, lambda route: (asked.append(time.monotonic()), route.continue_()))
    page.mouse.move(*on_pad(page, (0.1, 0.5)))
    page.mouse.down()
    start = time.monotonic()
    while time.monotonic() - start < 1:
        part = time.monotonic() - start
        page.mouse.move(*on_pad(page, (0.1 + 0.8 * part, 0.5 + 0.3 * np.sin(20 * part))))
    seconds = time.monotonic() - start
    page.mouse.up()
    assert 0 < len(asked) <= 15 * seconds + 2


def test_a_server_that_is_gone_is_said_and_asked_again(page):
    page.route(QUESTION, lambda route: route.abort("internetdisconnected"))
    draw(page, 6)
    expect(page.locator("#prediction")).to_contain_text("No answer from the server")
    page.unroute(QUESTION)
    wait_for_digit(page, 6)


def test_the_page_says_while_the_network_loads(page, app):
    not_ready = {"ready": False, "weights": None, "problem": None, "model": None}

    warming = {"error": "The page is still warming up.", "code": "warming"}
    page.route(SERVER, lambda route: route.fulfill(json=not_ready))
    page.route(QUESTION, lambda route: route.fulfill(status=503, json=warming))
    page.goto(app.url)
    expect(page.locator(".weights")).to_contain_text("loading")
    draw(page, 9)
    expect(page.locator("#prediction")).to_contain_text("Warming up")
    assert confidences(page) == [0] * 10
    page.unroute(SERVER)
    page.unroute(QUESTION)
    wait_for_digit(page, 9)
    expect(page.locator(".weights")).to_contain_text("bundled")


def test_the_page_says_in_the_visitors_language_why_newer_weights_do_not_answer(chromium, app):
    old = {"repo": "someone/digits", "revision": "main", "commit": "abc1234", "errors": 40,
           "tested": 10000}  # fmt: skip
    status = {"ready": True, "weights": old, "model": "someone/digits@abc1234",
              "problem": "not in use: the disk is full", "code": "disk"}  # fmt: skip
    with visiting(chromium, app, DESKTOP | {"locale": "de-DE"}) as page:
        page.route(SERVER, lambda route: route.fulfill(json=status))
        page.goto(app.url)
        expect(page.locator(".problem")).to_have_text(
            "Neuere Gewichte sind nicht im Einsatz: die Platte des Servers nimmt sie nicht an."
        )
        expect(page.locator(".weights")).to_have_text(
            re.compile("someone/digits, main, Commit abc1234: 99,60\\s% richtig auf MNIST, 40 von")
        )


def digit_view(confidences, digit, reason=None, score=None):
    return {"kind": "digit", "digit": digit, "reason": reason, "confidences": confidences,
            "score": score or max(confidences), "others": 0, "model": "bundled",
            "image": base64.b64encode(bytes(28 * 28)).decode()}  # fmt: skip


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (digit_view([0, 0.4, 0, 0, 0, 0, 0, 0.55, 0.05, 0], 7), "^7, or 1"),
        (digit_view([0, 0, 0, 0, 0, 0, 0, 0.99, 0.01, 0], 7, score=0.6),
         "^7.*60% sure, may not be a digit"),
        (digit_view([0, 0, 0, 0, 0, 0, 0, 1, 0, 0], 7), "^7.*99.9% sure"),
        (digit_view([0, 0, 0, 0.6, 0, 0, 0, 0, 0.4, 0], None, "not a digit", 0.15),
         r"^\s*Not a digit.*closest: 3"),
    ],
    ids=["two that are close", "perhaps none", "never certain", "none"],
)  # fmt: skip
def test_the_heading_says_how_sure_the_answer_is_and_its_bar_the_same(page, view, sentence):
    page.route(QUESTION, lambda route: route.fulfill(json=view))
    draw(page, 7)
    expect(page.locator("#prediction")).to_have_text(re.compile(sentence))
    longest = page.locator("#confidence .top .row-value")
    expect(longest).to_have_text(f"{min(99.9, 100 * view['score']):g}%")


def test_a_refusal_is_one_verdict_gray_bars_and_the_share_of_no_digit(page):
    view = digit_view([0, 0, 0, 0.95, 0, 0, 0, 0, 0.05, 0], None, "not a digit", 0.19)
    page.route(QUESTION, lambda route: route.fulfill(json=view))
    draw(page, 3)
    expect(page.locator("#prediction")).to_have_text(re.compile(r"^\s*Not a digit"))
    expect(page.locator("#confidence .none")).to_have_text(re.compile(r"^not a digit\s*80%$"))
    fills = "rows => [...new Set(rows.map((row) => getComputedStyle(row).backgroundColor))]"
    [color] = page.locator("#confidence .track i").evaluate_all(fills)
    red, green, blue = (int(part) for part in re.findall(r"\d+", color)[:3])
    assert max(red, green, blue) - min(red, green, blue) < 20


def test_nothing_is_judged_before_the_pen_is_up(page):
    unclear = digit_view([0, 0, 0, 0.6, 0, 0, 0, 0, 0.4, 0], None, "not a digit", 0.15)
    page.route(QUESTION, lambda route: route.fulfill(json=unclear))
    draw(page, 1, lift=False)
    expect(page.locator("#prediction")).to_have_text(re.compile(r"^3\s*$"))
    gray = page.locator("#prediction .digit").evaluate("(node) => getComputedStyle(node).color")
    page.mouse.up()
    expect(page.locator("#prediction")).to_have_text(re.compile(r"^\s*Not a digit"))
    page.unroute(QUESTION)
    draw_to_the_end(page, 1)
    color = page.locator("#prediction .digit").evaluate("(node) => getComputedStyle(node).color")
    assert color != gray


def test_several_digits_are_read_without_a_mode_each_with_a_tile(page):
    for digit, shift in ((7, -0.3), (1, 0.0), (7, 0.3)):
        draw(page, digit, shift=shift)
    expect(page.locator("#prediction")).to_have_text(re.compile(r"^\s*717.*% sure"))
    tiles = page.get_by_role("list", name="Digits that were read").get_by_role("listitem")
    expect(tiles).to_have_count(3)
    for tile, digit in zip(tiles.all(), "717", strict=True):
        share = r"\d+(\.\d)?%"
        expect(tile).to_have_text(re.compile(rf"^{digit}\s*{share}\s*or [^{digit}]: {share}$"))
        # What the network saw: the digit alone, 20 pixels high, white on black.
        pixels = np.array(tile.locator("canvas").evaluate(PIXELS)).reshape(28, 28, 4)
        rows, columns = np.nonzero(pixels[..., 0] > 0)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    # A late answer draws the boxes anew, also where it says the same: wait for all at once.
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
        page.get_by_role("button", name="Undo").click()
    wait_for_digit(page, 7)
    expect(tiles).to_have_count(0)


def test_one_digit_costs_one_question_once_the_pen_is_up(page):
    asked = []
    page.route(QUESTION, lambda route: (asked.append(route.request.post_data), route.continue_()))
    draw(page, 7, lift=False)
    wait_for_digit(page, 7)
    page.wait_for_timeout(500)  # the last question about a part comes after the last move
    before = len(asked)
    assert before > 0
    page.mouse.up()
    expect(page.locator(".announce")).to_have_text(re.compile("^7"))
    assert [json.loads(question)["mode"] for question in asked[before:]] == ["digit"]


def test_a_screen_reader_is_told_the_answer_once_the_pen_is_up(page):
    draw(page, 1, lift=False)
    wait_for_digit(page, 1)
    status = page.locator(".announce[role=status]")
    expect(status).to_have_text("")
    page.mouse.up()
    expect(status).to_have_text(re.compile("^1.*sure"))
    rows = page.get_by_role("list", name="Confidence for each digit").get_by_role("listitem")
    assert re.match(r"^1\s+\d+(\.\d)?%$", rows.nth(1).inner_text())


def test_an_uploaded_picture_is_read_and_its_ink_is_marked(page, tmp_path):
    open_upload(page)
    expect(page.locator("#prediction")).to_contain_text("Choose a picture")
    # The 2 lies in the right half of the sheet.
    sheet = np.hstack([np.full((400, 400), 255, np.uint8), pen.sheet(2)])
    upload(page, tmp_path / "two.png", sheet)
    wait_for_digit(page, 2)
    frame = page.locator(".seen-picture").bounding_box()
    box = page.locator(".seen-picture .boxes div").bounding_box()
    middle = (box["x"] + box["width"] / 2 - frame["x"]) / frame["width"]
    assert middle == pytest.approx(0.75, abs=0.05)


def test_a_picture_can_be_turned_until_it_stands_upright(page, tmp_path):
    open_upload(page)
    lying = np.rot90(pen.sheet(4))  # a quarter turn to the left
    upload(page, tmp_path / "four.png", lying)
    page.locator(".answer[data-kind=digit]").wait_for()
    page.get_by_role("button", name="Rotate by 90°").click()
    wait_for_digit(page, 4)
    # The picture that is shown turns too.
    assert ink_in_the_box(page) > 0.95


def ink_in_the_box(page):
    """Share of the shown picture's ink that lies within the box of what was read."""
    return page.locator(".seen-picture").evaluate(
        """async (frame) => {
          const image = frame.querySelector('img')
          await image.decode()
          const canvas = document.createElement('canvas')
          const [w, h] = [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight]
          canvas.getContext('2d').drawImage(image, 0, 0)
          const pixels = canvas.getContext('2d').getImageData(0, 0, w, h).data
          const [whole, box] = [frame, frame.querySelector('.boxes [data-digit]')]
            .map((node) => node.getBoundingClientRect())
          let [ink, within] = [0, 0]
          for (let i = 0; i < w * h; i += 1) {
            if (pixels[4 * i] > 128) continue
            const x = whole.x + (i % w + 0.5) / w * whole.width
            const y = whole.y + (Math.floor(i / w) + 0.5) / h * whole.height
            ink += 1
            within += x >= box.left && x <= box.right && y >= box.top && y <= box.bottom
          }
          return within / ink
        }"""
    )


def test_an_unreadable_upload_says_what_to_do(page):
    open_upload(page)
    file = {"name": "bad.png", "mimeType": "image/png", "buffer": b"no picture at all"}
    page.set_input_files("#upload input[type=file]", file)
    expect(page.locator("#prediction")).to_have_text(re.compile("Use|Take|Upload|Save"))
    assert confidences(page) == [0] * 10
    assert "Traceback" not in page.locator("body").inner_text()


def test_each_tab_keeps_its_own_answer(page, tmp_path):
    draw(page, 1)
    wait_for_digit(page, 1)
    open_upload(page)
    upload(page, tmp_path / "8.png", pen.sheet(8))
    wait_for_digit(page, 8)
    page.get_by_role("tab", name="Draw").click()
    wait_for_digit(page, 1)
    assert ink_on_pad(page) > 0
    page.get_by_role("tab", name="Upload").click()
    wait_for_digit(page, 8)


def test_a_picture_that_is_taken_away_leaves_no_answer(page, tmp_path):
    open_upload(page)
    upload(page, tmp_path / "8.png", pen.sheet(8))
    wait_for_digit(page, 8)
    page.locator("#upload").get_by_role("button", name=re.compile("Clear|Remove")).click()
    expect(page.locator("#prediction")).to_contain_text("Choose a picture")
    assert confidences(page) == [0] * 10


def test_every_digit_of_an_uploaded_picture_is_read_line_by_line(page, tmp_path):
    open_upload(page)
    sheet = np.vstack([pen.sheet(4, 2), np.full_like(pen.sheet(4, 2), 255)])
    sheet[-400:, :400] = pen.sheet(7)
    upload(page, tmp_path / "n.png", sheet)
    expect(page.locator("#prediction .digit")).to_have_text(re.compile(r"42\n7"))
    assert page.locator(".seen-picture .boxes div").count() == 3
    assert page.locator(".tiles li b").all_inner_texts() == list("427")
    assert page.locator(".tiles button").evaluate_all(CUT) == []


CUT = """(tiles) => tiles.filter((tile) => [...tile.children].some((part) =>
  part.getBoundingClientRect().right > tile.getBoundingClientRect().right))"""


@pytest.mark.parametrize("locale", ["de-DE", "fr-FR"])
@pytest.mark.parametrize("width", [320, 390, 568, 1280])
def test_a_tile_holds_what_it_says(chromium, app, locale, width):
    options = {"viewport": {"width": width, "height": 700}, "locale": locale}
    with visiting(chromium, app, options) as page:
        page.locator("[data-example='42']").click()
        expect(page.locator(".tiles li")).to_have_count(2)
        assert page.locator(".tiles button").evaluate_all(CUT) == []


def test_what_is_left_unread_is_marked_and_counted(page):
    view = {"number": "12345678\n9", "lines": ["12345678", "9"], "unread": [[0, 90, 40, 10]],
            "digits": [{"digit": 1, "confidence": 0.9, "box": [5, 5, 9, 20], "line": 0,
                        "runner_up": {"digit": 7, "confidence": 0.1},
                        "image": base64.b64encode(bytes(28 * 28)).decode()}] * 9,
            "kind": "number", "boxes": [[5, 5, 9, 20]] * 9, "size": [100, 100], "model": "bundled",
            "picture": f"data:image/png;base64,{PIXEL}"}  # fmt: skip
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


def test_a_refusals_heading_stands_beside_the_picture_at_every_width(page):
    refused = digit_view([0, 0, 0, 0.6, 0, 0, 0, 0, 0.4, 0], None, "not a digit", 0.15)
    picture = {
        "picture": f"data:image/png;base64,{PIXEL}",
        "size": [9, 9],
        "boxes": [],
        "unread": [],
    }
    for width in (320, 600, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        show_upload(page, refused | picture)
        expect(page.locator("#prediction")).to_contain_text("Not a digit")
        heading, seen = (page.locator(name).bounding_box() for name in ("#prediction", ".seen"))
        assert heading["x"] + heading["width"] <= seen["x"]
        assert heading["y"] < seen["y"] + seen["height"]


def test_more_digits_than_the_one_shown_are_counted(page):
    view = digit_view([0, 0, 0, 0.99, 0, 0, 0, 0, 0.01, 0], 3) | {"others": 2}
    page.route(QUESTION, lambda route: route.fulfill(json=view))
    draw(page, 3)
    expect(page.locator("#prediction")).to_have_text(re.compile("^3.*and 2 more"))


PIXEL = base64.b64encode(cv2.imencode(".png", np.full((9, 9), 200, np.uint8))[1]).decode()


def show_upload(page, view):
    """Let the upload tab show an answer that no picture at hand would get."""
    page.get_by_role("tab", name="Upload").click()
    detail = {"source": "upload", "answer": view, "final": True}
    tell = "detail => document.dispatchEvent(new CustomEvent('digits:answer', { detail }))"
    page.evaluate(tell, detail)


@pytest.mark.parametrize(
    ("locale", "button", "invitation"),
    [
        ("de-DE", "Löschen", "Zeichne eine Ziffer"),
        pytest.param("fr-FR", "Effacer", "Tracez un chiffre", marks=pytest.mark.nightly),
    ],
)
def test_the_page_speaks_the_visitors_language(chromium, app, locale, button, invitation):
    with visiting(chromium, app, DESKTOP | {"locale": locale}) as page:
        expect(page.locator("#prediction")).to_contain_text(invitation)
        expect(page.get_by_role("button", name=button)).to_be_visible()
        for tab in page.get_by_role("tab").all()[1:]:
            tab.click()
        expect(page.locator("#about h2").first).not_to_have_text("What this is")


def test_numbers_are_written_with_the_visitors_own_marks(chromium, app):
    with visiting(chromium, app, DESKTOP | {"locale": "de-DE"}) as page:
        expect(page.locator(".weights")).to_have_text(
            re.compile(r"mitgelieferte Gewichte: \d\d,\d\d\s%.*von 10\.000 Testziffern falsch")
        )
        page.locator("[data-example='5']").click()
        expect(page.locator("#prediction")).to_have_text(re.compile(r"^5\s+zu \d\d,\d\s% sicher"))


def test_in_the_dark_the_paper_stays_white_and_the_answer_the_same(chromium, app):
    with visiting(chromium, app, DESKTOP | {"color_scheme": "dark"}) as page:
        colors = "(node) => getComputedStyle(node).backgroundColor"
        assert page.locator("#sketchpad").evaluate(colors) == "rgb(255, 255, 255)"
        red, green, blue = re.findall(r"\d+", page.locator("body").evaluate(colors))[:3]
        assert max(int(red), int(green), int(blue)) < 60
        draw(page, 2)
        wait_for_digit(page, 2)


def test_nothing_moves_on_the_page_when_an_answer_comes(page):
    parts = [page.locator(name) for name in ("#sketchpad", "#confidence", ".seen", ".weights")]
    before = [part.bounding_box() for part in parts]
    draw(page, 3)
    wait_for_digit(page, 3)
    assert [part.bounding_box() for part in parts] == before

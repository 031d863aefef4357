"""Networks side by side."""

from playwright.sync_api import expect

from digits.demos import DEMOS
from tests.support import visitor

COMPARE = "**/v1/compare"
IMAGES = (".compare th:last-child canvas", ".seen-image canvas")


def test_every_network_answers_the_drawing_in_both_ways_until_the_pad_is_cleared(page):
    visitor.draw_to_the_end(page, 5)
    page.locator(".compare summary").click()
    rows = page.locator(".compare tbody tr")
    expect(rows).to_have_count(len(DEMOS) + 1)
    names = rows.locator("th").all_inner_texts()[:-1]
    assert all(name.startswith(demo) for name, demo in zip(names, DEMOS, strict=True))
    served = rows.last
    expect(served.locator("th")).to_contain_text("This page")
    expect(served.locator("td b").last).to_have_text("5")
    assert rows.locator("td").count() == 2 * (len(DEMOS) + 1)
    visitor.clear(page)
    expect(page.locator(".compare table")).to_be_hidden()
    expect(page.locator(".compare-none")).to_be_visible()
    visitor.show_example(page, 3)
    expect(served.locator("td b").last).to_have_text("3")


def test_the_whole_drawing_is_compared_though_a_part_of_it_was_before(page):
    visitor.draw_to_the_end(page, 5)
    page.locator(".compare summary").click()
    visitor.wait_for_same_image(page, *IMAGES)
    visitor.clear(page)
    expect(page.locator(".compare table")).to_be_hidden()
    visitor.press(page, "Undo")
    visitor.wait_for_digit(page, 5)
    expect(page.locator(".compare table")).to_be_visible()
    visitor.clear(page)
    visitor.draw(page, 2, lift=False, step=10)
    expect(page.locator(".compare table")).to_be_visible()
    page.wait_for_timeout(500)  # the pen pauses, and the partial drawing is compared
    page.mouse.up()
    visitor.draw(page, 1, shift=0.05, step=10)
    visitor.press(page, "Undo")
    visitor.wait_for_digit(page, 2)
    visitor.wait_for_same_image(page, *IMAGES)


def test_what_another_network_reads_otherwise_is_marked(page):
    answers = {"digit": 5, "confidence": 0.9}
    other = {"digit": 3, "confidence": 0.4}
    rows = [
        {"network": "fnn", "accuracy": 0.98, "shrunk": other, "normalized": answers},
        {"network": None, "accuracy": 0.99, "shrunk": answers, "normalized": answers},
    ]
    image = "A" * 1044 + "AA=="
    body = {"networks": rows, "shrunk": image, "normalized": image, "model": "m"}
    page.route(COMPARE, lambda route: route.fulfill(json=body))
    visitor.draw_to_the_end(page, 5)
    page.locator(".compare summary").click()
    expect(page.locator(".compare .other")).to_have_count(1)
    expect(page.locator(".compare .other")).to_have_text("340%")


def test_a_press_lets_a_network_answer_the_pad_until_it_is_given_back(page):
    asked = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    visitor.draw_to_the_end(page, 5)
    page.locator(".compare summary").click()
    rows = page.locator(".compare tbody tr")
    served, demo = rows.last.get_by_role("button"), rows.first.get_by_role("button")
    expect(served).to_have_attribute("aria-pressed", "true")
    demo.press("Enter")
    expect(demo).to_have_attribute("aria-pressed", "true")
    expect(served).to_have_attribute("aria-pressed", "false")
    expect(demo).to_be_focused()
    line = page.locator(".chosen-network")
    expect(line).to_contain_text(f"{DEMOS[0]} (a demo) answers.")
    visitor.wait_until(page, lambda: any(f'"network":"{DEMOS[0]}"' in data for data in asked))
    page.locator(".why").press("Enter")
    visitor.wait_until(page, lambda: any("read_why" in data and DEMOS[0] in data for data in asked))
    # The choice survives a reload and applies only to the pad.
    page.reload()
    expect(line).to_be_visible()
    page.get_by_role("tab", name="Upload").click()
    expect(line).to_be_hidden()
    page.get_by_role("tab", name="Draw").click()
    line.get_by_role("button").click()
    expect(line).to_be_hidden()
    asked.clear()
    visitor.show_example(page, 7)
    assert asked
    assert not any(DEMOS[0] in data for data in asked)


def test_it_speaks_the_visitors_language_and_fits_a_phone(chromium, app):
    with visitor.visiting(chromium, app, visitor.PHONE | {"locale": "de-DE"}) as page:
        visitor.show_example(page, 7)
        page.locator(".compare summary").click()
        served = page.locator(".compare [data-network=''] th")
        expect(served).to_contain_text("Diese Seite")
        expect(served).to_contain_text(",")
        assert visitor.overflow(page) == 0

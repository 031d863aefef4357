"""The page without a server: it gives the same answers as Python and sends nothing."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from benchmarks.browser import on_pad
from digits.drawing import PAD_HEIGHT, parse_strokes
from digits.examples import digit_example
from digits.server.routes import predict_strokes
from tests.support import visitor
from tests.support.static_page import answers, drawings, image, opened, served
from training.browser import build, runtime
from training.browser.words import PAGE_WORDS
from training.console import UserError
from training.handwriting import templates
from training.handwriting.strokes import Sample, fit

CLOSE = 4
"""Of 255: rounding may change a pixel at the edge of a stroke."""


@pytest.fixture(scope="module")
def site(recognizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    for name, content in build.build(recognizer.weights).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def from_disk(site):
    return (site / build.PAGE_FILE).as_uri()


@pytest.fixture(scope="module")
def open_page(chromium, from_disk):
    """The page opened from disk, offline."""
    with opened(chromium, from_disk, visitor.DESKTOP | visitor.STILL | {"offline": True}) as page:
        yield page


@pytest.fixture
def page(open_page):
    """The same page with a blank pad."""
    open_page.keyboard.press("Delete")
    visitor.wait_for_blank(open_page)
    return open_page


@pytest.mark.parametrize("count", [40, pytest.param(300, marks=pytest.mark.nightly)])
def test_drawings_are_seen_and_read_as_in_python(page, recognizer, count):
    strokes = drawings(count) + [digit_example(digit, seed=5) for digit in range(10)]
    expected = [predict_strokes(recognizer, drawing) for drawing in strokes]
    received = answers(page, strokes)
    assert [view.get("digit") for view in received] == [view.get("digit") for view in expected]
    assert [view.get("reason") for view in received] == [view.get("reason") for view in expected]
    both = [pair for pair in zip(received, expected, strict=True) if pair[1]["image"]]
    assert len(both) > 0.9 * len(strokes)
    assert {view.get("digit") for view in received} == {None, *range(10)}
    apart = [int((np.abs(image(ours) - image(theirs)) > CLOSE).sum()) for ours, theirs in both]
    # A line at the border between two subpixel units may be rounded differently by OpenCV.
    assert max(apart) <= 3
    assert np.count_nonzero(apart) <= 0.01 * len(both)
    assert np.mean(np.array(apart) <= 1) > 0.95
    for name in ("confidences", "score"):
        values = np.array([[np.ravel(view[name]) for view in pair] for pair in both])
        assert np.abs(values[:, 0] - values[:, 1]).max() < 0.02


def test_a_pad_without_ink_is_blank_no_digit_is_refused_and_the_edges_are_read(page):
    outside = [[46, -300, -300, -200, -300]]
    scribble = [[46, *np.random.default_rng(0).integers(100, 900, 80).tolist()]]
    along_the_edges = [[70, 20, 10, 980, 10, 420, 990]]
    blank, rejected, seven = answers(page, [outside, scribble, along_the_edges])
    assert blank["kind"] == "blank"
    assert (rejected["digit"], rejected["reason"]) == (None, "not a digit")
    assert seven["digit"] == 7


def test_what_the_mouse_draws_is_read_while_it_is_drawn_and_axe_finds_no_fault(page):
    assert visitor.violations(page) == []
    visitor.draw(page, 7, lift=False)
    visitor.wait_for_digit(page, 7)
    page.mouse.up()
    visitor.wait_for_words(page, "^7")
    rows = page.locator("#confidence [data-digit]")
    assert [row.get_attribute("data-digit") for row in rows.all()] == [str(d) for d in range(10)]
    expect(page.get_by_role("button", name=re.compile("Why"))).to_have_count(0)
    assert visitor.violations(page) == []


def test_the_look_inside_shows_the_values_that_python_computes(page, recognizer):
    page.get_by_text("Look inside").click()
    page.locator("#sketchpad").scroll_into_view_if_needed()
    visitor.draw_to_the_end(page, 5)
    visitor.wait_for_same_image(page, ".lens canvas", ".seen-image canvas")
    seen = visitor.pixels(page, ".seen-image canvas")[..., 0]
    found = recognizer.activations(np.float32(seen / 255))
    layers = page.locator(".layer canvas")
    expect(layers).to_have_count(len(found))
    layer, values = layers.nth(1), found[1].quantized()
    channel = int(values.max(axis=(1, 2)).argmax())
    for _ in range(channel + 1):
        layer.press("ArrowRight")
    name = f"Map {channel + 1} of {len(values)}"
    expect(page.locator(".lens figcaption b")).to_have_text(name)
    # On the pad, opacity shows strength, as digits/page/static/inside.js paints it.
    opacity = visitor.pixels(page, ".overlay canvas")[..., 3]
    shown = 255 * (opacity / 200) ** (1 / 0.6)
    assert values[channel].max() == 255
    assert np.abs(shown - values[channel]).max() <= 2
    assert visitor.violations(page) == []
    layer.press("Escape")
    expect(page.locator(".overlay")).to_be_hidden()
    page.get_by_text("Look inside").click()


def test_a_dropped_picture_does_not_take_the_page_away(page):
    page.get_by_role("button", name="Example 1").press("Enter")
    visitor.wait_for_words(page, "^1")
    taken = page.evaluate(
        """() => !document.querySelector('#sketchpad')
             .dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true }))"""
    )
    assert taken
    visitor.wait_for_digit(page, 1)


def test_a_static_server_is_enough_and_a_finger_draws(chromium, site):
    with served(site) as address, opened(chromium, address, visitor.PHONE) as page:
        visitor.draw_with_finger(page, 2)
        visitor.wait_for_digit(page, 2)
        page.context.set_offline(True)
        page.get_by_role("button", name="Clear").tap()
        visitor.draw_with_finger(page, 5)
        visitor.wait_for_digit(page, 5)
        # The whole answer is visible above the pad.
        bars = page.locator("#confidence").bounding_box()
        assert bars["y"] + bars["height"] < page.locator("#sketchpad").bounding_box()["y"]


@pytest.mark.nightly
@pytest.mark.parametrize(
    "options",
    [visitor.DESKTOP | {"color_scheme": "dark"}, visitor.PHONE | {"locale": "fr-FR"}],
    ids=["desktop, dark", "phone, in French"],
)
def test_axe_finds_no_fault_elsewhere(chromium, from_disk, options):
    with opened(chromium, from_disk, options | visitor.STILL) as page:
        assert visitor.violations(page) == []
        page.locator("[data-example='5']").click()
        visitor.wait_for_digit(page, 5)
        assert visitor.violations(page) == []
        assert page.evaluate("document.documentElement.lang") == options.get("locale", "en")[:2]
        assert page.locator("a, iframe, link:not([rel=icon])").count() == 0


def test_the_browser_itself_refuses_every_request(chromium, site):
    with served(site) as address:
        page = chromium.new_context().new_page()
        page.goto(address)
        asked = "(address) => fetch(address).then(() => 'sent', () => 'refused')"
        assert page.evaluate(asked, address) == "refused"
        image_loads = """(address) => new Promise((said) => {
          const events = { onload: () => said('sent'), onerror: () => said('refused') }
          Object.assign(new Image(), events, { src: address + 'picture.png' })
        })"""
        assert page.evaluate(image_loads, address) == "refused"
        page.context.close()


def test_a_browser_that_cannot_run_the_network_is_told_so(chromium, from_disk):
    page = chromium.new_context(locale="en-US").new_page()
    page.add_init_script("WebAssembly.instantiate = () => Promise.reject(new Error('too old'))")
    page.goto(from_disk)
    told = re.compile("could not load the network")
    expect(page.locator(".problem")).to_have_text(told)
    visitor.draw(page, 1)
    expect(page.locator("#prediction")).to_have_text(re.compile("try a newer one"))
    page.context.close()


def test_the_folder_is_a_static_space(site):
    card = (site / build.CARD_FILE).read_text(encoding="utf-8")
    head = card.split("---\n")[1]
    assert "sdk: static\n" in head
    assert f"app_file: {build.PAGE_FILE}\n" in head
    assert "$" not in card
    assert {path.name for path in site.iterdir()} == {build.PAGE_FILE, build.CARD_FILE}
    assert (site / build.PAGE_FILE).stat().st_size < 7e6


def test_the_page_says_which_runtime_lies_in_it(site):
    packages = json.loads((runtime.FOLDER / runtime.LOCK_FILE).read_bytes())["packages"]
    for name in (build.PAGE_FILE, build.CARD_FILE):
        text = (site / name).read_text(encoding="utf-8")
        assert f"onnxruntime-web {packages['node_modules/onnxruntime-web']['version']}" in text
        assert "Microsoft" in text


def test_every_language_has_all_words():
    assert len({frozenset(words) for words in PAGE_WORDS.values()}) == 1


def test_without_npm_the_error_says_what_to_install_and_else_what_npm_complains_of(
    monkeypatch, tmp_path
):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")
    npm.chmod(0o755)
    for found, told in ((None, r"install Node\.js"), (str(npm), "ENOTFOUND")):
        monkeypatch.setattr(runtime.shutil, "which", lambda _, found=found: found)
        with pytest.raises(UserError, match=told):
            runtime.install(tmp_path)


def test_the_benchmark_places_strokes_within_the_pad():
    rng = np.random.default_rng(1)
    written = [Sample("own", digit, fit(templates.write(digit, rng))) for digit in "0123456789"]
    for drawing in on_pad(written):
        points = np.concatenate([stroke.points for stroke in parse_strokes(drawing)])
        assert points.min() >= 0
        assert points.max() <= PAD_HEIGHT
        assert 300 < np.ptp(points, axis=0).max() < 900

"""The About tab, and the page's metadata, which must not mention Gradio."""

import base64
import json
import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from digits.deployment import RESULTS, ROOT
from digits.page.about import about_text, comparison
from digits.page.i18n import WORDS
from digits.page.pipeline import pipeline
from digits.pictures import SENTENCES
from digits.weights import BUNDLED, METRICS_FILE


def measured(name, preprocessing, mnist_errors, drawn_errors):
    """A row of `training/results.json`."""
    mean = {
        "mnist_test": {"errors": mnist_errors, "count": 10000},
        "drawn": {"errors": drawn_errors, "count": 2000},
    }
    return {"name": name, "preprocessing": preprocessing, "mean": mean}


ROWS = [measured("served", "this project", 25, 30.0), measured("conv3", "plain resize", 100, 1e3)]


def test_every_language_has_the_same_words_with_the_same_placeholders():
    def placeholders(words):
        return {key: sorted(re.findall(r"\{\d\}", text)) for key, text in words.items()}

    assert len(WORDS) >= 3
    for words in WORDS.values():
        assert all(words.values())
        assert placeholders(words) == placeholders(WORDS["en"])


def test_every_fault_of_a_picture_is_worded():
    faults = {f"problem_{fault}" for fault in SENTENCES}
    for words in WORDS.values():
        assert faults <= words.keys()
        codes = {"checks", "denied", "disk", "missing", "unreachable"}
        assert {f"weights_why_{code}" for code in codes} <= words.keys()


@pytest.mark.parametrize("language", WORDS)
def test_the_about_tab_states_the_bundled_weights_errors(language):
    errors = json.loads((BUNDLED / METRICS_FILE).read_bytes())["mnist_test"]["errors"]
    text = about_text(language)
    assert f" {errors} " in text.replace("(", " ")
    assert "$" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("language", WORDS)
def test_the_usual_demo_stands_beside_this_page_in_one_chart(language):
    drawn = comparison(language, ROWS)
    mark = "." if language == "en" else ","
    bars = re.findall(r"width:([\d.]+)%.*?<span>([\d.,]+)<", drawn)
    assert bars == [("50.0", f"50{mark}00"), ("1.5", f"1{mark}50")]
    assert f"99{mark}00" in drawn
    assert "\n\n" not in drawn


def test_there_is_a_chart_of_the_measured_results_but_not_without_both():
    assert comparison("en", []) == comparison("en", ROWS[:1]) == ""
    assert comparison("en", json.loads((ROOT / RESULTS).read_bytes())["rows"])


@pytest.mark.parametrize("language", WORDS)
def test_the_way_of_a_digit_is_shown_in_four_pictures(language):
    drawn = pipeline(language)
    assert "\n\n" not in drawn
    assert len(re.findall("<figcaption>[^<]{20,}</figcaption>", drawn)) == 4
    [encoded] = re.findall(r"base64,([^\"]+)", drawn)
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels.shape == (28, 28)
    rows, columns = np.nonzero(pixels)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    # The strokes of the second figure run where those pixels are inked.
    [line] = re.findall(r'points="([^"]+)"', drawn.split("</figure>")[1])
    points = np.array([pair.split(",") for pair in line.split()], float)
    inked = [pixels[int(y), int(x)] > 60 for x, y in points]
    assert np.mean(inked) > 0.9


def test_the_page_shows_it_all_and_hides_the_api_until_it_is_asked_for(page):
    page.get_by_role("tab", name="About").click()
    about = page.locator("#about")
    expect(about.locator(".pipeline figure")).to_have_count(4)
    expect(about.locator(".chart-row")).to_have_count(2)
    expect(about.locator("table")).to_have_count(0)
    natural = "(image) => image.decode().then(() => image.naturalWidth)"
    for image in about.locator("img").all():
        image.scroll_into_view_if_needed()
        assert image.evaluate(natural) >= 28
    code = about.locator("pre").first
    expect(code).not_to_be_visible()
    about.get_by_text("API", exact=True).click()
    expect(code).to_contain_text("/v1/predict")


def test_the_address_in_the_snippets_is_the_spaces_own(monkeypatch):
    monkeypatch.setenv("SPACE_HOST", "owner-name.hf.space,digits.example.org")
    assert "https://owner-name.hf.space/v1/predict" in about_text("en")
    monkeypatch.delenv("SPACE_HOST")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "8123")
    assert "http://127.0.0.1:8123/v1/predict" in about_text("en")


def test_the_page_introduces_itself(app):
    html = app.get("/").decode()
    head = html[: html.index("window.gradio_config")]
    names = re.findall(r'<meta\s+(?:property|name)="(og:\w+|twitter:\w+|description)"', head)
    assert len(names) == len(set(names))
    assert {"og:title", "og:description", "og:url", "og:image", "description"} <= set(names)
    assert '<meta property="og:title" content="Handwritten digits">' in head
    assert "{url}" not in head
    assert "radio" not in "".join(re.findall(r'<meta\s+(?:property|name)="[^>]*>', head)).lower()


def test_its_preview_and_its_icon_are_its_own(app):
    html = app.get("/").decode()
    [address] = re.findall(r'property="og:image" content="([^"]*)"', html)
    assert address == f"{app.url}/preview.png"
    for path, shape in (("/preview.png", (630, 1200, 3)), ("/favicon.ico", (64, 64, 3))):
        picture = cv2.imdecode(np.frombuffer(app.get(path), np.uint8), cv2.IMREAD_UNCHANGED)
        assert picture.shape == shape
        assert picture.std() > 40

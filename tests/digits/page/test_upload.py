"""The upload tab: pictures chosen, pasted, dropped, or taken with a camera."""

import base64
import re

import numpy as np
import pytest
from PIL import ExifTags, Image
from playwright.sync_api import expect

from digits.pictures import MAX_FILE_BYTES
from tests.support import pen, visitor

HAND_IN = """([kind, selector, type, content]) => {
  const bytes = typeof content === 'number' ? new Uint8Array(content)
    : Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))
  const transfer = new DataTransfer()
  transfer.items.add(new File([bytes], 'picture', { type }))
  const node = document.querySelector(selector)
  const settings = { bubbles: true, cancelable: true }
  if (kind === 'paste') {
    return node.dispatchEvent(new ClipboardEvent(kind, { clipboardData: transfer, ...settings }))
  }
  node.dispatchEvent(new DragEvent('dragover', { dataTransfer: transfer, ...settings }))
  return node.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, ...settings }))
}"""


def png(picture):
    return base64.b64encode(pen.encode(picture)).decode()


def hand_in(page, kind, selector, picture):
    """Paste or drop a picture; return whether the browser's default action would still run."""
    return page.evaluate(HAND_IN, [kind, selector, "image/png", png(picture)])


WAYS = [("paste", "body"), ("drop", "#sketchpad"), ("drop", "#upload .drop-area")]


@pytest.mark.parametrize(("kind", "selector"), WAYS)
def test_a_picture_is_read_once_the_next_takes_its_place_and_each_tab_keeps_its_answer(
    page, kind, selector
):
    visitor.draw_to_the_end(page, 1)
    if "#upload" in selector:
        visitor.open_upload(page)
    asked = visitor.record(page, "**/v1/look?*")
    for digit in (4, 9):
        assert not hand_in(page, kind, selector, pen.sheet(digit))
        visitor.wait_for_digit(page, digit)
    assert len(asked) == 2
    page.get_by_role("tab", name="Draw").click()
    visitor.wait_for_digit(page, 1)
    assert visitor.ink_on_pad(page) > 0
    page.get_by_role("tab", name="Upload").click()
    visitor.wait_for_digit(page, 9)


TOLD = {
    "en-US": ("not a picture that can be read", "too large"),
    "de-DE": ("Diese Datei ist kein Bild", "20 MB."),
}


@pytest.mark.parametrize(
    ("kind", "selector", "locale"), [(*WAYS[0], "de-DE"), *((*way, "en-US") for way in WAYS[1:])]
)
def test_what_cannot_be_read_is_told_however_it_is_handed_in(chromium, app, kind, selector, locale):
    with visitor.visiting(chromium, app, visitor.DESKTOP | {"locale": locale}) as page:
        if "#upload" in selector:
            visitor.open_upload(page)
        # Windows knows no type for an iPhone's pictures.
        files = (("", 500), ("image/png", MAX_FILE_BYTES + 1))
        for (type_, size), sentence in zip(files, TOLD[locale], strict=True):
            assert not page.evaluate(HAND_IN, [kind, selector, type_, size])
            expect(page.locator("#prediction")).to_contain_text(sentence)
            assert visitor.confidences(page) == [0] * 10
        expect(page.locator(".toast-body")).to_have_count(0)


def test_text_is_still_pasted_and_dropped_as_ever(page):
    assert page.evaluate(
        """() => {
          const transfer = new DataTransfer()
          transfer.setData('text/plain', '7')
          const settings = { clipboardData: transfer, bubbles: true, cancelable: true }
          return document.body.dispatchEvent(new ClipboardEvent('paste', settings))
        }"""
    )
    expect(page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")


COPY = """(content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))
  const picture = new Blob([bytes], { type: 'image/png' })
  return navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })])
}"""


def test_the_upload_tab_offers_three_ways(chromium, app, tmp_path):
    """Chromium's fake camera delivers some picture, which gets an answer."""
    allowed = {"permissions": ["camera", "clipboard-read", "clipboard-write"]}
    with visitor.visiting(chromium, app, visitor.DESKTOP | allowed) as page:
        visitor.open_upload(page)
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a file").click()
        chooser.value.set_files(pen.save(tmp_path / "7.png", pen.sheet(7)))
        visitor.wait_for_digit(page, 7)
        page.evaluate("navigator.clipboard.writeText('7')")
        page.get_by_role("button", name="Paste").click()
        said = page.locator(".drop-said")
        expect(said).to_contain_text("No picture could be taken from the clipboard")
        page.evaluate(COPY, png(pen.sheet(3)))
        page.get_by_role("button", name="Paste").click()
        visitor.wait_for_digit(page, 3)
        before = page.locator(".seen-picture img").get_attribute("src")
        page.get_by_role("button", name="Take a photo").click()
        page.wait_for_function("document.querySelector('.camera').videoWidth > 0")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator(".seen-picture img")).to_have_attribute("src", before)
        page.get_by_role("button", name="Take a photo").click()
        page.wait_for_function("document.querySelector('.camera').videoWidth > 0")
        page.get_by_role("button", name="Take it").click()
        expect(page.locator(".seen-picture img")).not_to_have_attribute("src", before)
        assert page.evaluate("document.querySelector('.camera').srcObject") is None


def test_a_phone_takes_photos_with_its_own_camera(phone):
    visitor.open_upload(phone)
    for name, camera in (("Take a photo", "environment"), ("Choose a file", None)):
        with phone.expect_file_chooser() as chooser:
            phone.get_by_role("button", name=name).tap()
        assert chooser.value.element.get_attribute("capture") == camera


def test_a_picture_that_lies_on_its_side_is_shown_upright_with_its_boxes(page, tmp_path):
    visitor.open_upload(page)
    upright = np.hstack([pen.sheet(2), np.full((400, 400), 255, np.uint8)])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # rotate clockwise to display
    Image.fromarray(np.rot90(upright)).save(tmp_path / "2.jpg", exif=exif)
    page.set_input_files(visitor.FILE_FIELD, tmp_path / "2.jpg")
    visitor.wait_for_digit(page, 2)
    box, frame = (page.locator(f".seen-picture{part}") for part in (" [data-digit='2']", ""))
    box, frame = box.bounding_box(), frame.bounding_box()
    assert frame["width"] == pytest.approx(2 * frame["height"], rel=0.02)
    middle = (box["x"] + box["width"] / 2 - frame["x"]) / frame["width"]
    assert middle == pytest.approx(0.25, abs=0.05)


def test_a_picture_can_be_turned_until_it_stands_upright(page, tmp_path):
    visitor.upload(page, tmp_path, np.rot90(pen.sheet(4)))  # a quarter turn to the left
    page.locator(".answer[data-kind=digit]").wait_for()
    visitor.press(page, "Rotate by 90°")
    visitor.wait_for_digit(page, 4)
    # The preview rotates too: its dark ink lies within the colored box.
    seen = page.locator(".seen-picture")
    frame, box = seen.bounding_box(), seen.locator("[data-digit]").bounding_box()
    rows, columns = np.nonzero(visitor.screenshot(seen).max(axis=2) < 80)
    x, y = frame["x"] + columns - box["x"], frame["y"] + rows - box["y"]
    assert ((x >= 0) & (x <= box["width"]) & (y >= 0) & (y <= box["height"])).mean() > 0.95


def test_a_picture_that_is_taken_away_leaves_no_answer(page, tmp_path):
    visitor.upload_digit(page, tmp_path, 8)
    page.locator("#upload").get_by_role("button", name=re.compile("Clear|Remove")).click()
    expect(page.locator("#prediction")).to_contain_text("Choose a picture")
    assert visitor.confidences(page) == [0] * 10

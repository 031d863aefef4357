"""Pictures reach the page by every way that people have: pasted, dropped, from a camera."""

import base64
import re

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image
from playwright.sync_api import expect

from digits.pictures import MAX_FILE_BYTES
from tests.support import pen
from tests.support.visitor import (
    DESKTOP,
    FILE_FIELD,
    confidences,
    draw,
    ink_on_pad,
    open_upload,
    press,
    upload,
    upload_digit,
    visiting,
    wait_for_digit,
)

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
    return base64.b64encode(cv2.imencode(".png", picture)[1].tobytes()).decode()


def hand_in(page, kind, selector, picture):
    """Paste or drop a picture; return whether the browser would still act on it itself."""
    return page.evaluate(HAND_IN, [kind, selector, "image/png", png(picture)])


def test_a_pasted_picture_is_read_and_the_next_one_takes_its_place(page):
    assert not hand_in(page, "paste", "body", pen.sheet(4))
    wait_for_digit(page, 4)
    expect(page.get_by_role("tab", name="Upload")).to_have_attribute("aria-selected", "true")
    assert not hand_in(page, "paste", "body", pen.sheet(9))
    wait_for_digit(page, 9)


def test_a_picture_dropped_on_the_pad_is_read_and_the_drawing_stays(page):
    draw(page, 1)
    wait_for_digit(page, 1)
    assert not hand_in(page, "drop", "#sketchpad", pen.sheet(6))
    wait_for_digit(page, 6)
    page.get_by_role("tab", name="Draw").click()
    wait_for_digit(page, 1)
    assert ink_on_pad(page) > 0


def test_a_picture_dropped_on_the_upload_field_is_read_once(page):
    open_upload(page)
    uploads = []
    page.on("request", lambda request: uploads.append(request.url))
    hand_in(page, "drop", "#upload .drop-area", pen.sheet(3))
    wait_for_digit(page, 3)
    assert len([url for url in uploads if "/v1/look?" in url]) == 1


@pytest.mark.parametrize(
    ("kind", "selector"),
    [("paste", "body"), ("drop", "#sketchpad"), ("drop", "#upload .drop-area")],
)
def test_what_cannot_be_read_is_told_however_it_is_handed_in(page, kind, selector):
    if "#upload" in selector:
        page.get_by_role("tab", name="Upload").click()
        page.locator(selector).first.wait_for()
    # Windows knows no type for an iPhone's pictures.
    for size, type_, sentence in (
        (500, "", "no picture that can be read"),
        (MAX_FILE_BYTES + 1, "image/png", "too large"),
    ):
        assert not page.evaluate(HAND_IN, [kind, selector, type_, size])
        expect(page.locator("#prediction")).to_have_text(re.compile(sentence))


def test_faults_are_told_in_the_visitors_language_and_once(chromium, app):
    with visiting(chromium, app, DESKTOP | {"locale": "de-DE"}) as page:
        for size, sentence in ((500, "Diese Datei ist kein Bild"), (MAX_FILE_BYTES + 1, "20 MB.")):
            page.evaluate(HAND_IN, ["paste", "body", "image/png", size])
            expect(page.locator("#prediction")).to_contain_text(sentence)
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
    """Chromium's own test picture stands in for the camera; whatever it holds, it is answered."""
    allowed = {"permissions": ["camera", "clipboard-read", "clipboard-write"]}
    with visiting(chromium, app, DESKTOP | allowed) as page:
        open_upload(page)
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a file").click()
        chooser.value.set_files(pen.save(tmp_path / "7.png", pen.sheet(7)))
        wait_for_digit(page, 7)
        page.evaluate("navigator.clipboard.writeText('7')")
        page.get_by_role("button", name="Paste").click()
        expect(page.locator(".drop-said")).to_contain_text("No picture on the clipboard")
        page.evaluate(COPY, png(pen.sheet(3)))
        page.get_by_role("button", name="Paste").click()
        wait_for_digit(page, 3)
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
    open_upload(phone)
    for name, camera in (("Take a photo", "environment"), ("Choose a file", None)):
        with phone.expect_file_chooser() as chooser:
            phone.get_by_role("button", name=name).tap()
        assert chooser.value.element.get_attribute("capture") == camera


def test_a_picture_that_lies_on_its_side_is_shown_upright_with_its_boxes(page, tmp_path):
    open_upload(page)
    upright = np.hstack([pen.sheet(2), np.full((400, 400), 255, np.uint8)])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned clockwise
    Image.fromarray(np.rot90(upright)).save(tmp_path / "2.jpg", exif=exif)
    page.set_input_files(FILE_FIELD, tmp_path / "2.jpg")
    wait_for_digit(page, 2)
    box, frame = (page.locator(f".seen-picture{part}") for part in (" [data-digit='2']", ""))
    box, frame = box.bounding_box(), frame.bounding_box()
    assert frame["width"] == pytest.approx(2 * frame["height"], rel=0.02)
    assert box["x"] + box["width"] < frame["x"] + frame["width"] / 2


def test_an_uploaded_picture_is_read_and_its_ink_is_marked(page, tmp_path):
    open_upload(page)
    expect(page.locator("#prediction")).to_contain_text("Choose a picture")
    # The 2 lies in the right half of the sheet.
    sheet = np.hstack([np.full((400, 400), 255, np.uint8), pen.sheet(2)])
    upload(page, tmp_path, sheet)
    wait_for_digit(page, 2)
    frame = page.locator(".seen-picture").bounding_box()
    box = page.locator(".seen-picture .boxes div").bounding_box()
    middle = (box["x"] + box["width"] / 2 - frame["x"]) / frame["width"]
    assert middle == pytest.approx(0.75, abs=0.05)


def test_a_picture_can_be_turned_until_it_stands_upright(page, tmp_path):
    upload(page, tmp_path, np.rot90(pen.sheet(4)))  # a quarter turn to the left
    page.locator(".answer[data-kind=digit]").wait_for()
    press(page, "Rotate by 90°")
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
    page.set_input_files(FILE_FIELD, file)
    expect(page.locator("#prediction")).to_have_text(re.compile("Use|Take|Upload|Save"))
    assert confidences(page) == [0] * 10
    assert "Traceback" not in page.locator("body").inner_text()


def test_each_tab_keeps_its_own_answer(page, tmp_path):
    draw(page, 1)
    wait_for_digit(page, 1)
    upload_digit(page, tmp_path, 8)
    page.get_by_role("tab", name="Draw").click()
    wait_for_digit(page, 1)
    assert ink_on_pad(page) > 0
    page.get_by_role("tab", name="Upload").click()
    wait_for_digit(page, 8)


def test_a_picture_that_is_taken_away_leaves_no_answer(page, tmp_path):
    upload_digit(page, tmp_path, 8)
    page.locator("#upload").get_by_role("button", name=re.compile("Clear|Remove")).click()
    expect(page.locator("#prediction")).to_contain_text("Choose a picture")
    assert confidences(page) == [0] * 10


def test_every_digit_of_an_uploaded_picture_is_read_line_by_line(page, tmp_path):
    sheet = np.vstack([pen.sheet(4, 2), np.full_like(pen.sheet(4, 2), 255)])
    sheet[-400:, :400] = pen.sheet(7)
    upload(page, tmp_path, sheet)
    expect(page.locator("#prediction .digit")).to_have_text(re.compile(r"42\n7"))
    assert page.locator(".seen-picture .boxes div").count() == 3
    assert page.locator(".tiles li b").all_inner_texts() == list("427")

"""Pictures reach the page by every way that people have: pasted, dropped, from a camera."""

import base64
import re

import cv2
import pytest
from playwright.sync_api import expect

from digits.pictures import MAX_FILE_BYTES
from tests.support import pen
from tests.support.visitor import DESKTOP, draw, ink_on_pad, open_upload, visiting, wait_for_digit

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
    hand_in(page, "drop", "#upload .upload-container", pen.sheet(3))
    wait_for_digit(page, 3)
    assert len([url for url in uploads if "/upload?" in url]) == 1


@pytest.mark.parametrize(
    ("kind", "selector"),
    [("paste", "body"), ("drop", "#sketchpad"), ("drop", "#upload .upload-container")],
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


def test_the_camera_takes_a_picture(chromium, app):
    """Chromium's own test picture stands in for the camera; whatever it holds, it is answered."""
    with visiting(chromium, app, DESKTOP | {"permissions": ["camera"]}) as page:
        page.get_by_role("tab", name="Upload").click()
        page.get_by_role("button", name="Capture from camera").click()
        page.get_by_text("Click to Access Webcam").click()
        page.wait_for_function("() => document.querySelector('#upload video')?.videoWidth > 0")
        page.get_by_role("button", name="capture photo").click()
        page.locator(".seen-picture img").wait_for()
        expect(page.locator("#prediction")).not_to_have_text(re.compile("Choose a picture"))

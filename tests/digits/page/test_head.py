"""What browsers, search engines and networks are told of the page: nothing of Gradio."""

import re

import cv2
import numpy as np


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

"""The README's animation of the page; `UPDATE_SCREENSHOTS=1` updates it."""

import io
import os

import pytest
from PIL import Image

from digits.drawing import PAD_HEIGHT
from digits.examples import digit_example
from tests.conftest import ROOT
from tests.support.visitor import clear, on_pad, wait_for_digit


@pytest.mark.nightly
def test_the_moving_picture_shows_the_answer_that_follows_the_pen(page, tmp_path):
    frames, durations = [], []

    def take(milliseconds):
        with Image.open(io.BytesIO(page.screenshot())) as picture:
            frames.append(picture.convert("RGB").resize((800, 500), Image.Resampling.LANCZOS))
        durations.append(milliseconds)

    for digit in (5, 8, 2):
        for _, *values in digit_example(digit):
            units = [value / PAD_HEIGHT for value in values]
            points = list(zip(units[::2], units[1::2], strict=True))
            page.mouse.move(*on_pad(page, points[0]))
            page.mouse.down()
            for number, point in enumerate(points):
                page.mouse.move(*on_pad(page, point))
                if number % 5 == 0:
                    take(60)
            page.mouse.up()
        wait_for_digit(page, digit)
        page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
        take(1_200)
        clear(page)
    update = os.environ.get("UPDATE_SCREENSHOTS") == "1"
    path = (ROOT / ".github" / "screenshots" if update else tmp_path) / "page.webp"
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=durations, loop=0, quality=70
    )
    assert 50_000 < path.stat().st_size < 1_000_000
    with Image.open(path) as picture:
        assert picture.n_frames > 40

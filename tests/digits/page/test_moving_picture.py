"""The moving picture of the page that the README shows: `UPDATE_SCREENSHOTS=1` makes it anew."""

import io
import os

import pytest
from PIL import Image

from digits.drawing import PAD_HEIGHT
from digits.examples import digit_example
from tests.conftest import ROOT
from tests.support.visitor import clear, on_pad, wait_for_digit

FOLDER = ROOT / ".github" / "screenshots"

FRAME_MILLISECONDS = 60
HOLD_MILLISECONDS = 1_200


def frame(page):
    """What the page looks like, as the moving picture shows it."""
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        return picture.convert("RGB").resize((800, 500), Image.Resampling.LANCZOS)


@pytest.mark.nightly
def test_the_moving_picture_shows_the_answer_that_follows_the_pen(page, tmp_path):
    frames, durations = [], []
    for digit in (5, 8, 2):
        for _, *values in digit_example(digit):
            units = [value / PAD_HEIGHT for value in values]
            points = list(zip(units[::2], units[1::2], strict=True))
            page.mouse.move(*on_pad(page, points[0]))
            page.mouse.down()
            for number, point in enumerate(points):
                page.mouse.move(*on_pad(page, point))
                if number % 5 == 0:
                    frames.append(frame(page))
                    durations.append(FRAME_MILLISECONDS)
            page.mouse.up()
        wait_for_digit(page, digit)
        page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
        frames.append(frame(page))
        durations.append(HOLD_MILLISECONDS)
        clear(page)
    folder = FOLDER if os.environ.get("UPDATE_SCREENSHOTS") == "1" else tmp_path
    path = folder / "page.webp"
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=durations, loop=0, quality=70
    )
    assert 50_000 < path.stat().st_size < 1_000_000
    with Image.open(path) as picture:
        assert picture.n_frames > 40

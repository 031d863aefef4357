"""Ink on plain paper: colors, polarity, faint strokes, and paper that is not plain."""

import cv2
import numpy as np
import pytest

from digits.plain import plain_ink
from tests.support import pen
from tests.support.inks import drawing, first_ink


@pytest.mark.parametrize(
    ("paper", "ink"),
    [
        ((255, 255, 255), (200, 30, 30)),
        ((250, 240, 120), (30, 60, 200)),
        ((30, 70, 40), (240, 240, 235)),
        ((120, 160, 120), (160, 120, 160)),
    ],
)
def test_ink_leaves_the_papers_color_in_any_direction(paper, ink):
    share = pen.sheet(5)[..., None] / 255
    found = first_ink((share * paper + (1 - share) * ink).astype(np.uint8))
    assert found.array.dtype == np.float32
    assert ((found.array > 0.5) == (pen.sheet(5) < 128)).mean() > 0.998


def test_a_drawing_that_runs_over_the_edge_is_on_plain_paper():
    picture = np.full((300, 400), 255, np.uint8)
    cv2.line(picture, (100, 0), (180, 299), 0, 20)
    assert first_ink(picture).array[0].max() > 0.9


def test_a_light_bar_on_a_dark_canvas_is_a_stroke():
    picture = np.zeros((280, 280), np.uint8)
    cv2.rectangle(picture, (120, 40), (165, 240), 255, cv2.FILLED)
    assert (first_ink(picture).array[45:235, 125:160] > 0.9).all()


def test_what_is_only_faint_counts_where_it_is_connected_to_strong_ink():
    picture = np.full((200, 300), 255, np.uint8)
    picture[50:150, 60:120] = 0
    picture[85:115, 120:150] = 225
    picture[85:115, 200:240] = 225
    ink = first_ink(picture).array
    assert ink[100, 130] > 0
    assert ink[:, 180:].max() == 0


@pytest.mark.parametrize("level", [0, 128, 255])
def test_plain_paper_alone_has_no_ink(level):
    assert plain_ink(np.full((60, 90, 3), level, np.uint8)) is None
    stained = np.full((60, 90), level, np.uint8)
    stained[20:40, 20:40] = abs(level - 10)
    assert plain_ink(stained) is None


def test_a_photograph_is_no_plain_paper_and_a_small_picture_always_is():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    assert plain_ink(noise) is None
    assert plain_ink(noise[:28, :28]) is not None


def test_a_large_picture_is_reduced_and_says_so():
    ink = first_ink(cv2.resize(drawing(), (1600, 1600)))
    assert ink.scale == 2
    assert ink.array.shape == (800, 800)

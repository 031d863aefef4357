"""Tracing, loading and drawing of pen strokes."""

import gzip
import importlib.util
import json
from itertools import pairwise

import cv2
import numpy as np
import pytest

from tests.training.drawings import CROSS, RING, SEVEN, mnist_image
from training.console import UserError
from training.handwriting import strokes
from training.handwriting.tracing import trace


def dense(drawing):
    """Return fifty points on each line of a drawing."""
    steps = np.linspace(0, 1, 50)[:, None]
    lines = [pair for stroke in drawing for pair in pairwise(stroke)]
    return np.concatenate([start + steps * (end - start) for start, end in lines])


def farthest(drawing, other):
    """Return the maximum distance of points of a drawing from the other one."""
    points = dense(other)
    return max(np.linalg.norm(points - point, axis=1).min() for point in dense(drawing))


@pytest.mark.parametrize("drawing", [SEVEN, RING, CROSS], ids=["seven", "ring", "cross"])
def test_a_traced_image_follows_the_pen_that_drew_it(drawing):
    traced, fitted = trace(mnist_image(drawing)), strokes.fit(drawing)
    assert farthest(traced, fitted) < 80
    assert farthest(fitted, traced) < 120


def test_a_ring_is_traced_closed():
    (ring,) = trace(mnist_image(RING))
    assert np.linalg.norm(ring[0] - ring[-1]) < 20


def test_spurs_of_a_thick_stroke_are_dropped():
    assert len(trace(mnist_image([SEVEN[0][1:]], pen=6))) == 1


def test_blank_paper_cannot_be_traced():
    with pytest.raises(ValueError, match="Expected an image with ink"):
        trace(np.zeros((28, 28), np.uint8))


def test_a_single_point_of_ink_is_a_dot():
    image = np.zeros((28, 28), np.uint8)
    image[10, 10] = 255
    assert np.isfinite(np.concatenate(trace(image))).all()


@pytest.mark.parametrize("width", [1.0, 2.5, 6.0, 20.0])
def test_a_drawn_line_is_as_wide_as_the_pen(width):
    line = [np.array([[50, 100], [350, 100]], float)]
    ink = strokes.draw(line, (200, 400), width)
    assert ink[:, 200].sum() == pytest.approx(width, abs=0.6)
    assert ink.max() <= 1
    assert ink[:, 20].max() == 0


def test_one_point_is_drawn_as_a_dot():
    ink = strokes.draw([np.array([[50.0, 40.0]])], (100, 100), 10)
    assert ink.sum() == pytest.approx(np.pi * 25, rel=0.25)
    rows, columns = np.nonzero(ink)
    assert (rows.mean(), columns.mean()) == pytest.approx((40, 50), abs=0.6)


def test_fit_scales_the_larger_side_to_the_unit_and_leaves_a_dot_finite():
    low, high = strokes.box(strokes.fit([SEVEN[0] * 0.3 + 17]))
    assert low.tolist() == [0, 0]
    assert high.tolist() == pytest.approx([600, 1000])
    (dot,) = strokes.fit([np.array([[5.0, 5.0]])])
    assert dot.tolist() == [[0, 0]]


@pytest.mark.parametrize("raw", [[], [[]], [[1, 2, 3]], [[[1, 2, 3]]]])
def test_invalid_strokes_are_rejected(raw):
    with pytest.raises(ValueError, match="Expected strokes"):
        strokes.as_strokes(raw)


def test_loaded_samples_are_fitted(tmp_path):
    records = [{"source": "a", "label": "7", "strokes": [[[0, 0], [3, 0], [1, 5]]]}]
    (tmp_path / "digits.json.gz").write_bytes(gzip.compress(json.dumps(records).encode()))
    (sample,) = strokes.load(tmp_path, "digits")
    assert (sample.source, sample.label) == ("a", "7")
    assert strokes.box(sample.strokes)[1].tolist() == pytest.approx([600, 1000])


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, r"no digits\.json\.gz in"),
        (b"", "fetch it again"),
        (b"no gzip", "fetch it again"),
        (gzip.compress(b"[{}]"), "fetch it again"),
        (gzip.compress(b"{"), "fetch it again"),
        (gzip.compress(b"[[1]]" * 100)[:20], "fetch it again"),
    ],
    ids=["missing", "empty", "no gzip", "no samples", "no JSON", "cut"],  # gzip stores the time
)
def test_a_missing_or_corrupt_file_of_samples_is_a_user_error(tmp_path, content, line):
    if content is not None:
        (tmp_path / "digits.json.gz").write_bytes(content)
    with pytest.raises(UserError, match=line):
        strokes.load(tmp_path, "digits")


def test_a_sketch_is_inside_the_pad():
    for seed in range(20):
        pad = strokes.sketch(strokes.fit(SEVEN), np.random.default_rng(seed))
        assert pad.shape == (500, 500)
        rows = np.flatnonzero((pad < 128).any(axis=1))
        assert 0.3 * 500 < np.ptp(rows) < 0.95 * 500
        assert cv2.connectedComponents((pad < 128).astype(np.uint8))[0] == 2


@pytest.mark.nightly
def test_sketches_match_the_reference_renderer(drawn_folder):
    spec = importlib.util.spec_from_file_location("render", drawn_folder / "render.py")
    render = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(render)
    ours, theirs = np.random.default_rng(0), np.random.default_rng(0)
    for sample, record in zip(
        strokes.load(drawn_folder, "digits")[:30], render.load(), strict=False
    ):
        difference = np.abs(
            strokes.sketch(sample.strokes, ours).astype(int)
            - render.sketch(record["strokes"], theirs)
        )
        assert difference.mean() < 0.5

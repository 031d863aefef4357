"""Ink cut into fragments."""

import itertools

import cv2
import numpy as np
import pytest

from digits.numbers.fragments import MAX_CONNECTED, find_fragments


def drawn(*strokes, size=(120, 260), pen=9):
    """Ink of strokes through points."""
    plane = np.zeros(size, np.uint8)
    for stroke in strokes:
        cv2.polylines(
            plane,
            [np.array(stroke, np.int32)],
            isClosed=False,
            color=255,
            thickness=pen,
            lineType=cv2.LINE_AA,
        )
    return plane.astype(np.float32) / 255


def ring(x, y, across=24, down=40):
    angle = np.linspace(0, 2 * np.pi, 60)
    return np.column_stack([x + across * np.cos(angle), y + down * np.sin(angle)])


def sides(fragments, x):
    """Share of the ink on the wrong side of a column, when each fragment goes to its own side."""
    wrong = sum(min((p.pixels[:, 1] < x).sum(), (p.pixels[:, 1] >= x).sum()) for p in fragments)
    return wrong / sum(len(p.pixels) for p in fragments)


def test_all_ink_is_in_exactly_one_piece():
    array = drawn(ring(60, 60), ring(108, 60), [(170, 20), (160, 100)])
    fragments = find_fragments(array)
    pixels = np.concatenate([fragment.pixels for fragment in fragments])
    assert len(np.unique(pixels, axis=0)) == len(pixels) == (array > 0).sum()


def test_pieces_go_from_left_to_right():
    fragments = find_fragments(
        drawn([(200, 20), (200, 100)], ring(60, 60), [(120, 20), (130, 100)])
    )
    middles = [fragment.box[1] + fragment.box[3] for fragment in fragments]
    assert middles == sorted(middles)


def test_a_narrow_stroke_is_not_cut():
    (fragment,) = find_fragments(drawn([(60, 20), (50, 100)]))
    assert (fragment.left, fragment.right) == (None, None)


def test_digits_that_touch_back_to_back_are_cut_where_they_touch():
    fragments = find_fragments(drawn(ring(60, 60), ring(113, 60)))
    assert len({fragment.ink for fragment in fragments}) == 1
    assert sides(fragments, 86.5) < 0.02


def test_a_cut_goes_around_slanting_strokes():
    """A bar joins two slanting strokes; any upright cut would take ink of both."""
    fragments = find_fragments(
        drawn([(100, 15), (60, 105)], [(135, 15), (95, 105)], [(78, 60), (116, 60)])
    )
    rows, columns = np.concatenate([p.pixels for p in fragments]).T
    assert len(fragments) > 1
    assert rows.size
    assert columns.size
    for fragment in fragments:
        beside = fragment.pixels[:, 1] + (fragment.pixels[:, 0] - 60) * 40 / 90 - 97
        assert min((beside < -8).sum(), (beside > 8).sum()) < 60


def test_neighbouring_pieces_share_their_cut():
    fragments = find_fragments(drawn(ring(60, 60), ring(113, 60)))
    for left, right in itertools.pairwise(fragments):
        assert left.right is right.left
    assert fragments[0].left is None
    assert fragments[-1].right is None


def test_the_span_of_a_cut_is_small_where_digits_touch_and_large_through_a_ring():
    fragments = find_fragments(drawn(ring(60, 60), ring(113, 60)))
    spans = [fragment.right.span for fragment in fragments if fragment.right]
    assert min(spans) < 0.6
    assert max(spans) > 0.75


def test_a_dot_joins_the_stroke_that_it_lies_by_and_is_dropped_where_it_lies_by_none():
    stroke = [(60, 20), (60, 100)]
    near = find_fragments(drawn(stroke, [(74, 60), (76, 60)]))
    far = find_fragments(drawn(stroke, [(200, 60), (202, 60)]))
    assert len(near) == len(far) == 1
    assert len(near[0].pixels) > len(far[0].pixels)


@pytest.mark.parametrize("side", [1, 2, 3])
def test_ink_of_a_few_pixels_is_a_piece(side):
    array = np.zeros((20, 20), np.float32)
    array[5 : 5 + side, 5 : 5 + 3 * side] = 1
    assert sum(len(fragment.pixels) for fragment in find_fragments(array)) == 3 * side * side


def test_many_specks_are_bounded():
    array = np.zeros((400, 400), np.float32)
    array[::8, ::8] = 1
    assert len(find_fragments(array)) <= MAX_CONNECTED

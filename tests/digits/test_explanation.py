"""The explanation marks the ink on which the answer depends."""

import base64

import numpy as np
import pytest

from digits import networks
from digits.demos import Demos
from digits.explanation import explain, log_odds
from digits.page.views import encode_image, why_view
from digits.recognizer import Recognizer
from tests.support.training_support import drawn_images, random_weights

BLANK = np.zeros((28, 28), np.float32)
IMAGES = drawn_images(seeds=(0,))


def test_log_odds_are_those_of_one_digit_against_the_nine_others():
    logits = np.log(np.array([[0.5, 0.25, 0.05, 0.2] + [1e-9] * 6], np.float32))
    assert log_odds(logits, 0)[0] == pytest.approx(0, abs=1e-5)
    assert log_odds(logits, 1)[0] == pytest.approx(np.log(0.25 / 0.75), abs=1e-5)


def test_an_image_whose_lower_half_decides_is_marked_there_alone():
    def logits(images):
        lower = images[:, 14:].sum(axis=(1, 2))
        return np.stack([lower, *[np.zeros_like(lower)] * 9], axis=1)

    shares = explain(logits, IMAGES[8], 0)
    assert shares[14:].sum() > 0.8 * np.abs(shares).sum()
    assert np.abs(shares[:8]).sum() < 0.01 * np.abs(shares).sum()
    assert (explain(logits, IMAGES[8], 1)[14:] <= 0).all()


def test_what_is_marked_most_costs_most_when_it_is_removed(recognizer):
    """Cut out squares of 5 pixels: the one marked most against others with as much ink."""
    costlier = []
    for digit, image in enumerate(IMAGES):
        shares = recognizer.explain(image, digit)
        squares = [np.s_[y : y + 5, x : x + 5] for y in range(0, 24, 2) for x in range(0, 24, 2)]
        marked = max(squares, key=lambda square: shares[square].sum())
        rivals = [s for s in squares if image[s].sum() >= 0.8 * image[marked].sum()]
        cut = np.repeat(image[None], 1 + len(rivals), axis=0)
        for one, square in zip(cut, [marked, *rivals], strict=True):
            one[square] = 0
        left = recognizer.predict_images(cut)[:, digit]
        costlier.append(float(np.mean(left[0] <= left[1:])))
    assert np.mean(costlier) > 0.75


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_every_network_can_be_asked_why(name):
    shares = Recognizer(random_weights(name)).explain(IMAGES[3], 3)
    assert shares.shape == (28, 28)
    assert np.isfinite(shares).all()
    assert np.any(shares)


def test_the_page_is_told_as_signed_bytes_and_of_a_blank_picture_nothing(recognizer):
    view = why_view(recognizer, Demos(), [encode_image(IMAGES[4]), 4])
    shares = np.frombuffer(base64.b64decode(view["shares"]), np.int8).reshape(28, 28)
    assert view["digit"] == 4
    assert np.abs(shares.astype(int)).max() == 127
    assert np.all(shares[IMAGES[4] == 0] == 0)
    view = why_view(recognizer, Demos(), [GOOD, 4])
    assert not any(base64.b64decode(view["shares"]))


GOOD = encode_image(BLANK)


@pytest.mark.parametrize(
    "request_",
    [None, 7, [], [GOOD], [GOOD, 10], [GOOD, -1], [GOOD, True], [GOOD, "3"], [GOOD, 3, 3],
     ["no base64!", 3], ["ü", 3], [GOOD[:-8], 3], [GOOD + "AAAA", 3], [None, 3]],
    ids=lambda value: repr(value)[-30:],
)  # fmt: skip
def test_what_is_no_question_is_refused(recognizer, request_):
    assert why_view(recognizer, Demos(), request_) == {"kind": "refused"}

"""What spoke for an answer adds up, keeps to the ink and points at what matters."""

import base64

import keras
import numpy as np
import pytest
import tensorflow as tf

from digits import networks
from digits.page.examples import digit_example
from digits.page.strokes import draw, parse_strokes
from digits.page.why import encode_image, why_view
from digits.saliency import Saliency
from tests.nightly import mostly_nightly

BLANK = np.zeros((28, 28), np.float32)


@pytest.fixture(scope="module")
def saliency(recognizer):
    return recognizer.saliency


@pytest.fixture(scope="module")
def images(recognizer):
    return [recognizer.predict(draw(parse_strokes(digit_example(d)))).image for d in range(10)]


def odds(saliency, image, digit):
    return float(saliency.odds(tf.constant(image[None, ..., None]), tf.constant(digit))[0])


@pytest.mark.parametrize("other", [0, 3])
def test_the_shares_add_up_to_what_the_ink_changed(saliency, images, other):
    for label, image in enumerate(images):
        digit = (label + other) % 10
        changed = odds(saliency, image, digit) - odds(saliency, BLANK, digit)
        shares = saliency.explain(image, digit)
        assert shares.sum() == pytest.approx(changed, abs=0.1 * float(np.abs(shares).sum()))


def test_paper_has_no_say(saliency, images):
    for image in images:
        assert np.all(saliency.explain(image, 5)[image == 0] == 0)
    assert np.all(saliency.explain(BLANK, 5) == 0)


def test_ink_that_speaks_for_a_digit_matters_more_than_any_ink(saliency, images):
    """Without the fifth of the ink that speaks most for it, the odds fall further than else."""
    rng = np.random.default_rng(0)
    told, chance = [], []
    for label, image in enumerate(images):
        places = np.flatnonzero(image > 0.1)
        order = places[np.argsort(-saliency.explain(image, label).ravel()[places])]
        for list_, order_ in ((told, order), (chance, rng.permutation(places))):
            poorer = image.copy()
            poorer.ravel()[order_[: len(places) // 5]] = 0
            list_.append(odds(saliency, image, label) - odds(saliency, poorer, label))
    assert np.mean(told) > 1.2 * np.mean(chance)


@pytest.mark.parametrize("name", mostly_nightly(networks.NETWORKS, networks.DEFAULT_NETWORK))
def test_every_network_can_be_asked_why(name, images):
    shares = Saliency(networks.build(name)).explain(images[3], 3)
    assert shares.shape == (28, 28)
    assert np.isfinite(shares).all()
    assert np.any(shares)


def test_a_network_without_a_softmax_is_refused():
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="ends in a softmax"):
        Saliency(model)


def test_the_page_is_told_as_signed_bytes(recognizer, images):
    view = why_view(recognizer, [encode_image(images[4]), 4])
    shares = np.frombuffer(base64.b64decode(view["shares"]), np.int8).reshape(28, 28)
    assert view["digit"] == 4
    assert np.abs(shares.astype(int)).max() == 127
    assert np.all(shares[images[4] == 0] == 0)


def test_an_empty_picture_says_nothing(recognizer):
    view = why_view(recognizer, [encode_image(BLANK), 4])
    assert not any(base64.b64decode(view["shares"]))


GOOD = encode_image(BLANK)


@pytest.mark.parametrize(
    "request_",
    [None, 7, [], [GOOD], [GOOD, 10], [GOOD, -1], [GOOD, True], [GOOD, "3"], [GOOD, 3, 3],
     ["no base64!", 3], ["ü", 3], [GOOD[:-8], 3], [GOOD + "AAAA", 3], [None, 3]],
    ids=lambda value: repr(value)[-30:],
)  # fmt: skip
def test_what_is_no_question_is_refused(recognizer, request_):
    assert why_view(recognizer, request_) == {"kind": "refused"}

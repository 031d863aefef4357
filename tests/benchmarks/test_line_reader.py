"""The network that reads a line at once is measured as it answers."""

import numpy as np
import pytest

from benchmarks import line_reader
from digits.ink import Ink
from tests.support.training_support import _handwritten as handwritten
from training.handwriting.tracing import trace
from training.synthesis.numbers import Number
from training.synthesis.writing import Hands


@pytest.mark.parametrize(
    ("path", "digits"), [("##33##3", "33"), ("077#7", "077"), ("###", ""), ("12", "12")]
)
def test_a_path_is_read_without_blanks_and_repeats(path, digits):
    columns = [10 if step == "#" else int(step) for step in path]
    assert line_reader.decode(np.eye(11, dtype=np.float32)[columns]) == digits


def test_lines_are_written_with_their_labels():
    images, labels = handwritten(2, 40)
    hands = Hands(images, labels, [trace(image) for image in images])
    lines, digits, lengths = line_reader.make_batch(hands, np.random.default_rng(0))
    assert (lines.shape[1:], digits.shape[1]) == ((32, 288), 7)
    assert (lines.max(axis=(1, 2)) > 0.4).all()
    widths = lines.any(axis=1).sum(axis=1)
    assert widths[lengths == 7].mean() > 2 * widths[lengths == 1].mean()


def test_readers_are_compared_on_the_same_ink():
    picture = np.full((60, 90), 255, np.uint8)
    picture[10:50, 20:26] = 0
    asked = []

    def read(ink: Ink) -> str:
        asked.append(ink)
        return str(len(asked))

    numbers = [("canvas", Number(picture, "1", ())), ("paper", Number(picture, "7", ()))]
    found = line_reader.compare(numbers, {"search": read, "network": read})
    assert {key: value[:2] for key, value in found.items()} == {
        ("canvas", "search"): (1, 1),
        ("canvas", "network"): (0, 1),
        ("paper", "search"): (0, 1),
        ("paper", "network"): (0, 1),
    }
    assert asked[0] is asked[1]

"""Pictures for the gate, generated from MNIST's test set and this repository, always the same.

Drawings, sketches and composed pages go through `Recognizer.look` as a visitor's pictures do;
MNIST's images are used unchanged. Nothing recorded elsewhere is needed, so every fork can generate
them.
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from digits.drawing import as_picture, draw, parse_strokes
from digits.examples import digit_example
from digits.pictures import Picture
from training.data.mnist import Mnist
from training.evaluation.datasets import (
    NO_DIGIT,
    LookAt,
    PictureSet,
    mnist_as_it_is,
    prepare,
)
from training.handwriting import strokes as pen_strokes
from training.handwriting import templates
from training.handwriting.strokes import Sample
from training.synthesis import non_digits
from training.synthesis.composition import compose
from training.synthesis.numbers import samples_from_images
from training.synthesis.writing import Hands

_SEED = 20261121
_LETTERS = tuple(label for label in templates.OTHERS if len(label) == 1 and label.isalpha())


def picture_sets(mnist: Mnist, count: int, look: LookAt) -> dict[str, PictureSet]:
    """Generate all pictures.

    - `mnist_test`: the test images, unchanged;
    - `drawn`: `count` pen-drawn digits: half are traced test images, a quarter each variants of the
      page's examples and templates of `training.handwriting.templates`;
    - `letters`: half as many letters from the same templates;
    - `outliers`: half as many scribbles, dots, lines and noise;
    - `pages`: a quarter as many pages of `training.synthesis` with one digit or none.
    """
    # Fainter test images cannot be traced.
    inked = np.flatnonzero(mnist.test_images.max(axis=(1, 2)) >= 128)
    hands_wanted = max(100, count // 2)  # enough for every digit
    chosen = np.random.default_rng([_SEED, 0]).permutation(inked)[:hands_wanted]
    images, labels = mnist.test_images[chosen], mnist.test_labels[chosen]
    samples = samples_from_images(images, labels)
    hands = Hands(images, labels, [sample.strokes for sample in samples])
    digits = list(_drawn(samples, count))
    rng = np.random.default_rng([_SEED, 1])
    half = [NO_DIGIT] * max(1, count // 2)
    letters = (_template(str(rng.choice(_LETTERS)), rng) for _ in half)
    pages = list(itertools.islice(_pages(hands), max(1, count // 4)))
    return {
        "mnist_test": mnist_as_it_is(mnist),
        "drawn": prepare("drawn", [d for d, _ in digits], (shown for _, shown in digits), look),
        "letters": prepare("letters", half, letters, look),
        "outliers": prepare("outliers", half, itertools.islice(_outliers(), len(half)), look),
        "pages": prepare("pages", [label for label, _ in pages], (page for _, page in pages), look),
    }


def _drawn(samples: Sequence[Sample], count: int) -> Iterator[tuple[int, Picture]]:
    rng = np.random.default_rng([_SEED, 2])
    for index in range(count):
        digit, turn = index // 4 % 10, index % 4
        if turn < 2 and samples:
            sample = samples[(index // 4 * 2 + turn) % len(samples)]
            yield int(sample.label), pen_strokes.sketch(sample.strokes, rng)
        elif turn == 2:
            # Seed 0 is the page's own example, which the self-test reads.
            yield digit, as_picture(draw(parse_strokes(digit_example(digit, seed=1 + index))))
        else:
            yield digit, _template(str(digit), rng)


def _template(label: str, rng: np.random.Generator) -> Picture:
    return pen_strokes.sketch(pen_strokes.fit(templates.write(label, rng)), rng)


def _pages(hands: Hands) -> Iterator[tuple[int, Picture]]:
    """Compose pages with one digit; every fourth attempt is for a page without any."""
    for index in itertools.count():
        page = compose(hands, np.random.default_rng([_SEED, 4, index]))
        if len(page.digits) == (index % 4 > 0):
            yield page.digits[0].digit if page.digits else NO_DIGIT, page.picture


def _outliers() -> Iterator[Picture]:
    rng = np.random.default_rng([_SEED, 3])
    # The answer to a blank picture does not depend on the weights.
    makers = [make for name, make in non_digits.KINDS.items() if name != "blank"]
    for make in itertools.cycle(makers):
        yield make(rng)

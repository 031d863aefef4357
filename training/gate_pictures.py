"""The pictures of the gate: made from MNIST's test set and this repository alone, always the same.

They are drawn on the page's pad or sketched with its pens and go through `digits.preprocessing`, as
a visitor's do. No picture shows what was recorded elsewhere, so that every fork can make them.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from digits.drawing import as_picture, draw, parse_strokes
from digits.examples import digit_example
from digits.preprocessing import Candidate
from training import handwriting, junk
from training import strokes as pen_strokes
from training.data import Mnist, as_input
from training.numbers import samples_from_images
from training.sets import NO_DIGIT, PictureSet, prepare
from training.strokes import Sample

Picture = npt.NDArray[np.uint8]

_SEED = 20261121
_LETTERS = tuple(label for label in handwriting.OTHERS if len(label) == 1 and label.isalpha())
_FAINT = 128  # a test image without ink as dark as this cannot be traced
_NOT_STROKES = ("blank",)  # answered by preprocessing, whatever the weights


def picture_sets(mnist: Mnist, count: int) -> dict[str, PictureSet]:
    """Make all pictures.

    Args:
        mnist: Its test part is shown as it is, and traced.
        count: How many drawn digits there are; letters and outliers are half as many each.

    Returns:
        - `mnist_test`: the test images;
        - `drawn`: digits by pen: half are test images traced, a quarter each the drawings of the
          page's examples by other hands and the templates of `training.handwriting`;
        - `letters`: letters by templates of `training.handwriting`;
        - `outliers`: scribbles, dots, lines, two digits at once, noise.
    """
    samples = _traced(mnist, max(1, count // 2))
    digits = list(_drawn(samples, count))
    rng = np.random.default_rng([_SEED, 1])
    half = [NO_DIGIT] * max(1, count // 2)
    letters = (_template(str(rng.choice(_LETTERS)), rng) for _ in half)
    return {
        "mnist_test": mnist_test(mnist),
        "drawn": prepare("drawn", [digit for digit, _ in digits], (shown for _, shown in digits)),
        "letters": prepare("letters", half, letters),
        "outliers": prepare("outliers", half, itertools.islice(_outliers(samples), len(half))),
    }


def mnist_test(mnist: Mnist) -> PictureSet:
    """Show the test images as they are, as a run measures itself."""
    images = as_input(mnist.test_images)[..., 0]
    labels = mnist.test_labels.astype(np.int64)
    candidates = [(Candidate(image),) for image in images]
    return PictureSet("mnist_test", labels, images, candidates)


def _traced(mnist: Mnist, count: int) -> list[Sample]:
    inked = np.flatnonzero(mnist.test_images.max(axis=(1, 2)) >= _FAINT)
    chosen = np.random.default_rng([_SEED, 0]).permutation(inked)[:count]
    return samples_from_images(mnist.test_images[chosen], mnist.test_labels[chosen])


def _drawn(samples: Sequence[Sample], count: int) -> Iterator[tuple[int, Picture]]:
    rng = np.random.default_rng([_SEED, 2])
    for index in range(count):
        digit, turn = index // 4 % 10, index % 4
        if turn < 2 and samples:
            sample = samples[(index // 4 * 2 + turn) % len(samples)]
            yield int(sample.label), pen_strokes.sketch(sample.strokes, rng)
        elif turn == 2:
            # Seed 0 is what the page shows and what the self-test reads.
            yield digit, as_picture(draw(parse_strokes(digit_example(digit, seed=1 + index))))
        else:
            yield digit, _template(str(digit), rng)


def _template(label: str, rng: np.random.Generator) -> Picture:
    strokes = pen_strokes.as_strokes([s.tolist() for s in handwriting.write(label, rng)])
    return pen_strokes.sketch(pen_strokes.fit(strokes), rng)


def _outliers(samples: Sequence[Sample]) -> Iterator[Picture]:
    rng = np.random.default_rng([_SEED, 3])
    makers: list[Callable[[np.random.Generator], Picture]] = [
        make for name, make in junk.kinds(samples).items() if name not in _NOT_STROKES
    ]
    for make in itertools.cycle(makers):
        yield make(rng)

"""Test sets of pictures, preprocessed in two ways, once for all networks.

A plain resize scales the whole picture to 28x28, as in the usual demo. Candidates and layouts are
what this project finds in it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from digits.look import Look
from digits.pictures import Picture
from digits.preprocessing import IMAGE_SIDE, Candidate
from digits.segmentation.layout import Layout
from training.data.mnist import Mnist, as_input
from training.evaluation import corruptions
from training.handwriting import strokes as pen_strokes
from training.handwriting.strokes import Sample
from training.synthesis import non_digits, numbers, photos

LookAt = Callable[[Picture], Look]

NO_DIGIT = -1

THIS_PROJECT = "this project"
PLAIN_RESIZE = "plain resize"
"""Names of the preprocessings in `results.json`."""

_SEED = 20261120


@dataclass(frozen=True, eq=False)
class PictureSet:
    """A set of pictures, preprocessed for any network.

    Attributes:
        name: Name of the set.
        labels: `(N,)` int64 digits; `NO_DIGIT` where there is none.
        resized: `(N, 28, 28)` float32 in `[0, 1]`, 1 is ink.
        candidates: Candidates of each picture; empty unless it is on plain paper.
        layouts: What finder and extractor saw in each picture.
    """

    name: str
    labels: npt.NDArray[np.int64]
    resized: InkArray
    candidates: Sequence[Sequence[Candidate]]
    layouts: Sequence[Layout]

    @property
    def prepared(self) -> InkArray:
        """First candidate of each picture, `(N, 28, 28)`; all 0 if it has none."""
        nothing = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32)
        return np.stack([group[0].image if group else nothing for group in self.candidates])


@dataclass(frozen=True)
class Material:
    """Sources and sizes of the test sets.

    Attributes:
        mnist: MNIST; only its test part is used.
        drawn: Recorded digits, if any.
        letters: Recorded letters, if any.
        limit: Maximum number of pictures in a set.
        look: Same as `Recognizer.look`.
        made: Maximum for generated sets: photographs, numbers, corruptions and non-digits.
    """

    mnist: Mnist
    drawn: Sequence[Sample]
    letters: Sequence[Sample]
    limit: int
    look: LookAt
    made: int = 10_000

    def written(self) -> list[Sample]:
        """Return digits as strokes: recorded ones, then as many traced from MNIST's test set."""
        count = min(self.limit, len(self.drawn) or 2000)
        images, labels = self.mnist.test_images[:count], self.mnist.test_labels[:count]
        return [*self.drawn[:count], *numbers.samples_from_images(images, labels)]


def material(
    mnist: Mnist, drawn_folder: Path | None, limit: int, look: LookAt, made: int = 10_000
) -> Material:
    """Load the sources; a folder of drawings holds `digits.json.gz` and `letters.json.gz`.

    Raises:
        UserError: If a file is missing or damaged.
    """
    drawn, letters = (
        pen_strokes.load(drawn_folder, name)[:limit] if drawn_folder else []
        for name in ("digits", "letters")
    )
    return Material(mnist, drawn, letters, limit, look, made)


def picture_sets(source: Material) -> Iterator[PictureSet]:
    """Generate the sets one by one, with fixed seeds."""
    yield mnist_test(source)
    if source.drawn:
        yield sketches("drawn", source.drawn, source.look)
        yield sketches("letters", source.letters, source.look)
    yield photographs(source)
    yield photographs(source, 500, on_desk=True)
    for kind in corruptions.CORRUPTIONS:
        yield corrupted(source, kind)
    yield from without_digit(source)


def mnist_test(source: Material) -> PictureSet:
    """MNIST's test images, as uploaded 28x28 pictures."""
    return _from_images("mnist_test", source.mnist.test_images, source)


def mnist_as_it_is(mnist: Mnist) -> PictureSet:
    """MNIST's test images without preprocessing, as a run evaluates itself."""
    images = as_input(mnist.test_images)[..., 0]
    labels = mnist.test_labels.astype(np.int64)
    candidates = [(Candidate(image),) for image in images]
    return PictureSet("mnist_test", labels, images, candidates, [Layout()] * len(images))


def corrupted(source: Material, kind: str) -> PictureSet:
    """MNIST's test images under one corruption."""
    count = min(source.limit, source.made)
    images = corruptions.corrupt(kind, source.mnist.test_images[:count], _SEED)
    return _from_images(kind, images, source)


def sketches(name: str, samples: Sequence[Sample], look: LookAt) -> PictureSet:
    """Draw recorded handwriting on a sketchpad; letters are labeled `NO_DIGIT`."""
    rng = np.random.default_rng(0)
    labels = [int(s.label) if s.label.isdigit() else NO_DIGIT for s in samples]
    return prepare(name, labels, (pen_strokes.sketch(s.strokes, rng) for s in samples), look)


def photographs(source: Material, count: int = 1000, *, on_desk: bool = False) -> PictureSet:
    """Photographs of one digit on paper, chosen at random from `Material.written`.

    With `on_desk` the sheet is photographed on a desk, and the set is named `sheets`.
    """
    rng = np.random.default_rng([_SEED, 4 if on_desk else 1])
    written = source.written()
    count = min(count, source.limit, source.made)
    chosen = [written[int(i)] for i in rng.integers(len(written), size=count)]
    made = (photos.photograph([sample.strokes], rng, on_desk=on_desk).picture for sample in chosen)
    labels = [int(sample.label) for sample in chosen]
    return prepare("sheets" if on_desk else "photos", labels, made, source.look)


def without_digit(source: Material) -> Iterator[PictureSet]:
    """Generate scribbles, dots, lines, blank pictures and noise."""
    count = min(300, source.limit, source.made)
    for stream, (name, make) in enumerate(non_digits.KINDS.items()):
        rng = np.random.default_rng([_SEED, 2, stream])
        made = (make(rng) for _ in range(count))
        yield prepare(name, [NO_DIGIT] * count, made, source.look)


def written_numbers(source: Material) -> Iterator[tuple[str, numbers.Number]]:
    """Generate numbers of 2 to 6 digits: `("canvas" or "paper", number)`."""
    written = source.written()
    surfaces = (("canvas", numbers.on_canvas), ("paper", numbers.on_paper))
    for stream, (surface, write) in enumerate(surfaces):
        rng = np.random.default_rng([_SEED, 3, stream])
        for _ in range(min(400, source.limit, source.made)):
            yield surface, write(numbers.choose(written, rng), rng)


def prepare(
    name: str, labels: Sequence[int], pictures: Iterable[Picture], look: LookAt
) -> PictureSet:
    """Preprocess pictures, `(H, W)` or `(H, W, 3)` uint8, in both ways; they are not kept."""
    resized = np.zeros((len(labels), IMAGE_SIDE, IMAGE_SIDE), np.float32)
    candidates, layouts = [], []
    for index, picture in enumerate(pictures):
        resized[index] = plain_resize(picture)
        seen = look(picture)
        candidates.append(seen.candidates)
        layouts.append(seen.layout)
    return PictureSet(name, np.asarray(labels, np.int64), resized, candidates, layouts)


def plain_resize(picture: Picture) -> InkArray:
    """Convert a black-on-white picture as the usual demo does: gray, 28x28, inverted.

    Returns:
        `(28, 28)` float32 in `[0, 1]`, 1 is ink.
    """
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
    small = cv2.resize(gray, (IMAGE_SIDE, IMAGE_SIDE), interpolation=cv2.INTER_AREA)
    return 1 - np.asarray(small, np.float32) / np.float32(255)


def _from_images(name: str, images: Picture, source: Material) -> PictureSet:
    """Prepare MNIST-like images, white on black, which a plain resize leaves unchanged."""
    images = images[: source.limit]
    made = prepare(name, source.mnist.test_labels[: len(images)].tolist(), images, source.look)
    return replace(made, resized=images.astype(np.float32) / np.float32(255))

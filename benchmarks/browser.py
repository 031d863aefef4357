"""The page without a server: size, speed, and agreement with Python.

    python -m benchmarks.browser                    size and speed, with the bundled weights
    python -m benchmarks.browser --drawn DIR        also reads every recorded digit with both

The page is opened in Chromium from disk. Recorded strokes are drawn with the middle brush.
"""

import base64
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.figures import Figures
from benchmarks.pen import PAD, opened, pen_up_milliseconds
from digits.drawing import PAD_HEIGHT
from digits.examples import BRUSH
from digits.recognizer import Recognizer
from digits.server.routes import predict_strokes
from digits.weights import BUNDLED, load_folder
from training import console
from training.browser.build import PAGE_FILE, build
from training.handwriting import strokes
from training.handwriting.strokes import Sample

_STROKES: Final = 30
_OPENINGS: Final = 5
_AT_ONCE: Final = 200

Drawing = list[list[int]]


def on_pad(samples: Sequence[Sample], seed: int = 0) -> Iterator[Drawing]:
    """Place recorded strokes on the pad."""
    rng = np.random.default_rng(seed)
    for sample in samples:
        placed = strokes.place(sample.strokes, PAD_HEIGHT, BRUSH, rng)
        yield [[BRUSH, *np.rint(points).astype(int).ravel().tolist()] for points in placed]


def compare(address: str, recognizer: Recognizer, samples: Sequence[Sample]) -> dict[str, object]:
    """Read the same strokes with the page and with Python.

    Returns:
        `count` of drawings; how many of them get the `same_answer`, a digit or the reason for none,
        and the `same_image` in every byte; the largest differences of a pixel in `image_levels`,
        255ths of full ink, and of a `confidence`; how many digits are `right`, by the page and by
        Python.
    """
    drawings = list(on_pad(samples))
    expected = [predict_strokes(recognizer, drawing) for drawing in drawings]
    received: list[dict[str, Any]] = []
    with opened(address, PAD) as page:
        for start in range(0, len(drawings), _AT_ONCE):
            some = drawings[start : start + _AT_ONCE]
            received += page.evaluate("(some) => Promise.all(some.map(digits.read))", some)
    pairs = list(zip(received, expected, strict=True))
    seen = [pair for pair in pairs if all(view["image"] for view in pair)]
    apart = [int(np.abs(_image(ours) - _image(theirs)).max()) for ours, theirs in seen]
    confidences = [[view["confidences"] for view in pair] for pair in seen]
    answers = [[(view.get("digit"), view.get("reason")) for view in pair] for pair in pairs]
    right = [
        [digit == int(sample.label) for digit, _ in pair]
        for sample, pair in zip(samples, answers, strict=True)
    ]
    return {
        "count": len(pairs),
        "same_answer": sum(ours == theirs for ours, theirs in answers),
        "same_image": apart.count(0),
        "image_levels": max(apart),
        "confidence": float(np.abs(np.diff(confidences, axis=1)).max()),
        "right": tuple(np.sum(right, axis=0).tolist()),
    }


def _image(view: dict[str, Any]) -> npt.NDArray[np.int64]:
    """The 784 pixels of a view, 0 to 255."""
    return np.frombuffer(base64.b64decode(view["image"]), np.uint8).astype(np.int64)


def seconds_until_ready(address: str) -> Iterator[float]:
    """Measure the time from navigation until the page can read, each time in a new browser."""
    for _ in range(_OPENINGS):
        with opened(address, PAD) as page:
            # The page's clock starts at navigation.
            yield float(page.evaluate("performance.now()")) / 1000


def main() -> None:
    """Build the page from the bundled weights, measure it and print the results."""
    parser = console.parser("benchmarks.browser", "Measure the page without a server.")
    parser.add_argument("--drawn", type=Path, metavar="DIR", help="folder of digits.json.gz")
    arguments = parser.parse_args()
    weights = load_folder(BUNDLED)
    with tempfile.TemporaryDirectory(prefix="digits-page-") as folder:
        path = Path(folder) / PAGE_FILE
        path.write_bytes(build(weights)[PAGE_FILE])
        address = path.as_uri()
        print(f"the page: {path.stat().st_size:,} bytes")
        ready = Figures.of(seconds_until_ready(address))
        print(f"from opening to ready: {ready.median:.2f} s, 95 % within {ready.p95:.2f} s")
        with opened(address, PAD) as page:
            pen = Figures.of(itertools.islice(pen_up_milliseconds(page, PAD), _STROKES))
        print(f"pen-up to changed bars: {pen.median:.0f} ms, 95 % within {pen.p95:.0f} ms")
        if arguments.drawn:
            samples = strokes.load(arguments.drawn, "digits")
            print(f"recorded digits: {compare(address, Recognizer(weights), samples)}")


if __name__ == "__main__":
    console.run(main)

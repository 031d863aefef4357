"""What the computing alone costs, on one processor core: from a sketch to its confidences.

    python -m benchmarks.one_core ours|baseline MODEL COUNT

prints one line of JSON. Each runs in a process of its own, because the threads of TensorFlow and
the core that they run on must be set before TensorFlow starts.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.figures import Figures, Row
from benchmarks.serving import ROOT, Apps, BenchmarkError

SIDE: Final = 500

_WARM_UP: Final = 8
_ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
)


@dataclass(frozen=True)
class Counts:
    """How much is measured.

    Attributes:
        sketches: That each app reads.
    """

    sketches: int = 100


QUICK: Final = Counts(sketches=2)


def measure(apps: Apps, counts: Counts) -> list[Row]:
    """Measure both, one after the other."""
    found = {
        app.name: {
            part: Figures.of(milliseconds)
            for part, milliseconds in _in_a_process(app.name, app.command[-1], counts).items()
        }
        for app in apps.both
    }
    ours, other = found["ours"], found["baseline"]
    sketch = f"a {SIDE}x{SIDE} sketch, on one core"
    return [
        Row(f"preprocessing and network for {sketch}", "ms", ours["all"], other["all"]),
        Row(f"preprocessing alone for {sketch}", "ms", ours["preprocessing"],
            other["preprocessing"]),
        Row("network alone, on one core", "ms", ours["network"], other["network"]),
    ]  # fmt: skip


def _in_a_process(name: str, model: str, counts: Counts) -> dict[str, list[float]]:
    command = [sys.executable, "-m", "benchmarks.one_core", name, model, str(counts.sketches)]
    environment = {**os.environ, **_ONE_THREAD}
    done = subprocess.run(  # noqa: S603 - our own module
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchmarkError(f"{name} alone on one core: {done.stderr.strip()[-500:]}")
    times: dict[str, list[float]] = json.loads(done.stdout)
    return times


def _sketches() -> list[Any]:
    """Draw the ten digits, `(500, 500)` uint8, 255 paper."""
    import cv2  # noqa: PLC0415 - first the core

    from digits.page.examples import digit_example  # noqa: PLC0415
    from digits.page.strokes import draw, parse_strokes  # noqa: PLC0415

    pads = [draw(parse_strokes(digit_example(digit))) for digit in range(10)]
    return [cv2.resize(pad, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for pad in pads]


def _ours() -> dict[str, Callable[[Any], object]]:
    import cv2  # noqa: PLC0415 - first the core

    from digits.prediction import Recognizer  # noqa: PLC0415
    from digits.preprocessing import preprocess  # noqa: PLC0415
    from digits.weights import BUNDLED, load_folder  # noqa: PLC0415

    cv2.setNumThreads(1)
    recognizer = Recognizer(load_folder(BUNDLED))
    image = np.zeros((1, 28, 28), np.float32)
    return {
        "all": recognizer.predict,
        "preprocessing": preprocess,
        "network": lambda _: recognizer.predict_images(image),
    }


def _baseline(model_path: str) -> dict[str, Callable[[Any], object]]:
    import keras  # noqa: PLC0415 - first the core

    from benchmarks.baseline import as_input, read  # noqa: PLC0415

    model = keras.saving.load_model(Path(model_path))
    image = np.zeros((1, 28, 28, 1), np.float32)

    def drawing(sketch: Any) -> dict[str, Any]:  # noqa: ANN401 - an array
        return {"composite": np.dstack([sketch, sketch, sketch, np.full_like(sketch, 255)])}

    return {
        "all": lambda sketch: read(model, drawing(sketch)),
        "preprocessing": lambda sketch: as_input(drawing(sketch)["composite"]),
        "network": lambda _: model.predict(image, verbose=0),
    }


def _times(call: Callable[[Any], object], sketches: Sequence[Any], count: int) -> list[float]:
    waited = []
    for number in range(_WARM_UP + count):
        sketch = sketches[number % len(sketches)]
        start = time.perf_counter()
        call(sketch)
        waited.append(1000 * (time.perf_counter() - start))
    return waited[_WARM_UP:]


def main() -> None:
    """Print the milliseconds of each part."""
    name, model, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    parts = _ours() if name == "ours" else _baseline(model)
    sketches = _sketches()
    sys.stdout.write(
        json.dumps({part: _times(call, sketches, count) for part, call in parts.items()}) + "\n"
    )


if __name__ == "__main__":
    main()

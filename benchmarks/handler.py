"""How many pictures a second the handler of Inference Endpoints answers on one core.

    python -m benchmarks.handler [FOLDER]

prints one line of JSON. FOLDER is a snapshot of a model repository; without one, what would be
published of the bundled weights is made for the purpose. Seconds are those that the processor
spent, so that other programs on the machine do not count.
"""

import base64
import io
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from PIL import Image

from digits import weights
from digits.drawing import as_picture, draw, parse_strokes
from digits.examples import digit_example
from training.export.endpoint import endpoint_files

SIDE: Final = 500
BATCHES: Final = (1, 8, 32, 256)

_PICTURES: Final = 512


def make_snapshot(folder: Path) -> None:
    """Write what a download of a model repository leaves, as far as the handler looks at it."""
    files = endpoint_files()
    for name in weights.FILES:
        files[name] = (weights.BUNDLED / name).read_bytes()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def measure(folder: Path, pictures: int = _PICTURES) -> dict[str, Any]:
    """Return answers in a second of one core, by number of pictures in a request."""
    from training.export.handler import EndpointHandler  # noqa: PLC0415 - its runtime

    handler = EndpointHandler(str(folder))
    texts = [_sketch(index) for index in range(10)]
    found = {}
    for size in BATCHES:
        batch = [texts[index % len(texts)] for index in range(size)]
        request = {"inputs": batch if size > 1 else batch[0]}
        handler(request)
        requests = max(1, pictures // size)
        began = time.process_time()
        for _ in range(requests):
            handler(request)
        found[str(size)] = requests * size / (time.process_time() - began)
    return found


def _sketch(index: int) -> str:
    """A drawing as a visitor's, in PNG and base64."""
    drawn = Image.fromarray(as_picture(draw(parse_strokes(digit_example(index % 10, index)))))
    content = io.BytesIO()
    drawn.resize((SIDE, SIDE)).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else made)
        if len(sys.argv) == 1:
            make_snapshot(folder)
        sys.stdout.write(json.dumps({"answers_a_second_of_one_core": measure(folder)}) + "\n")


if __name__ == "__main__":
    main()

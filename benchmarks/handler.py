"""Throughput of the Inference Endpoints handler on one core.

    python -m benchmarks.handler [FOLDER]

prints one line of JSON. FOLDER is a snapshot of a model repository; by default, one is created from
the bundled weights. Processor time is measured, so that other programs do not count.
"""

import base64
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.calls import picture
from digits import weights
from training.export.endpoint import endpoint_files

BATCHES: Final = (1, 8, 32, 256)


def make_snapshot(folder: Path) -> None:
    """Write the files of a model repository that the handler needs."""
    bundled = {name: (weights.BUNDLED / name).read_bytes() for name in weights.FILES}
    for name, content in (endpoint_files() | bundled).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def measure(folder: Path, pictures: int = 512) -> dict[str, Any]:
    """Return answers per second of one core, by number of pictures in a request."""
    from training.export.handler import EndpointHandler  # noqa: PLC0415 - its runtime

    handler = EndpointHandler(str(folder))
    texts = [base64.b64encode(picture(digit)).decode() for digit in range(10)]
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


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        if len(sys.argv) == 1:
            make_snapshot(folder)
        sys.stdout.write(json.dumps({"answers_a_second_of_one_core": measure(folder)}) + "\n")


if __name__ == "__main__":
    main()

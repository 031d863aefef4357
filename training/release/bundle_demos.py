"""Bundle the networks of well-known demos in half precision.

    python -m training.release.bundle_demos runs/fnn-0 runs/dropout-0 runs/dense128-0 ...

writes them to `digits/bundled/demos`, where the page compares them with the served network, and
prints how many images of MNIST's test set each misreads in float32 and in half precision.
"""

import json
from pathlib import Path

import numpy as np

from digits import demos, networks, onnx_graph, weights
from digits.layers import Tensors
from training import console
from training.data.mnist import load_mnist


def misread(name: str, tensors: Tensors, images: np.ndarray, labels: np.ndarray) -> int:
    """Count the images, `(N, 28, 28)` uint8 with 255 full ink, that the named network misreads."""
    run = onnx_graph.start(onnx_graph.build(networks.find(name), tensors))
    (found,) = run(images[..., None].astype(np.float32) / np.float32(255))
    return int((found.argmax(axis=1) != labels).sum())


def main() -> None:
    """Bundle the runs named on the command line."""
    parser = console.parser("training.release.bundle_demos", __doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="run folders, one per network")
    parser.add_argument(
        "--data", type=Path, help="MNIST's four IDX files; default: MNIST_DIR, else download"
    )
    parser.add_argument("--folder", type=Path, default=demos.FOLDER, help="output folder")
    arguments = parser.parse_args()
    mnist = load_mnist(arguments.data)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    accuracies = {}
    for run in arguments.runs:
        config = weights.parse_config((run / weights.CONFIG_FILE).read_bytes())
        tensors = weights.parse_tensors((run / weights.WEIGHTS_FILE).read_bytes(), config.network)
        content = weights.serialize(tensors, half=True)
        (arguments.folder / f"{config.network}.safetensors").write_bytes(content)
        back = weights.parse_tensors(content, config.network)
        before, after = (
            misread(config.network, each, mnist.test_images, mnist.test_labels)
            for each in (tensors, back)
        )
        accuracies[config.network] = round(1 - after / len(mnist.test_labels), 4)
        print(
            f"{config.network}: {before} misread, {after} in half precision, {len(content):,} bytes"
        )
    text = json.dumps(accuracies, indent=2) + "\n"
    (arguments.folder / demos.METRICS).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    console.run(main)

"""Write weights in the formats of other runtimes: the same answers, wherever they run.

    python -m training.export                            the bundled weights, every format
    python -m training.export RUNFOLDER --format onnx   a run's, one format
    python -m training.export OWNER/NAME@v1.0.0          what a revision on the Hub holds
    python -m training.export RUNFOLDER --check         and compare them with the app: a table

What was written, from which weights, is said by `exports.json` beside the files.
"""

import argparse
from pathlib import Path

from training import console
from training.data.mnist import load_mnist
from training.export import exports
from training.export.exports import FORMATS


def _arguments() -> argparse.Namespace:
    parser = console.parser("training.export", "Write weights in the formats of other runtimes.")
    parser.add_argument(
        "target",
        nargs="?",
        metavar="RUNFOLDER|OWNER/NAME[@REVISION]",
        help="whose weights (default: the bundled ones)",
    )
    parser.add_argument("--format", choices=[*FORMATS, "all"], default="all")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where to (default: exports/ in the run folder)"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="MNIST's four IDX files (int8 and --check)"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare every format that lies there with the app, and print a table",
    )
    parser.add_argument(
        "--drawn", type=Path, metavar="DIR", help="recorded pen strokes to compare on too"
    )
    arguments = parser.parse_args()
    if arguments.drawn and not arguments.check:
        parser.error("--drawn is what --check compares on: add --check")
    return arguments


def main() -> None:
    """Export as the command line says, and report what was written."""
    arguments = _arguments()
    found, place = exports.find(arguments.target)
    folder = arguments.out or place
    formats = list(FORMATS) if arguments.format == "all" else [arguments.format]
    notes = exports.export(
        found, folder, formats, lambda: exports.calibration_images(load_mnist(arguments.data))
    )
    for name in formats:
        print(f"{folder / FORMATS[name]}: {exports.size(notes, name):,} bytes")
    if arguments.check:
        notes = exports.checked(found, folder, load_mnist(arguments.data), arguments.drawn)
        print(console.markdown(exports.cells(notes)))


if __name__ == "__main__":
    console.run(main)

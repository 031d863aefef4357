"""Export weights to the formats of other runtimes.

    python -m training.export                            the bundled weights, every format
    python -m training.export RUNFOLDER --format onnx    those of a run, one format
    python -m training.export OWNER/NAME@v1.0.0          those of a revision on the Hub
    python -m training.export RUNFOLDER --check          and compare them with the app in a table

`exports.json` beside the files records what was written from which weights.
"""

import argparse
from pathlib import Path

from training import console
from training.data.mnist import load_mnist
from training.export import exports
from training.export.exports import FORMATS


def _arguments() -> argparse.Namespace:
    parser = console.parser("training.export", "Export weights to the formats of other runtimes.")
    parser.add_argument(
        "target",
        nargs="?",
        metavar="RUNFOLDER|OWNER/NAME[@REVISION]",
        help="weights to export (default: the bundled ones)",
    )
    parser.add_argument("--format", choices=[*FORMATS, "all"], default="all")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="output folder (default: exports/ in the run folder)",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="MNIST's four IDX files (int8 and --check)"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare every format in the output folder with the app and print a table",
    )
    parser.add_argument(
        "--drawn", type=Path, metavar="DIR", help="with --check: recorded pen strokes to compare on"
    )
    arguments = parser.parse_args()
    if arguments.drawn and not arguments.check:
        parser.error("--drawn is only used by --check: add --check")
    return arguments


def main() -> None:
    """Export the weights and print what was written."""
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

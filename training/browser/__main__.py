"""Build the page that reads digits in the browser, without a server.

    python -m training.browser --out DIR                     with the bundled weights
    python -m training.browser --out DIR runs/conv7-0        with those of a run
    python -m training.browser --out DIR OWNER/NAME@main     with those of a model repository

A double click opens DIR/index.html from disk. DIR also is a complete static Space:

    hf repos create OWNER/SPACE --type space --sdk static
    hf upload OWNER/SPACE DIR --repo-type space

npm (Node.js) installs the runtime once, as locked in training/browser/package-lock.json.
"""

from pathlib import Path

from training import console
from training.browser.build import PAGE_FILE, build
from training.export.exports import find


def main() -> None:
    """Write the page and print its size."""
    parser = console.parser(
        "training.browser", "Build the page that reads digits in the browser, without a server."
    )
    parser.add_argument("--out", type=Path, required=True, help="output folder; created if missing")
    parser.add_argument(
        "target",
        nargs="?",
        metavar="RUNFOLDER|OWNER/NAME[@REVISION]",
        help="weights of the page (default: the bundled ones)",
    )
    arguments = parser.parse_args()
    weights, _ = find(arguments.target)
    files = build(weights)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (arguments.out / name).write_bytes(content)
    size = len(files[PAGE_FILE]) / 1e6
    print(f"{arguments.out / PAGE_FILE}: {size:.1f} MB, open it in a browser")


if __name__ == "__main__":
    console.run(main)

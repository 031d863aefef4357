"""Build the page that reads digits in the browser, without a server.

    python -m training.browser --out DIR                     with the weights that the app brings
    python -m training.browser --out DIR runs/conv7-0        with those of a run
    python -m training.browser --out DIR OWNER/NAME@main     with those of a model repository

DIR/index.html opens from disk by a double click, and DIR is all that a static Space needs:

    hf upload OWNER/SPACE DIR --repo-type space

npm brings the runtime once, as training/browser/package-lock.json names it (Node.js 20 or newer).
"""

import argparse
from pathlib import Path

from huggingface_hub import constants

from digits import hub, weights
from digits.service import DEFAULT_REVISION
from digits.weights import BUNDLED, Weights, WeightsError
from training import console
from training.browser.build import PAGE_FILE, build
from training.console import UserError
from training.hub_access import check_repo


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        arguments: Without the program's name; None stands for the real ones.
    """
    parser = argparse.ArgumentParser(
        prog="python -m training.browser",
        description="Build the page that reads digits in the browser, without a server.",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder to write to; made if missing"
    )
    parser.add_argument(
        "source",
        nargs="?",
        help="run folder, or OWNER/NAME@REVISION on the Hub; without it, the app's own weights",
    )
    return parser.parse_args(arguments)


def find(source: str | None) -> Weights:
    """Bring the set of weights that the command line names.

    Args:
        source: A run folder, or a repository on the Hub with or without a revision; None is the
            app's own.

    Raises:
        UserError: If there is no such set, or it fails a check.
    """
    folder = BUNDLED if source is None else Path(source)
    try:
        if source is None or folder.is_dir():
            return weights.load_folder(folder)
        repo, _, revision = source.partition("@")
        check_repo(repo)
        cache = Path(constants.HF_HUB_CACHE)
        return weights.fetch(repo, revision or DEFAULT_REVISION, cache=cache)
    except (WeightsError, hub.HubError) as error:
        raise UserError(f"the weights of {source or folder} cannot be used: {error}") from error


def main() -> None:
    """Write the page and say what was written."""
    arguments = parse_arguments()
    files = build(find(arguments.source))
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (arguments.out / name).write_bytes(content)
    size = len(files[PAGE_FILE]) / 1e6
    print(f"{arguments.out / PAGE_FILE}: {size:.1f} MB, open it in a browser")


if __name__ == "__main__":
    console.run(main)

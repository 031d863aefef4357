"""Command-line interface: read the handwritten digits in pictures, one line per picture.

    python -m digits five.png scans/ "photos/**/*.jpg"

Answers go to stdout. Files that cannot be opened are reported on stderr, with `--json` on stdout.
"""

import argparse
import glob
import io
import itertools
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image
from tqdm import tqdm

import digits
from digits import deployment
from digits.hub import HubError
from digits.pictures import FORMATS, MAX_FILE_BYTES, PictureError
from digits.weights import WeightsError

if TYPE_CHECKING:
    from digits.library import Reader

ALL_READ, NOT_ALL_READ, NOTHING_DONE, STOPPED = 0, 1, 2, 130
"""Exit statuses: 2 is that of argparse, 130 what shells report for an interrupted command."""

STANDARD_INPUT: Final = "-"

_HELP_AFTER: Final = """\
exit status:
  0  every picture was read
  1  some picture has no digit or could not be opened; the others were read
  2  nothing was read: the command line is invalid, or there are no weights
"""

_MANY: Final = 10
"""Number of pictures from which a progress bar is shown."""

_WIDEST: Final = 60
"""Maximum width of the column of file names; a longer name shifts its row."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names may have characters that the encoding lacks; answers are flushed line by line.
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)
    names = [name for argument in options.pictures for name in expand(argument)]
    try:
        return ALL_READ if _read_all(options, names) else NOT_ALL_READ
    except (HubError, WeightsError) as error:
        tqdm.write(f"error: cannot load the weights: {error}", file=sys.stderr)
        return NOTHING_DONE
    except BrokenPipeError:
        # The reader has closed the pipe, as `head` does, but Python flushes stdout again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_ALL_READ
    except KeyboardInterrupt:
        return STOPPED


def expand(argument: str) -> list[str]:
    """Expand an argument to the paths of files.

    Args:
        argument: A file, a folder (searched recursively for pictures, by file extension) or a
            pattern such as `scans/**/*.png`, for shells that do not expand it.

    Returns:
        Paths in alphabetical order, a folder's files before its subfolders; the argument itself if
        nothing is found.
    """
    # Path.glob accepts no absolute patterns.
    patterned = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207
    matches = [argument] if Path(argument).exists() else patterned
    found = [_below(match) if Path(match).is_dir() else [match] for match in matches]
    return list(itertools.chain(*found)) or [argument]


def _below(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(_endings()) and not name.startswith("."):
                yield str(Path(parent, name))


def _endings() -> tuple[str, ...]:
    """Return the extensions of picture files; HEIC's too, so that it is reported as unsupported."""
    known = Image.registered_extensions().items()
    return (*(ending for ending, kind in known if kind in FORMATS), ".heic", ".heif")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m digits",
        description="Read the handwritten digit in each picture.",
        epilog=_HELP_AFTER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "pictures",
        nargs="+",
        metavar="PICTURE",
        help="a file, a folder, a pattern, or - for standard input",
    )
    parser.add_argument(
        "--number", action="store_true", help="read all digits, line by line, instead of one"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per line, as in the HTTP API"
    )
    parser.add_argument(
        "--model",
        metavar="OWNER/NAME|FOLDER",
        help="a model repository on the Hub or a run folder; default: the repository in "
        "MODEL_REPO, or the app's own weights",
    )
    parser.add_argument("--revision", help="branch, tag or commit of the model repository")
    return parser


def _load(options: argparse.Namespace) -> "Reader":
    if options.model:
        return digits.load(options.model, options.revision)
    repo = deployment.model_repo()
    return digits.load(repo, options.revision or (repo and os.environ.get("MODEL_REVISION")))


def _read_all(options: argparse.Namespace, names: Sequence[str]) -> bool:
    """Read all pictures and print the answers; return whether every picture has a digit."""
    reader = _load(options)
    width = min(_WIDEST, max(len(_shown(name)) for name in names))
    if not options.json:
        titles = ("number", "confidence") if options.number else ("digit", "score")
        tqdm.write(_line(width, "picture", *titles))
    all_read = True
    # With None, tqdm shows the bar only if stderr is a terminal.
    with tqdm(names, disable=None if len(names) >= _MANY else True, leave=False) as bar:
        for name in bar:
            answer = _read(reader, name, number=options.number)
            all_read &= _is_read(answer)
            if options.json:
                tqdm.write(json.dumps({"picture": name, **answer}))
            elif "error" in answer:
                tqdm.write(f"{_shown(name)}: {answer['error']}", file=sys.stderr)
            else:
                tqdm.write(_line(width, _shown(name), *_cells(answer)))
    return all_read


def _read(reader: "Reader", name: str, *, number: bool) -> dict[str, Any]:
    """Return the response of the API, or the `error` that says why a picture was not opened."""
    try:
        source = _open(name)
        answer = reader.read(source) if number else reader.predict(source)
        return answer.as_json(reader.model)
    except PictureError as error:
        return {"error": str(error)}


def _is_read(answer: dict[str, Any]) -> bool:
    return answer.get("digit") is not None or bool(answer.get("number"))


def _open(name: str) -> str | bytes:
    if name == STANDARD_INPUT:
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if Path(name).is_dir():
        raise PictureError(
            "This folder has no pictures. Give one with PNG or JPEG files in it.", "none"
        )
    if not Path(name).exists():
        raise PictureError("There is no such file. Check the name.", "not_opened")
    return name


def _cells(answer: dict[str, Any]) -> tuple[str, str]:
    """Return what was read and its confidence: for numbers, that of the least confident digit."""
    if not _is_read(answer):
        return "-", answer["reason"]
    if "digits" in answer:
        minimum = min(digit["confidence"] for digit in answer["digits"])
        return " / ".join(answer["lines"]), f"{minimum:.1%}"
    others = f" +{answer['others']}" if answer["others"] else ""
    return f"{answer['digit']}{others}", f"{answer['score']:.1%}"


def _line(width: int, picture: str, read: str, confidence: str) -> str:
    return f"{picture:<{width}}  {read:<6}  {confidence}"


def _shown(name: str) -> str:
    """Return a file name in one line, with control characters escaped."""
    return name if name.isprintable() else ascii(name)

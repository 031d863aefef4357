"""Shared by all commands: argument parsers, tables, one-line errors and the exit status."""

import argparse
import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

Cells = Sequence[Sequence[str]]


class UserError(Exception):
    """An error that the user can fix; the message says what is wrong and what to do."""


_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up: free some space and run the same command again",
    errno.EACCES: "no permission: choose a folder that you may write to",
    errno.EPERM: "no permission: choose a folder that you may write to",
    errno.EROFS: "the file system is read-only: choose a folder that you may write to",
}


def render(rows: Cells) -> str:
    """Format rows of text as aligned columns, right-aligned except for the first."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


def markdown(rows: Cells) -> str:
    """Format rows of text as a Markdown table; the first row is the header."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" + "---:|" * (len(rows[0]) - 1))
    return "\n".join(lines)


def parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Create the parser of `python -m MODULE`; line breaks in the description are kept."""
    return argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def sheet_arguments(module: str, text: str | None, count: int = 60) -> argparse.Namespace:
    """Parse the command line of a module that draws a sheet of training samples for inspection."""
    command = parser(module, text)
    command.add_argument("file", type=Path, help="PNG file to write")
    command.add_argument("--hands", type=Path, required=True, help="hands.npz of a training run")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--count", type=int, default=count)
    return command.parse_args()


def run(main: Callable[[], None]) -> None:
    """Run a command; exit with status 1 and one line on standard error if it fails.

    This applies to a `UserError`, and to an `OSError` caused by the machine's state (full disk,
    missing permission). Anything else is a bug and keeps its traceback.
    """
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in _ADVICE:
            raise
        where = f" ({error.filename})" if error.filename else ""
        sys.exit(f"error: {_ADVICE[error.errno]}{where}")
    except KeyboardInterrupt:
        sys.exit("stopped")

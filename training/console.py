"""What commands share: options, tables, and in the end a line for a person and a status."""

import argparse
import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

Cells = Sequence[Sequence[str]]


class UserError(Exception):
    """What the person at the console can mend; the text says what is wrong and what to do."""


_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up: free some space and run the same command again",
    errno.EACCES: "no permission: choose a folder that you may write to",
    errno.EPERM: "no permission: choose a folder that you may write to",
    errno.EROFS: "the file system is read-only: choose a folder that you may write to",
}


def render(rows: Cells) -> str:
    """Lay rows of text out in columns; all but the first column right-aligned."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


def markdown(rows: Cells) -> str:
    """Lay rows of text out as a table in Markdown; the first row is the header."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" + "---:|" * (len(rows[0]) - 1))
    return "\n".join(lines)


def parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Make the parser of a command that `python -m MODULE` runs; descriptions keep their lines."""
    return argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def sheet_arguments(module: str, text: str | None, count: int = 60) -> argparse.Namespace:
    """Read the command line of a module that draws what training learns from, to look at it."""
    command = parser(module, text)
    command.add_argument("file", type=Path, help="PNG file to write")
    command.add_argument("--hands", type=Path, required=True, help="what a training run traced")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--count", type=int, default=count)
    return command.parse_args()


def run(main: Callable[[], None]) -> None:
    """Run a command; end with status 1 and one line on standard error if it cannot be done.

    A `UserError`, or an `OSError` that is the machine's state rather than a mistake in the program
    (full disk, missing permission), ends it with one line. Everything else is a defect and keeps
    its traceback.
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

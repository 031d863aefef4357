"""How every training command ends: a clear line for the person, an exit status for the machine."""

import errno
import sys
from collections.abc import Callable


class UserError(Exception):
    """What the person at the console can mend; the text says what is wrong and what to do."""


_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up: free some space and run the same command again",
    errno.EACCES: "no permission: choose a folder that you may write to",
    errno.EPERM: "no permission: choose a folder that you may write to",
    errno.EROFS: "the file system is read-only: choose a folder that you may write to",
}


def run(main: Callable[[], None]) -> None:
    """Run a command; end with status 1 and one line on standard error if it cannot be done.

    Args:
        main: The command. A `UserError`, or an `OSError` that is the machine's state rather than a
            mistake in the program (full disk, missing permission), ends it with one line.
            Everything else is a defect and keeps its traceback.
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

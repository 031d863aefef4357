"""`python -m digits PICTURE...`: see `digits.cli`."""

import sys

from digits.cli import main

if __name__ == "__main__":
    sys.exit(main())

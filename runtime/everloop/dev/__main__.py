"""`python -m everloop.dev` is the command `everloop`."""

import sys

from everloop.dev.cli import main

if __name__ == "__main__":
    sys.exit(main())

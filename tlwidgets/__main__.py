"""``python -m tlwidgets`` is the command line."""

import sys

from tlwidgets.cli import main

if __name__ == "__main__":
    sys.exit(main())

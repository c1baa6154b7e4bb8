"""Makes `python -m engine` the same as `engine`."""

import sys

from engine.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""Runs a node: `python -m splitbrain.systems.runtime`, with its configuration on standard input."""

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())

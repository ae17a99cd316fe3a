"""`python -m tools.toolchain`: see `--help`."""

import sys

from tools.toolchain.cli import main

sys.exit(main(sys.argv[1:]))

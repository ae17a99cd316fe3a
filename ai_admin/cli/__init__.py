"""The command line, ``ai-admin``: one small module per command."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and end the process: 0 all well, 1 problems found, 2 wrong use, 130 interrupted."""
    try:
        from ai_admin.cli.commands import run

        run()
    except KeyboardInterrupt:  # also while modules are still being imported
        sys.exit(130)

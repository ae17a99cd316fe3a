"""The command line, ``ai-admin``: one small module per command."""

from ai_admin.cli.main import main

__all__ = ["main"]

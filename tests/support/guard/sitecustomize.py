"""Lets no process of the tests open a definition that people edit: what a test says must not depend on one.

Python imports a module of this name by itself, so the guard also stands in the processes that tests start: the folder
is in their ``PYTHONPATH`` (``tests/conftest.py``). It imports nothing of ours, as it comes before everything else.
"""

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
OPENS = ("open", "os.listdir", "os.scandir")
"""What Python's audit hooks call the ways to read a file or a folder."""


class DefinitionOpened(AssertionError):
    """A test, or a process that it started, opened a definition of the checkout instead of a sample."""


# Every folder that has samples.
FOLDERS = {path.name for path in (REPOSITORY / "docs" / "samples").iterdir() if path.is_dir() and not path.is_symlink()}


def is_edited(path: str) -> bool:
    """Say whether an absolute path is what people edit: a definition, the folder of one, or a stack's settings."""
    if not path.startswith(f"{REPOSITORY}{os.sep}"):
        return False
    first, *below = path[len(str(REPOSITORY)) + 1 :].split(os.sep)
    return first in FOLDERS or (not below and first.startswith("Pulumi.") and first != "Pulumi.yaml")


def guard(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse an opening of what people edit; an audit hook."""
    if event not in OPENS or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    path = os.fsdecode(arguments[0])
    if event == "open" and arguments[1] is None and not os.path.isabs(path):
        return  # os.open: what a relative path is relative to is not said (`dir_fd`, which shutil uses)
    if is_edited(os.path.abspath(path)):
        raise DefinitionOpened(f"{path} is a definition that people edit; read docs/samples instead")


sys.addaudithook(guard)

"""New texts of files, tried in a copy of the checkout before anything is written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ai_admin.definitions import Definitions, load
from ai_admin.definitions.check import check
from ai_admin.definitions.files import TOP_FOLDERS
from ai_admin.definitions.saving import put
from ai_admin.definitions.stacks import known_stacks


def trial(root: Path, stack: str, texts: Mapping[str, str | None], partly: bool = False) -> Definitions:
    """Return what a checkout would define, and all problems that it would have, with these texts of files.

    Args:
        root: the checkout.
        stack: the stack whose definitions are returned; the problems are those of every stack.
        texts: by path in the checkout; None: without the file.
        partly: as :func:`ai_admin.definitions.load` says.
    """
    with tried(root, texts) as copy:
        return load(copy, stack, partly)


@contextmanager
def tried(root: Path, texts: Mapping[str, str | None]) -> Iterator[Path]:
    """Make a copy of a checkout's definitions with these texts of files, for as long as it is looked at."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("Pulumi.yaml", *(f"Pulumi.{each}.yaml" for each in known_stacks(root))):
            shutil.copy(root / name, copy)
        for name in TOP_FOLDERS:
            if (root / name).is_dir():
                shutil.copytree(root / name, copy / name)
        put({copy / path: text for path, text in texts.items()})
        yield copy


def failing(root: Path, stack: str, texts: Mapping[str, str | None], flags: Collection[str]) -> list[str]:
    """Return which tests of flags fail in a stack with these texts of files, a line each.

    Args:
        root: the checkout.
        stack: the stack.
        texts: by path in the checkout; None: without the file. With them the definitions are without problems.
        flags: the keys of the flags; none: nothing is tested.
    """
    if not flags:
        return []
    from ai_admin.evaluation import resources, run, served  # PostHog's SDK takes a moment to import

    with tried(root, texts) as copy:
        index = check(copy, (stack,)).indexes[stack]
    failed = run({stack: index}, {stack: served(resources(index))}, flags).failed
    return [f"{each.case.source.path}:{each.case.source.line}: {each.case.name}: {each.failure}" for each in failed]

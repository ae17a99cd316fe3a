"""The stacks of a checkout, a definition in one of them, and the places of its values in the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml

from ai_admin.definitions.document import Document
from ai_admin.definitions.model import Finding, Path, Source
from ai_admin.definitions.unreadable import UNREADABLE, is_readable

OUTSIDE = ("stacks", "only")
"""Keys of a file that say where its definition applies, and are not part of what is applied."""

SANDBOX = "sandbox"
"""The stack of `make demo`, which every checkout has."""


def known_stacks(root: FilePath) -> tuple[str, ...]:
    """Return the names of a checkout's stacks, one for each ``Pulumi.<stack>.yaml``."""
    names = (path.name for path in root.glob("Pulumi.*.yaml"))
    return tuple(sorted(name.removeprefix("Pulumi.").removesuffix(".yaml") for name in names))


def project_stacks(root: FilePath) -> tuple[str, ...]:
    """Return the stacks of PostHog projects: all but that of `make demo`, whose file says no host and no project."""
    config = configurations(root).get(SANDBOX)
    demo = SANDBOX if config is not None and not {"ai-admin:host", "ai-admin:project_id"} & config.keys() else None
    return tuple(stack for stack in known_stacks(root) if stack != demo)


def counted_stacks(root: FilePath, stack: str) -> tuple[str, ...]:
    """Return the stacks that count when something is written for one: those of projects, and all for `make demo`'s.

    The stack of `make demo` is only for trying the files, so it needs no values of its own.
    """
    projects = project_stacks(root)
    return projects if stack in projects else known_stacks(root)


def configurations(root: FilePath) -> dict[str, dict[str, Any]]:
    """Return the ``config`` of each stack's file, by stack; Pulumi reports a file that can't be read."""
    found = {}
    for stack in known_stacks(root):
        try:
            settings = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue
        config = settings.get("config") if isinstance(settings, dict) else None
        found[stack] = config if isinstance(config, dict) else {}
    return found


def merge(target: Any, patch: Any) -> Any:
    """Return the target with a JSON Merge Patch applied (RFC 7396, section 2), as a new value."""
    if patch is UNREADABLE or not isinstance(patch, dict):
        return patch
    if target is UNREADABLE:
        return UNREADABLE
    result = dict(target) if isinstance(target, dict) else {}
    for name, item in patch.items():
        if item is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), item)
    return result


@dataclass(frozen=True, slots=True)
class View:
    """A definition as it is in one stack; ``stack`` None is as written, before any patch."""

    document: Document
    stack: str | None
    value: dict[str, Any]

    @property
    def patch(self) -> dict[str, Any] | None:
        """The patch of this stack, where it has one."""
        found = self.document.patches.get(self.stack) if self.stack is not None else None
        return found if isinstance(found, dict) else None

    def source(self, finding: Finding) -> Source:
        """Return the place of a finding: in the patch where that wrote (or removed) the value, else in the base."""
        if finding.absent is None:
            return self.document.source(self._in_document(finding.path), finding.at_key, finding.offset)
        return self.document.source(self._in_document((*finding.path, finding.absent)), True)

    def written(self, path: Path) -> str | None:
        """Return the text of a scalar as it is in the file."""
        return self.document.written(self._in_document(path))

    def _in_document(self, path: Path) -> Path:
        if self.stack is not None and self.patch is not None and _wrote(self.patch, path):
            return ("stacks", self.stack, *path)
        return path


def unsure(document: Document, findings: Iterable[Finding]) -> bool:
    """Return whether errors of a definition hide in which stacks it exists, or how."""
    stacks = document.value.get("stacks")
    if not is_readable(stacks, document.value.get("only"), *(stacks.values() if isinstance(stacks, dict) else ())):
        return True
    broken = [path for finding in findings for path in finding.broken()]
    return any(path[:1] == ("only",) or (path[:1] == ("stacks",) and len(path) <= 2) for path in broken)


def view(document: Document, stack: str | None) -> View:
    """Return a definition as it is in a stack that has it; None: as written."""
    value = {name: item for name, item in document.value.items() if name not in OUTSIDE}
    patch = document.patches.get(stack) if stack is not None else None
    return View(document, stack, merge(value, patch) if isinstance(patch, dict) else value)


def _wrote(patch: Any, path: Path) -> bool:
    """Return whether a merge patch sets the value at a path, or replaces something above it."""
    if not path:
        return False
    for step in path:
        if not isinstance(patch, dict):
            return True  # a list or a scalar replaces everything below
        if step not in patch:
            return False
        patch = patch[step]
    return True

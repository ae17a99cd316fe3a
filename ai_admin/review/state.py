"""What a stack's state says, read without the engine: `pulumi stack export` reads it from any backend."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ai_admin.manifest import OUTPUT
from ai_admin.safety import Manifest
from providers.posthog.errors import UnreadableState
from providers.posthog.inputs import to_properties
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import OWN, UNKEPT, Properties

_TYPE = "pulumi-python:dynamic/posthog:"
_KINDS = {f"{_TYPE}{kind.type}": kind.name for kind in KINDS.values()}
_NONE = ("no stack named", "no previous deployment")
"""What Pulumi says of a stack that nothing was applied to."""


@dataclass(frozen=True)
class Resource:
    """A resource as it was applied last."""

    ref: Ref
    id: str
    properties: Properties
    """Canonical, with PostHog's ids."""
    project: str = ""
    """The PostHog project that it is in."""


@dataclass(frozen=True)
class State:
    """What was applied to a stack last; empty where nothing was."""

    resources: Mapping[Ref, Resource] = field(default_factory=dict)
    replaced: tuple[Resource, ...] = ()
    """What another one took the place of, and a run that failed did not delete."""
    manifest: Manifest | None = None


def read(root: Path, stack: str) -> State:
    """Return the state of a stack of the checkout ``root``. Raises :class:`UnreadableState`."""
    answer = pulumi(root, "stack", "export", "--stack", stack)
    if answer.returncode:
        if any(text in answer.stderr for text in _NONE):
            return State()
        raise UnreadableState(" ".join(answer.stderr.split()))
    try:
        found = json.loads(answer.stdout)["deployment"].get("resources") or ()
    except (ValueError, KeyError, AttributeError):
        raise UnreadableState("`pulumi stack export` printed no state") from None
    return parsed(found)


def parsed(resources: Iterable[Mapping[str, Any]]) -> State:
    """Return the state in the resources of a deployment, as Pulumi writes them."""
    standing: dict[Ref, Resource] = {}
    replaced, manifest = [], None
    for each in resources:
        outputs = each.get("outputs") or {}
        if each["type"] == "pulumi:pulumi:Stack":
            manifest = json.loads(outputs[OUTPUT]) if OUTPUT in outputs else None
        kind = _KINDS.get(each["type"])
        if kind is None:
            continue
        ref = Ref.parse(each["urn"].split("::", 3)[3])
        found = Resource(ref, str(each.get("id", "")), _properties(kind, outputs), str(outputs.get("project_id") or ""))
        if each.get("delete"):
            replaced.append(found)
        else:
            standing[ref] = found
    return State(standing, tuple(replaced), manifest)


def _properties(kind: str, outputs: Mapping[str, Any]) -> Properties:
    found = {name: outputs[name] for name in (UNKEPT, OWN) if outputs.get(name)}
    return {**to_properties(kind, outputs), **found}


def pulumi(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the Pulumi CLI in a checkout, and return what it printed. Raises :class:`UnreadableState` without a CLI."""
    environ = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        return subprocess.run(
            [cli(root), *arguments, "--non-interactive", "--color", "never"],
            cwd=root,
            env=environ,
            capture_output=True,
            text=True,
        )
    except OSError:
        raise UnreadableState("there is no `pulumi` in PATH; run `. ./activate` in the checkout first") from None


def cli(root: Path) -> str:
    """Return the path of the Pulumi CLI: the one in PATH, or else the checkout's own."""
    return shutil.which("pulumi") or str(root / ".toolchain" / "bin" / "pulumi")

"""A Pulumi program of as many dynamic resources that do nothing: what the engine and the SDK cost by themselves."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ai_admin.definitions.files import TOP_FOLDERS
from tests.support.project import Project
from tests.support.sandbox import Sandbox

_PROVIDER = '''
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider


class IdleProvider(ResourceProvider):
    serialize_as_secret_always = False

    def diff(self, _id, olds, news):
        return DiffResult(changes=False)

    def create(self, props):
        return CreateResult(props["key"], own(props))

    def read(self, id_, props):
        return ReadResult(id_, own(props), own(props))


def own(props):
    return {name: value for name, value in props.items() if name != "__provider"}


class Idle(Resource):
    def __init__(self, key, inputs):
        super().__init__(IdleProvider(), key, {"key": key, **inputs})
'''


def idle_project(folder: Path, sandbox: Sandbox, count: int, inputs: dict[str, Any]) -> Project:
    """Return a project with ``count`` resources that do nothing, under the same engine options as ours.

    Each has its key and ``inputs``: what the SDK and the engine take for a resource grows with what it carries.
    """
    project = Project(folder, sandbox)
    for name in ("__main__.py", "providers", "ai_admin", "schemas"):
        (folder / name).unlink()
    for name in TOP_FOLDERS:
        shutil.rmtree(folder / name)
    project.write("idle.py", _PROVIDER)
    register = f"for number in range({count}):\n    Idle(f'idle-{{number}}', {inputs!r})\n"
    program = f"from idle import Idle\n\n{register}"
    project.write("__main__.py", program)
    return project

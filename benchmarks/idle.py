"""A Pulumi program of as many dynamic resources that do nothing: what the engine and the SDK cost by themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.project import Project
from tests.support.sandbox import Sandbox

_PROVIDER = '''
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider


class IdleProvider(ResourceProvider):
    serialize_as_secret_always = False

    def diff(self, _id, olds, news):
        return DiffResult(changes=False)

    def create(self, props):
        return CreateResult(props["key"], {"key": props["key"]})

    def read(self, id_, props):
        return ReadResult(id_, {"key": props["key"]}, {"key": props["key"]})


class Idle(Resource):
    def __init__(self, key):
        super().__init__(IdleProvider(), key, {"key": key})
'''


def idle_project(folder: Path, sandbox: Sandbox, count: int) -> Project:
    """Return a project with ``count`` resources that do nothing, under the same engine options as ours."""
    project = Project(folder, sandbox)
    for name in ("__main__.py", "providers", "ai_admin", "schemas"):
        (folder / name).unlink()
    for name in ("flags", "cohorts", "dashboards", "alerts", "events"):
        shutil.rmtree(folder / name)
    project.write("idle.py", _PROVIDER)
    program = f"from idle import Idle\n\nfor number in range({count}):\n    Idle(f'idle-{{number}}')\n"
    project.write("__main__.py", program)
    return project

"""Gate: two stacks never own one project. Pure.

Each would adopt the other's objects, and revert what the other changed. There is no consent to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog.connection import same_host, same_project


def shared(stack: str, host: str, project_id: str, others: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each other stack that has this run's project in its configuration, in any spelling.

    ``others`` are the configurations in the checkout's ``Pulumi.<stack>.yaml`` files by stack; ``host`` and
    ``project_id`` are those of the run, wherever they come from.
    """

    def place(config: Mapping[str, Any]) -> tuple[str, str]:
        there, project = (str(config.get(f"ai-admin:{name}", "")) for name in ("host", "project_id"))
        return same_host(there), same_project(project)

    return [
        f"project {project_id} of {host} is stack {other}'s (Pulumi.{other}.yaml), so it can't be stack {stack}'s as "
        f"well: each would undo what the other does; give {stack} a project of its own, or run with --stack {other}"
        for other, config in sorted(others.items())
        if other != stack and place(config) == (same_host(host), same_project(project_id))
    ]

"""Gate: two stacks never own one project. Pure.

Each would adopt the other's objects, and revert what the other changed. There is no consent to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog.connection import same_host, same_project


def shared(
    stack: str, host: str, project_id: str, others: Mapping[str, Mapping[str, Any]], moved_from: str = ""
) -> list[str]:
    """Return a line for each other stack that has this run's project in its configuration, in any spelling.

    ``others`` are the configurations in the checkout's ``Pulumi.<stack>.yaml`` files by stack; ``host``,
    ``project_id`` and ``moved_from`` are those of the run, wherever they come from.
    """

    def hosts(*found: Any) -> set[str]:
        return {same_host(str(each)) for each in found if each}

    def is_here(config: Mapping[str, Any]) -> bool:
        there = {name: config.get(f"ai-admin:{name}") for name in ("host", "moved_from", "project_id")}
        same = hosts(there["host"], there["moved_from"]) & hosts(host, moved_from)
        return bool(same) and same_project(str(there["project_id"])) == same_project(project_id)

    return [
        f"project {project_id} of {host} is stack {other}'s (Pulumi.{other}.yaml), so it can't be stack {stack}'s as "
        f"well: each would undo what the other does; give {stack} a project of its own, or run with --stack {other}"
        for other, config in sorted(others.items())
        if other != stack and is_here(config)
    ]

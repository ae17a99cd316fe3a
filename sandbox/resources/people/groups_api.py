"""Group types of a project, read; ingestion makes them.

Source: PostHog's posthog/api/groups.py.
"""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth.guard import both
from sandbox.events import people
from sandbox.rest.listing import column
from sandbox.wire.context import Context

_SHOWN = "group_type group_type_index name_singular name_plural detail_dashboard default_columns created_at".split()


def routes() -> list[BaseRoute]:
    """Below `/api/projects/` and, the same, below `/api/environments/`."""
    return both("groups_types", GET=(("group:read",), list_group_types))


def list_group_types(context: Context) -> Any:
    """A plain list, no paging."""
    rows = context.store.select(people.GROUP_TYPE, str(context.project["id"]), order=column("group_type_index"))
    return [{name: row.get(name) for name in _SHOWN} for row in rows]

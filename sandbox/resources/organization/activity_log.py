"""The activity log of a project (posthog-side scope `activity_log`)."""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth import access
from sandbox.auth.guard import route
from sandbox.rest.activity import project_activity
from sandbox.wire.context import Context


def routes() -> list[BaseRoute]:
    return [route("/api/projects/{project}/activity_log", GET=(("activity_log:read",), _list))]


def _list(context: Context) -> Any:
    access.check_kind(context, "activity_log", access.VIEWER)
    return project_activity(context)

"""The activity log of a project (posthog-side scope `activity_log`)."""

from starlette.routing import BaseRoute

from sandbox.activity import project_activity
from sandbox.guard import route


def routes() -> list[BaseRoute]:
    return [route("/api/projects/{project}/activity_log", GET=(("activity_log:read",), project_activity))]

"""The activity log of a project (posthog-side scope `activity_log`)."""

from starlette.routing import BaseRoute

from sandbox.auth.guard import route
from sandbox.rest.activity import project_activity


def routes() -> list[BaseRoute]:
    return [route("/api/projects/{project}/activity_log", GET=(("activity_log:read",), project_activity))]

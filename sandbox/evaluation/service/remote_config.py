"""`feature_flags/:key/remote_config`: the payload of a remote configuration flag, for SDKs with a secret.

Source: remote_config in PostHog's feature_flag.py. The answer is the payload's JSON text as a JSON string.
"""

from typing import Any

from starlette.routing import BaseRoute, Route

from sandbox.auth.identity import throttle
from sandbox.evaluation.service.flagset import flagset
from sandbox.evaluation.service.local_evaluation import authorize
from sandbox.wire.context import Context, Json, endpoint


def routes() -> list[BaseRoute]:
    """The one route."""
    return [
        Route(f"/api/{prefix}/{{project}}/feature_flags/{{flag}}/remote_config", endpoint(payload), methods=["GET"])
        for prefix in ("projects", "environments")
    ]


def payload(context: Context) -> Any:
    """The payload of a flag named by its key or id; 404 with an empty text for any other kind of flag."""
    authorize(context)
    throttle(context)
    current = flagset(context.store, int(context.project["id"]))
    named = context.param("flag")
    flag = current.flags.get(named) if named.isdecimal() else current.by_key.get(named)
    if flag is None or not current.rows[str(flag.id)].get("is_remote_configuration"):
        return Json("", 404)
    return Json(flag.payloads.get("true"))

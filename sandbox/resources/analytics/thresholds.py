"""The thresholds of an insight's alerts, with the alerts: `insights/:id/thresholds/`; read-only (PostHog:
products/alerts/backend/presentation/views/alert.py).
"""

from typing import Any

from starlette.routing import BaseRoute

from sandbox.auth import access
from sandbox.auth.guard import route
from sandbox.resources.analytics.alerts import ALERTS
from sandbox.resources.analytics.insights import INSIGHTS
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import NotFound


def routes() -> list[BaseRoute]:
    """The routes of thresholds, below both prefixes."""
    read = ("alert:read",)
    return [
        one
        for place in ("projects", "environments")
        for base in (f"/api/{place}/{{project}}/insights/{{insight}}/thresholds",)
        for one in (route(base, GET=(read, _list)), route(base + "/{id}", GET=(read, _retrieve)))
    ]


def _all(context: Context) -> list[Data]:
    insight = INSIGHTS.fetch(context, context.param("insight"))
    access.check_object(context, INSIGHTS.kind, insight, access.VIEWER)
    alerts = context.store.referrers(INSIGHTS.kind, insight["id"], ALERTS.kind)
    return [{**alert["threshold"], "alerts": [ALERTS.show(context, alert)]} for alert in alerts]


def _list(context: Context) -> Any:
    found = _all(context)
    return {"count": len(found), "next": None, "previous": None, "results": found}


def _retrieve(context: Context) -> Any:
    found = next((each for each in _all(context) if each["id"] == context.param("id")), None)
    if found is None:
        raise NotFound()
    return found

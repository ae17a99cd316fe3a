"""What samples refer to, made through the API and not by our provider."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds import Ref
from tests.support.sandbox import Sandbox

TREND: dict[str, Any] = {
    "kind": "InsightVizNode",
    "source": {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "ai"}]},
}
CRITERIA = {"type": "OR", "values": [{"type": "AND", "values": [
    {"type": "person", "key": "channel", "operator": "exact", "value": "beta", "negation": False}]}]}  # fmt: skip
VARIANTS = [
    {"key": "control", "rollout_percentage": 50},
    {"key": "test", "rollout_percentage": 30},
    {"key": "other", "rollout_percentage": 20},
]
FIRING: dict[str, Any] = {
    "events": [{"id": "$insight_alert_firing", "type": "events"}],
    "properties": [{"key": "alert_id", "value": Ref("alert", "alarm"), "operator": "exact", "type": "event"}],
}


def stand(sandbox: Sandbox) -> dict[Ref, Any]:
    """Make everything that samples refer to; return the ids by reference."""
    threshold = {"configuration": {"type": "absolute", "bounds": {"upper": 9}}}
    world: dict[Ref, Any] = {}

    def make(ref: Ref, collection: str, **body: Any) -> None:
        world[ref] = sandbox.call("POST", f"{collection}/", body)["id"]

    make(Ref("cohort", "members"), "cohorts", name="World: members", filters={"properties": CRITERIA})
    make(Ref("cohort", "others"), "cohorts", name="World: others", filters={"properties": CRITERIA})
    make(Ref("flag", "parent"), "feature_flags", key="world-parent", filters={"groups": [{"properties": []}]})
    make(Ref("dashboard", "first"), "dashboards", name="World: first")
    make(Ref("dashboard", "second"), "dashboards", name="World: second")
    make(Ref("insight", "trend"), "insights", name="World: trend", query=TREND)
    source = {**TREND["source"], "series": [{"kind": "EventsNode", "event": name} for name in "ab"]}
    make(Ref("insight", "other"), "insights", name="World: other", query={**TREND, "source": source})
    # Dashboards of their own: the samples of tiles clear the others away.
    for key in ("delivered", "delivered too"):
        make(Ref("dashboard", key), "dashboards", name=f"World: {key}")
    boards = [world[Ref("dashboard", key)] for key in ("delivered", "delivered too")]
    for key in ("shown", "shown too"):
        make(Ref("insight", key), "insights", name=f"World: {key}", query=TREND, dashboards=boards)
    for key in ("failed", "other"):
        make(Ref("action", key), "actions", name=f"World: {key}", steps=[{"event": "ai"}])
        make(Ref("holdout", key), "experiment_holdouts", name=key, filters=[{"rollout_percentage": 5}])
    filters = {"groups": [{"properties": []}], "multivariate": {"variants": VARIANTS}}
    make(Ref("flag", "ab"), "feature_flags", key="world-ab", filters=filters)
    make(Ref("flag", "opted"), "feature_flags", key="world-opted", filters={"groups": [{}]})
    cost = {"kind": "EventsNode", "event": "ai", "math": "sum", "math_property": "cost"}
    metric = {"kind": "ExperimentMetric", "metric_type": "mean", "source": cost}
    make(Ref("saved_metric", "costs"), "experiment_saved_metrics", name="World: costs", query=metric)
    approved = {"is_ai_data_processing_approved": True}  # without it no subscription has a summary
    sandbox.call("PATCH", f"/api/organizations/{sandbox.organization_id}/", approved)
    for key in ("alarm", "second"):
        make(
            Ref("alert", key),
            "alerts",
            name=f"World: {key}",
            insight=world[Ref("insight", "trend")],
            subscribed_users=[],
            threshold=threshold,
            condition={"type": "absolute_value"},
            config={"type": "TrendsAlertConfig", "series_index": 0},
        )
    workspaces = [item["id"] for item in sandbox.items("integrations") if item["kind"] == "slack"]
    world[Ref("integration", "slack")] = workspaces[0]
    for member in sandbox.call("GET", f"/api/organizations/{sandbox.organization_id}/members/")["results"]:
        world[Ref("user", member["user"]["email"])] = member["user"]["id"]
    return world

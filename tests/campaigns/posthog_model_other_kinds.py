"""The model of PostHog's actions, experiments, subscriptions and annotations: see ``posthog_model``."""

from __future__ import annotations

import json
import random
from typing import Any

Row = dict[str, Any]

_STEP = (
    "event",
    "properties",
    "selector",
    "selector_regex",
    "tag_name",
    "text",
    "text_matching",
    "href",
    "href_matching",
)


def action_defaults() -> Row:
    return {"description": "", "tags": [], "steps": [], "post_to_slack": False, "slack_message_format": ""}


def show_action(chance: random.Random, row: Row) -> Row:
    """Every step has all its keys, null where nothing was said, and matches addresses by what they contain."""
    steps = [{**dict.fromkeys(_STEP), "url": None, "url_matching": "contains", **step} for step in row["steps"]]
    return {**row, "steps": steps, "pinned_at": None, "tags": chance.sample(row["tags"], k=len(row["tags"]))}


def annotation_defaults() -> Row:
    return {"dashboard_item": None, "dashboard_id": None, "emoji": None, "hidden_in_user_interface": False}


def subscription_defaults() -> Row:
    nothing = dict.fromkeys(("dashboard", "insight", "integration_id", "byweekday", "bysetpos", "count", "until_date"))
    flags = {"enabled": True, "summary_enabled": False, "summary_prompt_guide": "", "interval": 1}
    return {**nothing, **flags, "dashboard_export_insights": []}


def experiment_defaults() -> Row:
    nothing = dict.fromkeys(("start_date", "end_date", "conclusion", "holdout_id", "exposure_criteria"))
    lists: Row = {"metrics": [], "metrics_secondary": [], "saved_metrics": []}
    return {**nothing, **lists, "description": "", "archived": False, "conclusion_comment": None, "stats_config": {}}


def store_experiment(row: Row, body: Row) -> Row:
    """Metrics are numbered; a flag is named by its key and answered whole."""
    after = dict(row)
    for name in ("metrics", "metrics_secondary"):
        numbered = enumerate(after[name] or [])
        after[name] = [{"uuid": f"{name}-{n}", **metric, "fingerprint": "f"} for n, metric in numbered]
    if "feature_flag_key" in body:
        after["feature_flag"] = {"id": int(str(body["feature_flag_key"]).removeprefix("flag-"))}
    if "saved_metrics_ids" in body:
        linked = body["saved_metrics_ids"] or []
        after["saved_metrics"] = [{"saved_metric": each["id"], "metadata": each["metadata"]} for each in linked]
    return after


def show_experiment(chance: random.Random, row: Row) -> Row:
    """Parameters are shown, and the names of actions are written anew."""
    shown: Row = json.loads(json.dumps(row))
    for metric in (*shown["metrics"], *shown["metrics_secondary"]):
        source = metric.get("source")
        if isinstance(source, dict) and source.get("kind") == "ActionsNode":
            source["name"] = "What the action is called now"
    return {**shown, "parameters": {"feature_flag_variants": []}, "status": chance.choice(("draft", "running"))}

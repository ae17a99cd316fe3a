"""The life of an experiment: draft, running, paused (its flag is off), stopped; and the calls between them.

Source: PostHog's experiment_service.py. Traps: a launch switches the flag on without a new version of it, and a pause
or the end of one does not even move its `updated_at`; nothing switches an archived flag on; shipping a variant goes
through the flag's own checks.
"""

from collections.abc import Callable
from typing import Any

from sandbox.resources.experiments import experiment_metrics, experiment_rules
from sandbox.resources.flags import linked_flags
from sandbox.rest.fields import boolean, text
from sandbox.rest.listing import Condition, column
from sandbox.rest.resource import Action, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Invalid, Required

Call = Callable[[Resource, Context, Data], Data]  # what it changes of the experiment
CATCH_ALL = {
    "properties": [],
    "rollout_percentage": 100,
    "description": "Added automatically when the experiment was ended to keep only one variant.",
}


def actions(experiments: Resource) -> list[Action]:
    """The calls that move an experiment through its life."""
    calls = {
        "launch": _launch,
        "pause": _switch(False, "Experiment is already paused."),
        "resume": _switch(True, "Experiment is not paused."),
        "end": _end,
        "archive": _archive,
        "unarchive": _unarchive,
        "reset": _reset,
        "ship_variant": _ship,
    }

    def answering(call: Call) -> Any:
        def run(context: Context, row: Data) -> Any:
            after = {**row, **call(experiments, context, row)}
            experiments.save(context, row, after, {})
            return experiments.show(context, after)

        return run

    return [Action(name, answering(call), ("POST",)) for name, call in calls.items()]


def status(row: Data, flag: Data) -> str:
    """The state as it is read; `paused` isn't stored."""
    if row["start_date"] is None:
        return "draft"
    if row["end_date"] is not None:
        return "stopped"
    return "running" if flag["active"] else "paused"


def having_status(wanted: str) -> Condition:
    """The experiments in a state; an unknown one filters nothing."""
    running = f"{column('start_date')} IS NOT NULL AND {column('end_date')} IS NULL"
    active = (
        "EXISTS (SELECT 1 FROM objects f WHERE f.kind = 'feature_flag'"
        f" AND f.id = CAST({column('feature_flag_id').replace('data', 'objects.data')} AS TEXT)"
        " AND json_extract(f.data, '$.active'))"
    )
    conditions = {
        "draft": f"{column('start_date')} IS NULL",
        "running": f"{running} AND {active}",
        "paused": f"{running} AND NOT {active}",
        "stopped": f"{column('end_date')} IS NOT NULL",
    }
    return conditions.get("stopped" if wanted == "complete" else wanted, "1 = 1"), []


def check_launchable(flag: Data) -> None:
    """Refuse to go live on a flag that is deleted or has no variants. Raises `Invalid`."""
    if flag["deleted"]:
        raise Invalid("Experiment cannot be launched because its feature flag has been deleted.")
    experiment_rules.check_flag(linked_flags.variants(flag))


def _flag(context: Context, row: Data) -> Data:
    flag = linked_flags.get(context, row["feature_flag_id"])
    if flag is None:
        raise Invalid("Experiment does not have a linked feature flag.")
    return flag


def _check_running(row: Data) -> None:
    if row["start_date"] is None:
        raise Invalid("Experiment has not been launched yet.")
    if row["end_date"] is not None:
        raise Invalid("Experiment has already ended.")


def _launch(_: Resource, context: Context, row: Data) -> Data:
    if row["start_date"] is not None:
        raise Invalid("Experiment has already been launched.")
    flag = _flag(context, row)
    check_launchable(flag)
    linked_flags.overwrite(context, flag, active=True)
    started = {**row, "start_date": timestamp()}
    return {
        "start_date": started["start_date"],
        **{name: experiment_metrics.with_fingerprints(started, row[name]) for name in ("metrics", "metrics_secondary")},
    }


def _switch(on: bool, refusal: str) -> Call:
    """Pause (switch the flag off) or resume."""

    def run(_: Resource, context: Context, row: Data) -> Data:
        _check_running(row)
        flag = _flag(context, row)
        if flag["active"] is on:
            raise Invalid(refusal)
        linked_flags.overwrite(context, flag, stamped=False, active=on)
        return {}

    return run


def _conclusion(experiments: Resource, context: Context) -> Data:
    names = ("conclusion", "conclusion_comment")
    return {name: experiments.by_name[name].clean(context.data[name]) for name in names if name in context.data}


def _end(experiments: Resource, context: Context, row: Data) -> Data:
    said = _conclusion(experiments, context)
    _check_running(row)
    return {"end_date": timestamp(), "conclusion": None, "conclusion_comment": None, **said}


def _archive(_: Resource, context: Context, row: Data) -> Data:
    if row["archived"]:
        raise Invalid("Experiment is already archived.")
    if row["end_date"] is None:
        raise Invalid("Experiment must be ended before it can be archived.")
    return {"archived": True}


def _unarchive(_: Resource, context: Context, row: Data) -> Data:
    if not row["archived"]:
        raise Invalid("Experiment is not archived.")
    return {"archived": False}


def _reset(_: Resource, context: Context, row: Data) -> Data:
    if row["start_date"] is None:
        raise Invalid("Experiment is already in draft state.")
    return {"start_date": None, "end_date": None, "archived": False, "conclusion": None, "conclusion_comment": None}


def _ship(experiments: Resource, context: Context, row: Data) -> Data:
    """Give one variant everything; a running experiment ends with it."""
    if "variant_key" not in context.data:
        raise Required("variant_key")
    key = text(blank=False)(context.data["variant_key"], "variant_key")
    everyone = boolean(context.data.get("release_to_everyone", False), "release_to_everyone")
    said = {name: value for name, value in _conclusion(experiments, context).items() if value is not None}
    if row["start_date"] is None:
        raise Invalid("Experiment has not been launched yet.")
    flag = _flag(context, row)
    variants = linked_flags.variants(flag)
    if key not in [variant["key"] for variant in variants]:
        raise Invalid(f"Variant '{key}' not found on feature flag.")
    groups = list(flag["filters"].get("groups") or [])
    filters = {
        "aggregation_group_type_index": flag["filters"].get("aggregation_group_type_index"),
        "payloads": flag["filters"].get("payloads") or {},
        "multivariate": {
            "variants": [{**variant, "rollout_percentage": 100 if variant["key"] == key else 0} for variant in variants]
        },
        "groups": [dict(CATCH_ALL), *groups] if everyone else groups,
    }
    linked_flags.change(context, flag, {"filters": filters})
    return said if row["end_date"] is not None else {"end_date": timestamp(), **said}

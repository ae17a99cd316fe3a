"""The flags a survey makes for itself: who is targeted, who hasn't answered yet, how many are asked a day.

They aren't in the list of flags. The first follows the survey's running; all go with it when it is deleted, the last
one excepted, as in PostHog.
"""

import secrets
from typing import Any

from sandbox.resources.flags import linked_flags
from sandbox.storage.store import Data
from sandbox.wire.context import Context

SCOPE = "survey:write"
SLOTS = ("targeting_flag_id", "internal_targeting_flag_id", "internal_response_sampling_flag_id")


def running(row: Data) -> bool:
    return bool(row["start_date"]) and not row["end_date"] and not row["archived"]


def make(context: Context, name: str, filters: Any, active: bool, suffix: str = "") -> Data:
    """A flag that only the survey uses."""
    data = {
        "key": f"survey-targeting-{secrets.token_hex(5)}{suffix}",
        "name": f"Targeting flag for survey {name}",
        "filters": filters,
        "active": active,
        "creation_context": "surveys",
    }
    return linked_flags.create(context, data)


def target(context: Context, row: Data, filters: Any) -> Data:
    """The flag that says who sees the survey: changed by the sent filters, or made. `row` gets its id."""
    linked_flags.require_flag_scope(context, SCOPE)
    flag = linked_flags.get(context, row["targeting_flag_id"])
    if flag is None:
        flag = make(context, row["name"], filters, bool(row["start_date"]))
    else:
        flag = linked_flags.change(context, flag, {"filters": {**flag["filters"], **filters}})
    row["targeting_flag_id"] = flag["id"]
    return flag


def remove(context: Context, row: Data, slot: str) -> None:
    """Erase one of the survey's flags."""
    flag = linked_flags.get(context, row[slot])
    if flag is not None:
        context.store.remove(linked_flags.KIND, flag["id"])
    row[slot] = None


def follow(context: Context, row: Data, new: bool) -> None:
    """Bring the flags into line with the survey; `row` gets the ids of those that are made."""
    active = running(row)
    flag = linked_flags.get(context, row["targeting_flag_id"])
    if flag is not None and not new and flag["active"] != active:
        linked_flags.overwrite(context, flag, active=active)
    _follow_answers(context, row, active)
    if row["response_sampling_daily_limits"] is not None and row["internal_response_sampling_flag_id"] is None:
        group = {"variant": "", "rollout_percentage": 100, "properties": []}
        made = make(context, row["name"], {"groups": [group]}, bool(row["start_date"]), "-sampling")
        row["internal_response_sampling_flag_id"] = made["id"]


def _follow_answers(context: Context, row: Data, active: bool) -> None:
    filters = {"groups": _unanswered(row)}
    flag = linked_flags.get(context, row["internal_targeting_flag_id"])
    if flag is None:
        flag = make(context, row["name"], filters, active, "-custom")
    else:
        flag = linked_flags.change(context, flag, {"filters": {**flag["filters"], **filters}})
        if flag["active"] != active:
            linked_flags.overwrite(context, flag, active=active)
    row["internal_targeting_flag_id"] = flag["id"]


def _unanswered(row: Data) -> list[Data]:
    """Conditions that hold for who neither answered nor dismissed it, nor saw another one lately."""
    key = f"{row['id']}/{row['current_iteration'] or 1}" if row["iteration_count"] else row["id"]
    never = [_person(f"{name}/{key}") for name in ("$survey_dismissed", "$survey_responded")]
    wait = (row["conditions"] or {}).get("seenSurveyWaitPeriodInDays")
    if not isinstance(wait, int | float) or wait <= 0:
        return [_group(never)]
    seen = "$survey_last_seen_date"
    return [_group([*never, _person(seen)]), _group([*never, _person(seen, "is_date_before", f"{int(wait)}d")])]


def _group(properties: list[Data]) -> Data:
    return {"variant": "", "rollout_percentage": 100, "properties": properties}


def _person(key: str, operator: str = "is_not_set", value: str = "is_not_set") -> Data:
    return {"key": key, "value": value, "operator": operator, "type": "person"}

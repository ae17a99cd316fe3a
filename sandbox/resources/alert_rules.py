"""What PostHog refuses in an alert: thresholds, conditions, configurations, schedules, in its words."""

import re
from typing import Any

from sandbox.errors import Invalid
from sandbox.resources.queries import source_of
from sandbox.store import Data

INTERVALS = ("real_time", "every_15_minutes", "hourly", "daily", "weekly", "monthly")
CONDITIONS = ("absolute_value", "relative_increase", "relative_decrease")
CONFIGS = {"TrendsQuery": "TrendsAlertConfig", "HogQLQuery": "HogQLAlertConfig", "FunnelsQuery": "FunnelsAlertConfig"}
NOT_TIME_SERIES = frozenset(
    {"BoldNumber", "ActionsPie", "ActionsBarValue", "ActionsTable", "WorldMap", "CalendarHeatmap"}
)
FINENESS = {"real_time": 0, "every_15_minutes": 1, "hourly": 2, "daily": 3, "weekly": 4, "monthly": 5}
INSIGHT_FINENESS = {"second": 0, "minute": 0, "hour": 2, "day": 3, "week": 4, "month": 5}
CLOCK = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")


def interval(value: Any, attr: str) -> str:
    if value not in INTERVALS:
        raise Invalid(f'"{value}" is not a valid choice.', attr, "invalid_choice")
    return str(value)


def check_threshold(configuration: Data) -> None:
    """The bounds of a threshold. Raises `Invalid` with attr `threshold__configuration`."""
    attr = "threshold__configuration"
    if configuration.get("type") not in ("absolute", "percentage"):
        raise Invalid(f"Invalid threshold type: {configuration.get('type')}", attr)
    bounds = configuration.get("bounds") or {}
    lower, upper = bounds.get("lower"), bounds.get("upper")
    for bound in (lower, upper):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int | float)):
            raise Invalid("Input should be a valid number", attr)
    if lower is None and upper is None:
        raise Invalid("At least one threshold bound (lower or upper) must be provided.", attr)
    if lower is not None and upper is not None and lower >= upper:
        raise Invalid("Lower threshold must be less than upper threshold", attr)


def check(alert: Data, query: Any, sql_alerts: bool) -> None:
    """The rules between an alert's parts and its insight's query. Raises `Invalid`."""
    source = source_of(query) or {}
    kind = str(source.get("kind"))
    if kind == "HogQLQuery" and not sql_alerts:
        raise Invalid("SQL insight alerts are not enabled for your account.")
    condition = (alert["condition"] or {}).get("type")
    if condition not in CONDITIONS:
        raise Invalid(f"Alert has invalid condition: {condition}")
    config = alert["config"] or {}
    if config.get("type") != CONFIGS[kind]:
        raise Invalid(f"Unsupported alert config type: {config.get('type')}")
    if condition == "absolute_value" and alert["threshold"]["configuration"]["type"] != "absolute":
        raise Invalid("Absolute value alerts require an absolute threshold, but a percentage threshold was configured")
    if kind == "TrendsQuery":
        _check_trends(alert, source, config, condition)


def _check_trends(alert: Data, source: Data, config: Data, condition: str) -> None:
    index = config.get("series_index")
    if isinstance(index, bool) or not isinstance(index, int):
        raise Invalid("series_index must be an integer", "config")
    trends = source.get("trendsFilter") or {}
    formulas = (
        trends.get("formulaNodes") or trends.get("formulas") or ([trends["formula"]] if trends.get("formula") else [])
    )
    count = len(formulas) or len(source.get("series") or [])
    if not 0 <= index < count:
        raise Invalid(f"series_index {index} is out of range (query has {count} series)")
    if condition != "absolute_value" and trends.get("display") in NOT_TIME_SERIES:
        raise Invalid(f"Relative alert condition '{condition}' is not compatible with non time series trends")
    ongoing = config.get("check_ongoing_interval")
    bounds = alert["threshold"]["configuration"].get("bounds") or {}
    possible = condition in ("absolute_value", "relative_increase") and bounds.get("upper") is not None
    if ongoing and not possible:
        raise Invalid(
            "check_ongoing_interval is only supported for alert condition absolute value and relative increase "
            "when upper threshold is specified"
        )
    finer = FINENESS[alert["calculation_interval"] or "daily"] < INSIGHT_FINENESS.get(
        source.get("interval") or "day", 3
    )
    if ongoing is None and possible and finer:
        alert["config"] = {**config, "check_ongoing_interval": True}


def windows(restriction: Data | None) -> Data | None:
    """A schedule restriction, its windows sorted; null when there are none."""
    if restriction is None:
        return None
    blocked = restriction.get("blocked_windows")
    if not isinstance(blocked, list):
        raise Invalid("blocked_windows must be a list.", "schedule_restriction")
    for window in blocked:
        if not isinstance(window, dict) or not all(CLOCK.match(str(window.get(end))) for end in ("start", "end")):
            raise Invalid("Each blocked window needs a start and an end as HH:MM.", "schedule_restriction")
        if window["start"] == window["end"]:
            raise Invalid("Start and end must be different.", "schedule_restriction")
    cleaned = sorted(({"start": each["start"], "end": each["end"]} for each in blocked), key=lambda each: each["start"])
    return {"blocked_windows": cleaned} if cleaned else None

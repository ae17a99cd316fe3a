"""What PostHog refuses in an alert: thresholds, conditions, configurations, schedules, in its words."""

import re
from typing import Any

from sandbox.resources.analytics.queries import source_of
from sandbox.storage.store import Data
from sandbox.wire.errors import Invalid

INTERVALS = ("real_time", "every_15_minutes", "hourly", "daily", "weekly", "monthly")
CONDITIONS = ("absolute_value", "relative_increase", "relative_decrease")
CONFIGS = {"TrendsQuery": "TrendsAlertConfig", "HogQLQuery": "HogQLAlertConfig", "FunnelsQuery": "FunnelsAlertConfig"}
OTHER_KIND = {
    "TrendsQuery": "Alert's insight query kind '{}' is not supported (only TrendsQuery)",
    "HogQLQuery": "SQL alert config requires a HogQLQuery insight, got '{}'",
    "FunnelsQuery": "Funnel alert config requires a FunnelsQuery insight, got '{}'",
}
PAID = {
    "every_15_minutes": "15-minute alert intervals require a Boost, Scale, or Enterprise platform add-on.",
    "real_time": "Real-time alert intervals require a Scale or Enterprise plan.",
}
NOT_TIME_SERIES = frozenset(
    {"BoldNumber", "ActionsPie", "ActionsDonut", "ActionsBarValue", "ActionsTable", "WorldMap", "CalendarHeatmap"}
)
FINENESS = {"real_time": 0, "every_15_minutes": 1, "hourly": 2, "daily": 3, "weekly": 4, "monthly": 5}
INSIGHT_FINENESS = {"second": 0, "minute": 0, "hour": 2, "day": 3, "week": 4, "month": 5}
NO_SCHEDULE = "Invalid schedule restriction."  # PostHog doesn't say why
DAY, SHORTEST_WINDOW, MOST_WINDOWS = 24 * 60, 30, 5  # minutes, minutes, windows
CLOCK = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")


def time_of_day(value: Any, attr: str) -> str:
    """Hours and minutes. The text is the sandbox's own."""
    if not isinstance(value, str) or not CLOCK.match(value):
        raise Invalid("Must be a time of day as HH:MM.", attr)
    return value


def check_threshold(configuration: Data) -> None:
    """A threshold by itself, whose bounds may be equal (PostHog: products/alerts/backend/models/alert.py, 2026-09).
    Raises `Invalid` with attr `threshold__non_field_errors`.
    """
    attr = "threshold__non_field_errors"
    kind = configuration.get("type")
    if kind not in ("absolute", "percentage"):
        raise Invalid(f"Invalid threshold configuration: type is {kind}", attr)
    bounds = configuration.get("bounds") or {}
    lower, upper = bounds.get("lower"), bounds.get("upper")
    for bound in (lower, upper):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int | float)):
            raise Invalid(f"Invalid threshold configuration: {bound} is no valid number", attr)
    if lower is not None and upper is not None and lower > upper:
        raise Invalid("Lower threshold must be less than upper threshold", attr)


def check_bounds(alert: Data) -> None:
    """Without a detector the threshold needs a bound. Raises `Invalid`."""
    bounds = alert["threshold"]["configuration"].get("bounds") or {}
    if alert["detector_config"] is None and bounds.get("lower") is None and bounds.get("upper") is None:
        raise Invalid("At least one threshold bound (lower or upper) must be provided.", "threshold__configuration")


def check_investigation(alert: Data) -> None:
    """PostHog's agent looks into anomalies only, and holds back what it looks into. Raises `Invalid`."""
    name = "investigation_agent_enabled"
    if alert[name] and alert["detector_config"] is None:
        raise Invalid("Investigation agent is only supported for anomaly detection alerts.", name)
    if alert["investigation_gates_notifications"] and not alert[name]:
        raise Invalid(f"Notification gating requires {name}=true.", "investigation_gates_notifications")


def check(alert: Data, query: Any) -> None:
    """The rules between an alert's parts and its insight's query. Raises `Invalid`."""
    source = source_of(query) or {}
    kind = str(source.get("kind"))
    condition = (alert["condition"] or {}).get("type")
    if condition not in CONDITIONS:
        raise Invalid(f"Alert has invalid condition: {alert['condition']}")
    config = alert["config"] or {}
    wanted = next((each for each, name in CONFIGS.items() if name == config.get("type")), None)
    if wanted is None:
        raise Invalid(f"Unsupported alert config type: {alert['config']}")
    if wanted != kind:
        raise Invalid(OTHER_KIND[wanted].format(kind))
    if wanted == "HogQLQuery":
        _check_sql(config, condition)
    if condition == "absolute_value" and alert["threshold"]["configuration"]["type"] != "absolute":
        raise Invalid("Absolute value alerts require an absolute threshold, but a percentage threshold was configured")
    over_time = wanted != "FunnelsQuery" or (source.get("funnelsFilter") or {}).get("funnelVizType") == "trends"
    if condition != "absolute_value" and not over_time:
        raise Invalid("This funnel only supports absolute value conditions")
    if kind == "TrendsQuery":
        _check_trends(alert, source, config, condition)


def _check_sql(config: Data, condition: str) -> None:
    if config.get("evaluation", "last_row") not in ("last_row", "first_row", "any_row"):
        raise Invalid(f"Alert has invalid HogQLAlertConfig: {config}")
    if config.get("evaluation") == "any_row" and condition != "absolute_value":
        raise Invalid("Any-row SQL alerts only support absolute value conditions")


def check_plan(interval: str | None, high_frequency: bool) -> None:
    """The intervals that cost extra. Raises `Invalid`."""
    if not high_frequency and interval in PAID:
        raise Invalid(PAID[interval], "calculation_interval")


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
    """A schedule restriction as it is stored: overlapping windows merged, sorted, null when there are none.

    Raises:
        Invalid: a window isn't from HH:MM to HH:MM, is shorter than 30 minutes, there are more than five, or they
            leave no time of the day.
    """
    sent = (restriction or {}).get("blocked_windows")
    if not sent:
        return None
    parts = [part for window in _checked(sent) for part in _within_a_day(*window)]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(parts):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    if merged == [(0, DAY)]:
        raise Invalid(NO_SCHEDULE, "schedule_restriction")
    if len(merged) == 2 and merged[0][0] == 0 and merged[1][1] == DAY:
        merged = [(merged[1][0], merged[0][1])]  # the two halves of a night
    return {"blocked_windows": [{"start": _clock(start), "end": _clock(end % DAY)} for start, end in merged]}


def _checked(sent: Any) -> list[tuple[int, int]]:
    """The windows in minutes since midnight; an end before its start is the next day's."""
    if not isinstance(sent, list) or len(sent) > MOST_WINDOWS:
        raise Invalid(NO_SCHEDULE, "schedule_restriction")
    found = []
    for window in sent:
        ends = [str(window.get(end)) for end in ("start", "end")] if isinstance(window, dict) else [""]
        if not all(CLOCK.match(end) for end in ends):
            raise Invalid(NO_SCHEDULE, "schedule_restriction")
        start, end = (int(hours) * 60 + int(minutes) for hours, minutes in (end.split(":") for end in ends))
        if start == end or (end - start) % DAY < SHORTEST_WINDOW:
            raise Invalid(NO_SCHEDULE, "schedule_restriction")
        found.append((start, end))
    return found


def _within_a_day(start: int, end: int) -> list[tuple[int, int]]:
    if start < end:
        return [(start, end)]
    return [(start, DAY), (0, end)] if end else [(start, DAY)]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"

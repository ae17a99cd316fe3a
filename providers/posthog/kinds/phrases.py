"""Values as people read them: numbers, times, filters, criteria, what queries and metrics count. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def printable(line: object) -> str:
    """Return something on one line, with what terminals would act on escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(line))


def choice_text(value: Any) -> str:
    """Return a value of PostHog's enumerations as words."""
    return key_text(str(value).replace("-", " "))


def key_text(key: str) -> str:
    """Return a key of PostHog's as words: ``date_from``, ``trendsFilter``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key).replace("_", " ").strip().lower()


def moment_text(value: Any) -> str:
    """Return a time (ISO 8601; one without an offset is in UTC) as people read it."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    at = at.astimezone(UTC) if at.tzinfo else at
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


_SPANS = {"h": "hour", "d": "day", "w": "week", "m": "month", "q": "quarter", "y": "year"}


def day_text(value: Any) -> str:
    """Return a date as queries have it (``-30d``) as people read it."""
    found = re.fullmatch(r"-(\d+)([hdwmqy])(Start|End)?", str(value))
    if found:
        number, unit, edge = int(found[1]), _SPANS[found[2]], found[3]
        return f"{'the start of ' if edge == 'Start' else ''}{counted(number, unit)} ago"
    if value == "all":
        return "the beginning"
    started = re.fullmatch(r"([hdwmqy])Start", str(value))
    return f"the start of this {_SPANS[started[1]]}" if started else str(value)


def counted(number: float, one: str) -> str:
    """Return a number with the noun that goes with it."""
    return f"{plain_text(number)} {one if number == 1 else f'{one}s'}"


OPERATORS = {
    "exact": "is",
    "is_not": "is not",
    "icontains": "contains",
    "not_icontains": "does not contain",
    "icontains_multi": "contains one of",
    "not_icontains_multi": "contains none of",
    "starts_with": "starts with",
    "not_starts_with": "does not start with",
    "ends_with": "ends with",
    "not_ends_with": "does not end with",
    "regex": "matches",
    "not_regex": "does not match",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "between": "is between",
    "not_between": "is not between",
    "in": "is in",
    "not_in": "is not in",
    "is_set": "is set",
    "is_not_set": "is not set",
    "is_date_exact": "is on",
    "is_date_before": "is before",
    "is_date_after": "is after",
    "is_cleaned_path_exact": "is, as a cleaned path,",
    "semver_eq": "is",
    "semver_neq": "is not",
    "semver_gt": "is later than",
    "semver_gte": "is at least",
    "semver_lt": "is earlier than",
    "semver_lte": "is at most",
    "semver_tilde": "is a patch of",
    "semver_caret": "is compatible with",
    "semver_wildcard": "is one of",
    "flag_evaluates_to": "is",
}
"""PostHog's operators as predicates."""

SHOWN = 5
"""Most values of a list that are shown before the rest is counted."""


def plain_text(value: Any) -> str:
    """Return a value as people read it: numbers with separators, keys of references, no quotes or brackets."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        number = round(value, 10)
        return f"{int(number) if number == int(number) else number:,}"
    if isinstance(value, list | tuple):
        shown = [plain_text(each) for each in value[:SHOWN]]
        more = [f"{len(value) - SHOWN:,} more"] if len(value) > SHOWN else []
        return ", ".join([*shown, *more]) if value else "nothing"
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, default=plain_text)
    return str(getattr(value, "key", value))


def filter_text(leaf: Any) -> str:
    """Return a property filter, or a group of them, as people read it."""
    if not isinstance(leaf, Mapping):
        return plain_text(leaf)
    type_ = leaf.get("type")
    if "values" in leaf:
        return group_text(leaf)
    if type_ in ("behavioral", "person_behavioral"):
        return behaviour_text(leaf)
    if type_ in ("events", "actions"):
        return node_text(leaf)
    operator, key, value = str(leaf.get("operator") or "exact"), leaf.get("key"), leaf.get("value")
    if type_ == "cohort":
        outside = bool(leaf.get("negation")) != (operator == "not_in")
        return f"{'not ' if outside else ''}in {_named('cohort', value)}"
    if type_ == "flag":
        return f"{_named('flag', key)} {_FLAGS.get(str(value), f'serves {value}')}"
    if type_ == "hogql":
        return f"SQL {key}"
    return f"{'not: ' if leaf.get('negation') else ''}{plain_text(key)} {_compared(operator, value)}"


_FLAGS = {"True": "is on", "False": "is off"}


def _compared(operator: str, value: Any) -> str:
    words = OPERATORS.get(operator, key_text(operator))
    if operator in ("is_set", "is_not_set"):
        return words
    if isinstance(value, list):
        if operator in ("exact", "is_not"):
            words = "is one of" if operator == "exact" else "is none of"
        elif operator in ("between", "not_between"):
            return f"{words} {' and '.join(map(_operand, value))}"
        return f"{words} {', '.join(map(_operand, value))}"
    return f"{words} {day_text(value) if operator.startswith('is_date') else _operand(value)}"


def _operand(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else plain_text(value)


def filters_text(leaves: Any) -> str:
    """Return a list of property filters of which all must match."""
    if isinstance(leaves, Mapping):
        return group_text(leaves)
    return " and ".join(map(filter_text, leaves or ())) or "everybody"


def group_text(group: Any) -> str:
    """Return a group of criteria, of which all or any must match."""
    if not isinstance(group, Mapping) or not group.get("values"):
        return "nobody"
    word = " or " if group.get("type") == "OR" else " and "
    parts = [filter_text(each) for each in group["values"]]
    inner = [
        f"({text})" if len(parts) > 1 and isinstance(each, Mapping) and len(each.get("values") or ()) > 1 else text
        for each, text in zip(group["values"], parts, strict=True)
    ]
    return word.join(inner)


def filters_moved(old: Any, new: Any) -> str:
    """Return which filters, or criteria, go and which come; empty where that does not say what changes.

    Of a filter with several values that stays, the values.
    """
    (word, was), (other, is_) = _leaves(old), _leaves(new)
    if word != other:
        return ""
    go, come = [each for each in was if each not in is_], [each for each in is_ if each not in was]
    parts: list[str] = []
    for leaf in list(go):
        same = next((each for each in come if _but_for_values(leaf, each)), None)
        if same is not None:
            go.remove(leaf)
            come.remove(same)
            parts.append(_values_moved(leaf, same))
    # Of filters that must all match, one more leaves people out; of those of which any will do, it lets people in.
    gone, new, joined = ("no longer", "now also", " or ") if word == "OR" else _REQUIRED
    parts += [f"{gone}: {joined.join(map(filter_text, go))}"] * bool(go)
    parts += [f"{new}: {joined.join(map(filter_text, come))}"] * bool(come)
    return "; ".join(parts)


_REQUIRED = ("no longer required", "now required", " and ")


def _leaves(value: Any) -> tuple[str, list[Any]]:
    """Return how filters are joined, and each of them; a group of one group is that one."""
    if not isinstance(value, Mapping):
        return "AND", list(value or ())
    values = list(value.get("values") or ())
    if len(values) == 1 and isinstance(values[0], Mapping) and "values" in values[0]:
        return _leaves(values[0])
    return str(value.get("type", "AND")), values


def _but_for_values(one: Any, other: Any) -> bool:
    """Return whether two filters are the same but for their lists of values, of which one is in both."""
    if not all(isinstance(each, Mapping) for each in (one, other)) or {**one, "value": 0} != {**other, "value": 0}:
        return False
    was, is_ = one.get("value"), other.get("value")
    if isinstance(was, list) and isinstance(is_, list):
        return one.get("operator") not in ("between", "not_between")
    several = isinstance(was, list) or isinstance(is_, list)
    return several and one.get("operator", "exact") in ("exact", "is_not") and bool(_values(was, _values(is_)))


def _values(value: Any, among: list[Any] | None = None) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    return values if among is None else [each for each in values if each in among]


def _values_moved(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    come, go = (
        [_operand(each) for each in _values(some["value"]) if each not in _values(rest["value"])]
        for some, rest in ((other, one), (one, other))
    )
    parts = [f"added {', '.join(come)}"] * bool(come) + [f"removed {', '.join(go)}"] * bool(go)
    return f"{filter_text({**one, 'value': []}).rstrip()}: {', '.join(parts) or 'in another order'}"


_DID = {
    "performed_event": "did {}",
    "performed_event_multiple": "did {}",
    "performed_event_first_time": "did {} for the first time",
    "performed_event_regularly": "did {} regularly",
    "performed_event_sequence": "did {}",
    "stopped_performing_event": "stopped doing {}",
    "restarted_performing_event": "did {} again",
}
"""What somebody did, by the value of a criterion."""


def behaviour_text(leaf: Mapping[str, Any]) -> str:
    """Return a criterion of a cohort by what somebody did."""
    value = str(leaf.get("value"))
    did = _DID.get(value, f"{key_text(value)} {{}}").format(_done(leaf, "event_type", "key"))
    often, regularly = leaf.get("operator_value"), leaf.get("min_periods")
    parts = [f"{'not: ' if leaf.get('negation') else ''}{did}"]
    if often is not None:
        parts.append(f"{_OFTEN.get(str(leaf.get('operator')), 'exactly')} {counted(often, 'time')}")
    if leaf.get("explicit_datetime"):
        parts.append(f"since {day_text(leaf['explicit_datetime'])}")
        if leaf.get("explicit_datetime_to"):
            parts.append(f"until {day_text(leaf['explicit_datetime_to'])}")
    elif leaf.get("time_value"):
        parts.append(f"in the last {_span(leaf['time_value'], leaf.get('time_interval', 'day'))}")
    if regularly is not None:
        parts.append(f"in {plain_text(regularly)} of {plain_text(leaf.get('total_periods'))} such periods")
    if leaf.get("seq_event"):
        within = counted(leaf.get("seq_time_value", 0), str(leaf.get("seq_time_interval", "day")))
        parts.append(f"and then {_done(leaf, 'seq_event_type', 'seq_event')} within {within}")
    elif leaf.get("seq_time_value"):
        before = _span(leaf["seq_time_value"], leaf.get("seq_time_interval", "day"))
        parts.append(f"compared with the last {before}")
    if leaf.get("event_filters"):
        parts.append(f"where {filters_text(leaf['event_filters'])}")
    return " ".join(parts)


def _span(number: float, unit: Any) -> str:
    """Return a span of time after "the last"."""
    return str(unit) if number == 1 else counted(number, str(unit))


_OFTEN = {"gte": "at least", "gt": "more than", "lte": "at most", "lt": "less than"}


def _done(leaf: Mapping[str, Any], type_: str, key: str) -> str:
    name = plain_text(leaf.get(key))
    return f"action {name}" if leaf.get(type_) == "actions" else name


def _named(kind: str, value: Any) -> str:
    return f"{kind} {getattr(value, 'key', value)}"


_MATH = {
    "dau": "persons who did {}",
    "weekly_active": "persons who did {} in the last 7 days",
    "monthly_active": "persons who did {} in the last 30 days",
    "unique_session": "sessions with {}",
    "unique_group": "groups with {}",
    "first_time_for_user": "persons' first {}",
    "hogql": "an SQL expression over {}",
}


_STATISTICS = {"avg": "average", "min": "least", "max": "greatest", "p95": "95th percentile", "p99": "99th percentile"}


def node_text(node: Any) -> str:
    """Return what a node of a query, or of a metric, counts."""
    if not isinstance(node, Mapping):
        return plain_text(node)
    if node.get("nodes"):
        return (" and " if node.get("operator") == "AND" else " or ").join(map(node_text, node["nodes"]))
    name = next((node[key] for key in ("event", "id", "table_name") if node.get(key) not in (None, "")), None)
    what = "every event" if name is None else plain_text(name)
    if node.get("kind") == "ActionsNode" or node.get("type") == "actions":
        what = f"action {what}"
    math, of = node.get("math"), plain_text(node.get("math_property", "it"))
    statistic = _STATISTICS.get(str(math), key_text(str(math)))
    text = _MATH.get(str(math), f"{statistic} of {of} of {{}}" if math else "{}").format(what)
    return f"{text} where {filters_text(node['properties'])}" if node.get("properties") else text


MEASURED = ("source", "series", "numerator", "denominator", "start_event", "completion_event")
"""The parts of a metric that say what it counts."""


def metric_text(metric: Any) -> str:
    """Return what a metric of an experiment measures."""
    nodes = [metric[part] for part in MEASURED if metric.get(part)]
    texts = [node_text(each) for node in nodes for each in (node if isinstance(node, list) else [node])]
    word = {"ratio": " by ", "funnel": ", then ", "retention": ", and again "}.get(str(metric.get("metric_type")), ", ")
    return f"{choice_text(metric.get('metric_type', 'metric'))}: {word.join(texts)}"


_QUERIES = {
    "HogQLQuery": "SQL",
    "InsightVizNode": "an insight",
    "DataVisualizationNode": "a chart of SQL",
    "DataTableNode": "a table",
}


def query_text(kind: Any) -> str:
    """Return a kind of query node as people call it."""
    return _QUERIES.get(str(kind), key_text(str(kind).removesuffix("Query")))


def chart_text(value: Any) -> str:
    """Return a kind of chart as people call it."""
    return key_text(str(value).removeprefix("Actions"))

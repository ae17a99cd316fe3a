"""The filters and orders of the list of feature flags (PostHog's feature flag viewset)."""

import json
from collections.abc import Container, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.rest.listing import Condition, column, equals, has_tag, truth
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Invalid


def conditions(query: Mapping[str, str]) -> list[Condition]:
    """What the query parameters of the list of flags ask for. Raises `Invalid`."""
    found: list[Condition] = [("listed = 1", [])]
    if truth(query.get("archived", "")):
        own = f"{column('archived')} = 1 AND {column('deleted')} = 0 AND coalesce({column('internal')}, 0) = 0"
        found = [(f"listed = 0 AND {own}", [])]
    if "active" in query:
        found.append(_active(query["active"]))
    if "created_by_id" in query:
        found += _created_by(query["created_by_id"])
    if "key" in query:
        # The unary plus keeps SQLite from reading the whole list by its own index instead of this one key by the other.
        found[0] = (f"+{found[0][0]}", [])
        found.append(("natural = ? COLLATE NOCASE", [query["key"]]))
    if "evaluation_runtime" in query:
        found.append(equals("evaluation_runtime", query["evaluation_runtime"]))
    if "type" in query:
        found.append(_type(query["type"]))
    for name, inverted in (("tags", False), ("excluded_tags", True)):
        wanted = _json_list(query.get(name, ""))
        if wanted:
            found.append(has_tag(wanted, inverted))
    if "has_evaluation_contexts" in query:
        some = "json_array_length(data, '$.evaluation_contexts')"
        found.append((f"{some} {'>' if truth(query['has_evaluation_contexts']) else '='} 0", []))
    excluded = _json_list(query.get("excluded_properties", ""))  # which are keys of flags, whatever the name says
    if excluded:
        found.append((f"natural NOT IN ({','.join('?' * len(excluded))})", [str(each) for each in excluded]))
    return found


def ordering(context: Context, known: Container[str]) -> str:
    asked = context.query.get("order", "-created_at")
    name = asked.lstrip("-")
    direction = "DESC" if asked.startswith("-") else "ASC"
    if name == "created_at":
        return f"created_at {direction}"
    return f"{column(name)} {direction}, seq" if name in known else "created_at DESC"


def _active(value: str) -> Condition:
    if value == "STALE":
        old = timestamp(datetime.now(UTC) - timedelta(days=30))
        return f"{column('active')} = 1 AND {column('last_called_at')} < ?", [old]
    return equals("active", int(truth(value)))


def matching(needle: str) -> Condition:
    """In the key, the name and the names of experiments; a space is any run of spaces, dashes and underscores."""
    needle = needle.strip().lower()
    if len(needle) > 200:
        raise Invalid("Search term cannot exceed 200 characters")
    spaced = " " in needle

    def found(text: str) -> str:
        joined = f"replace(replace(replace({text}, ' ', ''), '-', ''), '_', '')"
        return f"instr({joined if spaced else text}, ?) > 0"

    # By row number, which is in every index: no other row is read.
    tested = (
        "seq IN (SELECT f.seq FROM objects e JOIN refs r ON r.kind = e.kind AND r.id = e.id"
        " JOIN objects f ON f.kind = r.to_kind AND f.id = r.to_id WHERE e.kind = 'experiment'"
        f" AND r.to_kind = 'feature_flag' AND json_extract(e.data, '$.deleted') = 0 AND {found('e.search')})"
    )
    wanted = needle.replace(" ", "").replace("-", "").replace("_", "") if spaced else needle
    return f"({found('search')} OR {tested})", [wanted] * 2


def _type(value: str) -> Condition:
    multivariate = "json_array_length(data, '$.filters.multivariate.variants')"
    return {
        "boolean": (f"coalesce({multivariate}, 0) = 0", []),
        "multivariant": (f"coalesce({multivariate}, 0) > 0", []),
        "remote_config": (f"{column('is_remote_configuration')} = 1", []),
        "experiment": ("json_array_length(data, '$.experiment_set') > 0", []),
    }.get(value, ("1 = 1", []))


def _created_by(value: str) -> list[Condition]:
    """One id, several between commas, or a JSON list of them; anything else filters nothing."""
    parts = _json_list(value) if value.strip().startswith("[") else value.split(",")
    ids = [int(part) for part in map(str, parts) if part.strip().isdecimal()]
    if not ids:
        return []
    return [(f"{column('created_by')} IN ({','.join('?' * len(ids))})", list(ids))]


def _json_list(value: str) -> list[Any]:
    try:
        parsed = json.loads(value)
    except ValueError:
        return []
    return parsed if isinstance(parsed, list) else []

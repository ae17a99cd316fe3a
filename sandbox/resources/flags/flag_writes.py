"""What a write makes of a flag's filters, on either server (`Settings.filters`)."""

from copy import deepcopy
from typing import Any

from sandbox.resources.flags import flag_dependencies, flag_filters, flag_filters_older
from sandbox.resources.flags.flag_filters import Filters
from sandbox.rest.fields import mapping
from sandbox.storage.store import Data
from sandbox.wire.context import Context


def filters(context: Context, project: str, sent: Any, before: Data | None, key: str) -> Filters:
    """The filters to store, of what was sent for a new flag (`before` None) or a change of one.

    Raises:
        Invalid: a rule of that server's.
    """
    mapping(sent, "filters")
    if context.settings.filters == "replace":
        return _replaced(context, project, sent, before, key)
    return _merged(context, project, sent, before, key)


def _replaced(context: Context, project: str, sent: Filters, before: Data | None, key: str) -> Filters:
    """What a server of 2026-07 stores; the order of the checks is PostHog's."""
    stored: Filters = before["filters"] if before else {}
    if before is not None and "groups" not in sent and context.method == "PATCH":
        return stored
    filters = flag_filters_older.checked(_without_early_exit(context, sent, stored), stored)
    if before is None and not filters["groups"]:
        raise flag_filters.refuse("Feature flags must have at least one condition set (group).")
    _check_dependencies(context, project, before, filters, key)
    flag_filters_older.refuse_rest(filters)
    flag_dependencies.check_cohorts(context, project, filters)
    return filters


def _merged(context: Context, project: str, sent: Filters, before: Data | None, key: str) -> Filters:
    """What a later server stores. See `flag_filters` for the tiers; the order of the checks is PostHog's."""
    if "version" in sent:
        raise flag_filters.refuse("filters.version is reserved. Remove it from the request.", "reserved_config_version")
    stored: Filters = before["filters"] if before else {}
    if before is not None and not sent:
        return stored
    flag_filters.guard(sent)
    sent = _without_early_exit(context, sent, stored)
    merged = flag_filters.settled(deepcopy({**stored, **sent}))
    if before is None and not merged["groups"]:
        raise flag_filters.refuse("Feature flags must have at least one condition set (group).")
    flag_dependencies.check_experiments(context, before, merged)
    flag_filters.aggregate(merged)
    _check_dependencies(context, project, before, merged, key)
    flag_filters.check_patterns(merged, stored)
    flag_dependencies.check_cohorts(context, project, merged)
    return merged


def _check_dependencies(context: Context, project: str, before: Data | None, filters: Filters, key: str) -> None:
    flag_dependencies.check_early_access(context, before, filters)
    if any(group.get("aggregation_group_type_index") is None for group in filters["groups"]):
        flag_dependencies.check_flags(context, project, filters, key)


def _without_early_exit(context: Context, sent: Filters, stored: Filters) -> Filters:
    """The filters without an `early_exit` that the organisation may not switch on. Raises `Invalid`."""
    gate = context.settings.gated_fields
    if sent.get("early_exit") is not True or stored.get("early_exit") or gate == "kept":
        return sent
    if gate == "refused":
        raise flag_filters.refuse("early_exit is not available for this organization.")
    return {name: value for name, value in sent.items() if name != "early_exit"}

"""What flags point at and what points at flags: cohorts, other flags, experiments, early access features, replay.

Each refusal has PostHog's words. Look-ups go by the stored references, never through all flags.
"""

from collections.abc import Iterable
from typing import Any

from sandbox.resources.feedback import public
from sandbox.resources.flags.flag_filters import Filters, properties_of, refuse
from sandbox.resources.flags.flag_rules import variant_list
from sandbox.resources.people import cohort_filters
from sandbox.rest.resource import Resource
from sandbox.storage.store import Data, Reference, Store
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid, first_five

KIND = "feature_flag"


def references(row: Data) -> Iterable[Reference]:
    """The cohorts and flags in the conditions."""
    for _, prop in properties_of(row["filters"].get("groups")):
        if prop.get("type") == "cohort" and isinstance(prop.get("value"), int | str):
            yield ("cohort", str(prop["value"]))
        elif prop.get("type") == "flag":
            yield (KIND, str(prop.get("key")))


def _dependency_ids(filters: Filters) -> list[str]:
    return [str(prop["key"]) for _, prop in properties_of(filters.get("groups")) if prop.get("type") == "flag"]


def check_cohorts(context: Context, project: str, filters: Filters) -> None:
    """Every cohort must exist and, unless it is static, not rest on events. Raises `Invalid`."""
    for _, prop in properties_of(filters["groups"]):
        if prop.get("type") != "cohort":
            continue
        first = context.store.get("cohort", prop.get("value"), project)
        if first is None:
            raise refuse(f"Cohort with id {prop.get('value')} does not exist", "cohort_does_not_exist")
        for cohort in cohort_filters.with_dependencies(context.store, first):
            leaf = cohort_filters.first_behavioral(cohort)
            if leaf is not None:
                raise refuse(
                    f"Cohort '{cohort['name']}' has an event-based condition on '{leaf.get('key')}' "
                    f"({leaf.get('value')}) and cannot be used in feature flags.",
                    "behavioral_cohort_found",
                )


def check_flags(context: Context, project: str, filters: Filters, key: str) -> None:
    """Flag dependencies: ids of live, enabled flags without a cycle. Raises `Invalid`."""
    keys = [_reference(context.store, project, reference) for reference in _dependency_ids(filters)]
    if key in keys:
        raise refuse(f"Feature flag '{key}' cannot depend on itself")
    for dependency in dict.fromkeys(keys):
        _walk(context.store, project, dependency, [key])


def _reference(store: Store, project: str, reference: str) -> str:
    if not reference.lstrip("-").isdecimal():
        raise refuse(
            f"Flag dependencies must reference flag IDs (integers), not flag keys. Invalid reference: '{reference}'"
        )
    flag = store.get(KIND, int(reference), project)
    if flag is None or flag["deleted"]:
        raise refuse(f"Flag dependency references non-existent flag with ID {int(reference)}")
    if not flag["active"]:
        raise refuse(
            f"Cannot create dependency on disabled flag '{flag['key']}' (ID: {flag['id']}). "
            "Flag dependencies must reference active flags only."
        )
    return str(flag["key"])


def _walk(store: Store, project: str, key: str, path: list[str]) -> None:
    if key in path:
        raise refuse(f"Circular dependency detected: {' → '.join([*path[path.index(key) :], key])}")
    flag = store.find(KIND, key, project)
    if flag is None:
        return
    for reference in _dependency_ids(flag["filters"]):
        _walk(store, project, _reference(store, project, reference), [*path, key])


def dependents(context: Context, flag: Data) -> list[Data]:
    """The live, enabled flags whose conditions name this one."""
    return [
        other
        for other in context.store.referrers(KIND, flag["id"], KIND)
        if not other["deleted"] and other["active"] and other["id"] != flag["id"]
    ]


def check_dependents(context: Context, flag: Data, what: str) -> None:
    """Refuse to disable or delete a flag that others depend on."""
    found = dependents(context, flag)
    if found:
        names = first_five([f"{other['key']} (ID: {other['id']})" for other in found])
        raise Invalid(
            f"Cannot {what} this feature flag because other flags depend on it: {names}. "
            "Please update or disable the dependent flags first."
        )


def check_enabled(context: Context, flag: Data) -> None:
    """Refuse to enable a flag that depends on disabled ones."""
    found = [context.store.get(KIND, reference) for reference in _dependency_ids(flag["filters"])]
    disabled = sorted(
        (other["key"], other["id"])
        for other in found
        if other is not None and not other["active"] and not other["deleted"]
    )
    if disabled:
        names = first_five([f"{key} (ID: {identifier})" for key, identifier in disabled])
        raise Invalid(
            f"Cannot enable this feature flag because it depends on disabled flags: {names}. "
            "Please enable the dependency flags first."
        )


def experiments(context: Context, flag: Data) -> list[Data]:
    """The experiments on a flag, deleted ones included."""
    return context.store.referrers(KIND, flag["id"], "experiment")


def early_access(context: Context, flag: Data) -> list[Data]:
    return context.store.referrers(KIND, flag["id"], "early_access_feature")


def running(context: Context, flag: Data) -> list[Data]:
    return [
        each
        for each in experiments(context, flag)
        if not each["deleted"] and each["start_date"] and not each["end_date"]
    ]


def _names(found: list[Data]) -> str:
    return ", ".join(f'"{each["name"]}" (ID: {each["id"]})' for each in found)


def check_experiments(context: Context, before: Data | None, filters: Filters) -> None:
    """Refuse to take a variant away from a running experiment."""
    if before is None:
        return
    kept = {variant.get("key") for variant in variant_list(filters)}
    removed = [variant["key"] for variant in variant_list(before["filters"]) if variant["key"] not in kept]
    found = running(context, before) if removed else []
    if found:
        raise refuse(
            f"Cannot remove variant(s) {', '.join(repr(key) for key in removed)} from a feature flag that is "
            f"linked to running experiment(s): {_names(found)}. Please stop the experiment(s) before "
            "removing variants."
        )


def check_early_access(context: Context, before: Data | None, filters: Filters) -> None:
    grouped = any(group.get("aggregation_group_type_index") is not None for group in filters["groups"])
    if before is not None and grouped and early_access(context, before):
        raise refuse(
            "Cannot use group aggregation in any condition set when the flag is linked to an Early Access Feature."
        )


def check_deletable(context: Context, flag: Data) -> None:
    """Refuse to delete a flag that is in use, in PostHog's order of checks."""
    if early_access(context, flag):
        raise Invalid(
            "Cannot delete a feature flag that is in use with early access features. Please delete the "
            "early access feature before deleting the flag."
        )
    found = running(context, flag)
    if found:
        raise Invalid(
            f"Cannot delete a feature flag that is linked to running experiment(s): {_names(found)}. "
            "Please stop the experiment(s) before deleting the flag."
        )
    check_dependents(context, flag, "delete")
    linked = context.project.get("session_recording_linked_flag")
    if isinstance(linked, dict) and linked.get("id") == flag["id"]:
        raise Invalid(
            "This feature flag is used in session replay settings. Please remove it from replay settings "
            "before deleting."
        )


def free_key(context: Context, flags: Resource, key: str, but: int | None = None) -> None:
    """Take the key from the soft-deleted flags that hold it: they are erased, or renamed while something points at
    them.
    """
    project = flags.parent_id(context)
    for tombstone in context.store.select(KIND, project, "natural = ?", [key]):
        if tombstone["id"] == but or not tombstone["deleted"]:
            continue
        linked, features = experiments(context, tombstone), early_access(context, tombstone)
        if not linked and not features:
            context.store.remove(KIND, tombstone["id"])
            continue
        live = [str(each["id"]) for each in linked if not each["deleted"]]
        blockers = [f"active experiment(s) with ID(s): {', '.join(live)}"] if live else []
        if features:
            blockers.append(f"{len(features)} early access feature(s)")
        if blockers:
            raise Invalid(
                f"Cannot reuse key '{key}': a soft-deleted flag with this key is still referenced by "
                f"{' and '.join(blockers)}. Please contact support."
            )
        flags.store(context, {**tombstone, "key": f"{key}:deleted:{tombstone['id']}"})


def restore_key(context: Context, flags: Resource, before: Data, values: Data) -> None:
    """Give a restored flag its key back, with a number behind it when another flag has taken it."""
    original = str(before["key"]).removesuffix(f":deleted:{before['id']}")
    if original == before["key"]:
        return
    candidate, number = original, 2
    while context.store.find(KIND, candidate, flags.parent_id(context)) is not None:
        candidate, number = f"{original}-{number}", number + 1
    values["key"] = candidate


def show_links(context: Context, flag: Data, shown: Data) -> None:
    """Add the experiments and early access features of a flag to what is shown of it."""
    live = [each for each in experiments(context, flag) if not each["deleted"]]
    shown["experiment_set"] = [each["id"] for each in live]
    shown["experiment_set_metadata"] = [
        {"id": each["id"], "name": each["name"], "is_running": bool(each["start_date"] and not each["end_date"])}
        for each in live
    ]
    shown["features"] = [
        {name: each[name] for name in ("id", "name", "description", "stage", "documentation_url")}
        for each in early_access(context, flag)
    ]
    shown["surveys"] = [public.show_survey(context, row) for row in context.store.referrers(KIND, flag["id"], "survey")]


def describe(prop: dict[str, Any]) -> str:
    """A property filter in a few words, for people."""
    kind, value = prop.get("type"), prop.get("value")
    if kind == "cohort":
        return f"{'not ' if prop.get('operator') == 'not_in' else ''}in cohort {value}"
    if kind == "flag":
        return f"flag {prop.get('key')} evaluates to {value}"
    return f"{prop.get('key')} {prop.get('operator') or 'exact'} {value}"

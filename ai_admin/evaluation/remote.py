"""What PostHog says of one installation now. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ai_admin.evaluation.answers import Answer
from ai_admin.evaluation.persons import Person
from ai_admin.evaluation.served import Json, with_leaves
from providers.posthog.client import Client
from providers.posthog.errors import Problem
from providers.posthog.kinds import KINDS
from providers.posthog.kinds.flag import condition_property, condition_title
from providers.posthog.kinds.normal import parsed_json


@dataclass(frozen=True)
class Given:
    """What a flag gives an installation now."""

    answer: Answer
    by: str
    """What decided, in words."""


@dataclass(frozen=True)
class Now:
    """An installation as PostHog knows it."""

    known: bool
    """Whether PostHog has a person for its id."""
    properties: Json
    cohorts: frozenset[str]
    """The cohorts that it was in when PostHog computed them last, by key."""
    flags: Mapping[str, Json]
    """All flags as PostHog holds them, by key, with keys for the ids of cohorts and flags in their conditions."""
    given: Mapping[str, Given]
    """What PostHog serves of them, by key. It serves no flag that is off."""
    unclear: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The cohorts of the definitions, by key, of whose name PostHog has several, with the ids of these, where the
    installation is in some of them."""


def read(client: Client, distinct_id: str, properties: Json, names: Mapping[str, str]) -> Now:
    """Return what PostHog says of an installation, in six requests or a few more where there are many flags.

    Args:
        client: the project. Its key needs the scopes ``project:read``, ``person:read``, ``cohort:read`` and
            ``feature_flag:read``.
        distinct_id: the installation's id.
        properties: what to take for properties of the installation instead of those that PostHog has.
        names: the keys of the definitions' cohorts by the names that these have in PostHog. Another cohort is called
            by its name.

    Raises ApiError.
    """
    token = client.project()["api_token"]
    persons = client.get(client.project_path("persons"), {"distinct_id": distinct_id})["results"]
    rows = [row for row in client.pages(client.project_path(KINDS["cohort"].collection)) if not row.get("deleted")]
    called = {row["id"]: row["name"] for row in rows}
    cohorts = {id_: names.get(name, name) for id_, name in called.items()}
    held = [row for row in client.pages(client.project_path(KINDS["flag"].collection)) if not row.get("deleted")]
    flags = {row["key"]: _with_keys(row, cohorts, {str(each["id"]): each["key"] for each in held}) for row in held}
    asked = {"api_key": token, "distinct_id": distinct_id, "person_properties": properties, "geoip_disable": True}
    served = client.request("POST", "/flags/", asked, {"v": "2"}, repeatable=True)["flags"]
    among = _memberships(client, persons[0]["uuid"]) & cohorts.keys() if persons else set()
    alike = {key: sorted(id_ for id_, name in called.items() if names.get(name) == key) for key in names.values()}
    return Now(
        bool(persons),
        {**(persons[0]["properties"] if persons else {}), **properties},
        frozenset(cohorts[id_] for id_ in among),
        flags,
        {key: given(flags[key], said) for key, said in served.items() if key in flags},
        {key: ids for key, ids in alike.items() if 0 < len(among.intersection(ids)) < len(ids)},
    )


def _memberships(client: Client, person: str) -> set[int]:
    rows = client.get(client.project_path("persons/cohorts"), {"person_id": person})["results"]
    return {row["id"] for row in rows}


def _with_keys(flag: Json, cohorts: Mapping[int, str], flags: Mapping[str, str]) -> Json:
    """Return a flag as PostHog holds it with keys in the place of ids."""
    filters = flag.get("filters") or {}
    index = filters.get("aggregation_group_type_index")
    groups = [{"aggregation_group_type_index": index, **each} for each in filters.get("groups") or ()]
    whole = {**flag, "filters": {**filters, "groups": groups}}
    return with_leaves(whole, lambda leaf: _leaf(leaf, cohorts, flags))


def _leaf(leaf: Json, cohorts: Mapping[int, str], flags: Mapping[str, str]) -> Json:
    leaf = condition_property(leaf)
    if leaf["type"] == "cohort":
        return {**leaf, "value": cohorts.get(leaf["value"], str(leaf["value"]))}
    if leaf["type"] == "flag":
        return {**leaf, "key": flags.get(str(leaf["key"]), str(leaf["key"]))}
    return leaf


def given(flag: Json, said: Mapping[str, Any]) -> Given:
    """Return what PostHog's flag service says of a flag (``FlagDetails`` in rust/feature-flags, api/types.rs)."""
    reason = said.get("reason") or {}
    index = reason.get("condition_index") if said["enabled"] and reason.get("code") == "condition_match" else None
    value = (said.get("variant") or True) if said["enabled"] else False
    by = reason.get("description") or reason.get("code") or ""
    if index is not None:
        by = f'"{condition_title(flag["filters"]["groups"][index])}"'
    return Given(Answer(value, parsed_json((said.get("metadata") or {}).get("payload")), index), by)


def person(now: Now, distinct_id: str, computed: Mapping[str, Json | None], cohorts: frozenset[str]) -> Person:
    """Return an installation as the definitions' evaluation is asked about it.

    Args:
        now: what PostHog says of it.
        distinct_id: its id.
        computed: the definitions' cohorts; those with criteria are computed anew, since a file may have changed them.
        cohorts: those that it is to be taken for a member of.

    Raises ``Problem`` where it can't be told which of several cohorts of one name it is in.
    """
    for key, ids in now.unclear.items():
        if key in computed and computed[key] is None and key not in cohorts:
            said = f"PostHog has {len(ids)} cohorts of the name of cohort/{key} ({', '.join(map(str, ids))})"
            raise Problem(
                f"{said}, and {distinct_id} is in some of them: give them names of their own, or say --cohort {key} if "
                "it is in that one"
            )
    fixed = frozenset(key for key in now.cohorts if computed.get(key) is None)
    return Person(distinct_id, now.properties, fixed | cohorts)

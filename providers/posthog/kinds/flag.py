"""Feature flags. PostHog keeps most of a flag in one JSON column, ``filters``; here its parts are fields of their own.

Newer servers merge the top-level keys of ``filters`` that a PATCH sends into what is stored; those of July 2026 put
what is sent in its place, and ignore ``filters`` without ``groups``. So a change of one part sends all of them, and
clearing one takes an explicit null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from providers.posthog.kinds.base import Directory, Feature, Field, Kind, Reading
from providers.posthog.kinds.normal import each_item, plain, same_json, tags, text
from providers.posthog.kinds.phrases import choice_text, filters_moved, filters_text, plain_text
from providers.posthog.kinds.wording import ARCHIVED, PERCENTAGE, SERVE, SWITCH, Wording, switchable

# What PostHog's API and UI add to conditions and to the properties in them, and nobody wrote.
_ADDED_TO_CONDITION = ("sort_key", "users_affected")
_ADDED_TO_PROPERTY = ("cohort_name", "group_key_names", "label")
_WITHOUT_VALUE = ("is_set", "is_not_set")
_ALIASES = {"min": "gte", "max": "lte"}
_COMPARED_AS_NUMBERS = ("gt", "gte", "lt", "lte")

ENCRYPTED = "********* (encrypted)"
"""What stands for a payload that PostHog keeps encrypted, as on its pages: a personal API key reads it in clear, and no
file, state or sentence is to have it."""

NOT_MANAGED = "PostHog keeps them encrypted, and definitions hold no secrets"
"""Why encrypted payloads are no definition's."""


def condition_property(written: dict[str, Any]) -> dict[str, Any]:
    """Return a condition's property filter with type and operator filled in and a lone list item unwrapped.

    ``exact`` and ``is_not`` treat a list of one like the item (the UI always saves a list). ``is_set`` and
    ``is_not_set`` look at the key alone, so their value means nothing. Bounds are text: PostHog compares
    them as numbers, and its stricter rules refuse anything but text there.
    """
    result = {"type": "person", "operator": "exact", **plain(written)}
    for name in _ADDED_TO_PROPERTY:
        result.pop(name, None)
    if not result.get("negation"):  # of a cohort's leaves; a flag's conditions have no use for it
        result.pop("negation", None)
    result["operator"] = _ALIASES.get(result["operator"], result["operator"])
    if isinstance(result.get("key"), int):  # PostHog keeps property keys as text
        result["key"] = str(result["key"])
    if result["type"] == "cohort":
        result["key"] = "id"
        result["operator"] = "not_in" if result["operator"] == "not_in" else "in"
    if result["operator"] in _WITHOUT_VALUE:
        result.pop("value", None)
    value = result.get("value")
    if result["operator"] in ("exact", "is_not") and isinstance(value, list) and len(value) == 1:
        result["value"] = value[0]
    if result["operator"] in _COMPARED_AS_NUMBERS and type(value) in (int, float):
        result["value"] = str(value)
    return result


def _condition(value: dict[str, Any]) -> dict[str, Any]:
    result = {"rollout_percentage": 100, **plain(value)}
    for name in _ADDED_TO_CONDITION:
        result.pop(name, None)
    if not result.get("description"):
        result.pop("description", None)
    result["properties"] = [condition_property(item) for item in result.get("properties") or ()]
    return result


def condition_name(item: Mapping[str, Any]) -> str:
    """Return what makes a condition this one: its description, or else whom it is for."""
    whom = " and ".join(map(_filter_name, item.get("properties") or ())) or "everybody"
    return str(item.get("description") or whom)


def _filter_name(leaf: Mapping[str, Any]) -> str:
    value = leaf.get("value")
    known = isinstance(value, str | int | float | list)  # in a preview, an id may not be
    if leaf.get("type") == "cohort":
        return f"{leaf.get('operator')} cohort {value if known else 'that is new'}"
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value if known else ""
    return f"{leaf.get('key')} {leaf.get('operator')} {shown}".strip()


def _variant_name(item: Mapping[str, Any]) -> str:
    return str(item.get("key"))


def _write_property(item: dict[str, Any]) -> dict[str, Any]:
    # The API's schema asks for a value; the UI saves the operator's own name for the two that have none.
    return {**item, "value": item["operator"]} if item["operator"] in _WITHOUT_VALUE else item


def _write_conditions(value: list[dict[str, Any]], _: Directory) -> Any:
    """Return conditions that say by what they are rolled out, persons or a group type.

    PostHog gives a condition that does not say it the index stored for the whole flag, then derives the flag's from its
    conditions again: one left out would keep what it is meant to lose.
    """
    persons = {"aggregation_group_type_index": None}
    return [{**persons, **item, "properties": [_write_property(each) for each in item["properties"]]} for item in value]


def _read_conditions(raw: Any, reading: Reading) -> Any:
    # Only a flag that was last saved long ago has conditions without an index of their own.
    index = (reading.live.get("filters") or {}).get("aggregation_group_type_index")
    return [{"aggregation_group_type_index": index, **item} for item in raw or ()]


def _variant(value: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = plain(value)
    return {name: item for name, item in result.items() if item != ""}


def _payloads(value: Any) -> Any:
    if not isinstance(value, dict):
        return plain(value)
    return {str(name): same_json(item) for name, item in value.items() if item is not None}


def _read_payloads(raw: Any, reading: Reading) -> Any:
    sealed = isinstance(raw, dict) and reading.live.get("has_encrypted_payloads")
    return dict.fromkeys(raw, ENCRYPTED) if sealed else raw


def is_encrypted(flag: Mapping[str, Any]) -> bool:
    """Return whether the canonical form of a live flag has payloads that PostHog keeps encrypted."""
    return ENCRYPTED in (flag.get("payloads") or {}).values()


def _condition_text(item: Mapping[str, Any]) -> str:
    variant = f", as {item['variant']}" if item.get("variant") else ""
    whom = f" where {filters_text(item['properties'])}" if item.get("description") and item.get("properties") else ""
    return f"{plain_text(item.get('rollout_percentage', 100))} %{whom}{variant}"


def _place_text(runtime: Any) -> str:
    return {"all": "everywhere", "client": "clients only", "server": "servers only"}.get(runtime, choice_text(runtime))


def condition_title(item: Mapping[str, Any]) -> str:
    """Return what people call a condition: its description, or else whom it is for."""
    return str(item.get("description") or filters_text(item.get("properties")))


_CONDITION = Wording(
    "condition",
    name=condition_title,
    kept=("properties", "aggregation_group_type_index"),
    show=_condition_text,
    parts={
        "rollout_percentage": PERCENTAGE,
        "properties": Wording(
            "audience", show=filters_text, moved=filters_moved, quoted=True, empty="everybody"
        ),
        "aggregation_group_type_index": Wording("unit", show=lambda index: f"groups of type {index}", empty="persons"),
    },
)
_VARIANT = Wording(
    "variant",
    name=_variant_name,
    show=lambda item: f"{plain_text(item.get('rollout_percentage', 0))} %",
    parts={"rollout_percentage": PERCENTAGE},
)


FLAG = Kind(
    name="flag",
    type="FeatureFlag",
    collection="feature_flags",
    scope="feature_flag",
    pages=("feature_flags/{id}",),
    folder="flags",
    natural_key=("key",),
    unique=True,
    # A list leaves archived flags out, unless they are asked for; their keys are taken all the same.
    lists=({}, {"archived": "true"}),
    # Otherwise servers of July 2026 make a dashboard of the flag's usage, with insights, that no definition has.
    constants={"_should_create_usage_dashboard": False},
    whole=("filters",),
    # Without it PostHog stores what an API key reads in clear as it is sent (encrypt_flag_payloads in PostHog's
    # posthog/helpers/encrypted_flag_payloads.py).
    with_whole=("has_encrypted_payloads",),
    lifecycle="approved",
    weight=SERVE,
    fields=(
        Field("key", required=True),
        # PostHog's column for a flag's description is called `name`.
        Field("description", path=("name",), default="", normalise=text),
        Field("active", default=True, shown=True, wording=SWITCH),
        Field("archived", default=False, wording=ARCHIVED),
        Field("tags", default=[], normalise=tags),
        Field(
            "variants",
            path=("filters", "multivariate"),
            default=[],
            normalise=each_item(_variant),
            # `multivariate: {}` is refused: a flag without variants has null here.
            write=lambda value, _: {"variants": value} if value else None,
            item=_variant_name,
            wording=Wording(each=_VARIANT),
            read=lambda raw, _: raw.get("variants") if isinstance(raw, dict) else None,
        ),
        Field(
            "release_conditions",
            tree=("cohort", "flag"),
            path=("filters", "groups"),
            default=[],
            normalise=each_item(_condition),
            write=_write_conditions,
            read=_read_conditions,
            item=condition_name,
            wording=Wording(each=_CONDITION),
            # A new flag needs a condition. Until people write theirs, it is for nobody.
            start=[{"properties": [], "rollout_percentage": 0}],
        ),
        Field(
            "payloads",
            written=("payload",),
            path=("filters", "payloads"),
            default={},
            normalise=_payloads,
            read=_read_payloads,
            masked=lambda payloads: is_encrypted({"payloads": payloads}),
            wording=Wording("payload", each=Wording()),
        ),
        Field(
            "early_exit",
            path=("filters", "early_exit"),
            wording=switchable(
                "no later condition serves whom a condition's share leaves out",
                "a later condition may serve whom a condition's share leaves out",
            ),
            default=False,
            feature=Feature("the organisation's access to early exit", refusal="early_exit is not available"),
        ),
        Field(
            "feature_enrollment",
            path=("filters", "feature_enrollment"),
            default=False,
            wording=switchable("is also for whoever opts in", "is no longer for whoever opts in"),
        ),
        Field(
            "holdout",
            path=("filters", "holdout"),
            wording=Wording("share kept out", show=lambda value: f"{plain_text(value.get('exclusion_percentage'))} %"),
        ),
        Field(
            "ensure_experience_continuity",
            default=False,
            wording=switchable(
                "keeps for a person what they had before logging in", "may change for a person when they log in"
            ),
        ),
        Field("evaluation_runtime", default="all", wording=Wording("place of evaluation", show=_place_text)),
        Field(
            "evaluation_contexts",
            default=[],
            normalise=tags,
            feature=Feature("the organisation's access to evaluation contexts"),
        ),
        Field("bucketing_identifier", default="distinct_id", wording=Wording("unit of a share", show=choice_text)),
        Field(
            "is_remote_configuration",
            default=False,
            wording=switchable("only delivers its payload", "is a switch, and not only a payload"),
        ),
    ),
    left={
        "filters.aggregation_group_type_index": "PostHog derives it from the release conditions, which have it",
        "filters.super_groups": "a former feature: PostHog neither evaluates it nor keeps it through a save",
        "filters.holdout_groups": "a former feature: PostHog neither evaluates it nor keeps it through a save",
        "has_encrypted_payloads": "its payloads can only be left to PostHog's pages, as definitions hold no secrets",
        "analytics_dashboards": "dashboards shown beside the flag; PostHog only ever adds to them",
        "has_enriched_analytics": "PostHog sets it when somebody opens the flag's usage page",
        "creation_context": "says once from which of PostHog's pages a flag comes",
        "created_at": "a fact about the past",
        "last_called_at": "PostHog counts it",
        "version": "PostHog counts it",
    },
)

[CONDITIONS] = (each for each in FLAG.fields if each.name == "release_conditions")
"""The field with the release conditions."""


def misfits(flag: Mapping[str, Any], changed: Iterable[str]) -> dict[str, str]:
    """Return what PostHog would refuse in a flag because its parts do not fit together, in words, by part.

    `ai-admin check` refuses it in a file; here part of the flag may be what people left in PostHog.

    Args:
        flag: the canonical form with every field, also with those that are left to PostHog's pages.
        changed: the names of the fields that a write changes: unchanged ones are not checked.

    The rules are those of PostHog's ``filters_validation.py``, which a write of any part of ``filters`` meets, and of
    the flag's serializer.
    """
    names, found = set(changed), {}
    if names & {field.name for field in FLAG.fields if field.api_path[0] == "filters"}:
        variants = [_variant_name(each) for each in flag.get("variants") or ()]
        of_flag = f"the variants are {', '.join(variants)}" if variants else "the flag has no variants"
        for key in flag.get("payloads") or {}:
            if key not in (variants or ("true",)):
                found[f"payload {key}"] = f"there is a payload for {key!r}, and {of_flag}"
        for each in flag.get("release_conditions") or ():
            if each.get("variant") and each["variant"] not in variants:
                what = f"the condition {condition_title(each)!r} serves {each['variant']!r}"
                found[what] = f"{what}, and {of_flag}"
    if names & {"active", "archived"} and flag.get("active") and flag.get("archived"):
        found["archived"] = "it would be on and archived"
    if names & {"bucketing_identifier", "ensure_experience_continuity"} and (
        flag.get("bucketing_identifier") == "device_id" and flag.get("ensure_experience_continuity")
    ):
        found["devices"] = "its shares would be of devices, for which there is no ensure_experience_continuity"
    return found

"""The field tables are whole: every field that PostHog's API can write is owned or left to PostHog, with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.definitions import explain, schemas
from providers.posthog.kinds import KINDS, Kind
from sandbox.rest.registry import resources
from tests.support.samples import SAMPLES
from tests.unit.upstream.compare_api import NO_FIELDS, accounted_for, columns, written
from tests.unit.upstream.settled import stored

API: dict[str, Any] = stored("api.json")
FIELDS = [(kind.name, field) for kind in KINDS.values() for field in kind.fields]

# What PostHog's serializers take beside the bodies that it publishes (tests/upstream/api.json): of events and
# properties no package has one, and others leave out what is not for everybody.
FLAG_AND_ACTION = {
    "event": "name description tags verified hidden owner default_columns enforcement_mode primary_property",
    "property": "description tags property_type verified hidden",
    "cohort": "groups",
    "flag": "has_encrypted_payloads analytics_dashboards has_enriched_analytics creation_context created_at"
    " last_called_at version filters.holdout filters.super_groups filters.holdout_groups",
    "dashboard": "filters variables duplicate_tiles",
    "insight": "query saved",
    "alert": "forecast_config",
    "notification": "batch_export_id",
    "action": "last_calculated_at",
    "subscription": "content_type invite_message ai_config contexts proactive_config",
}


def writable(kind: Kind) -> set[str]:
    """The fields that PostHog or the sandbox takes for a kind; tiles are the one part of a dashboard that is a kind."""
    if kind.name == "tiles":
        return {"tiles"}
    [resource] = [each for each in resources() if each.collection == kind.collection and each.parent == "project"]
    served = {field.name for field in resource.fields if field.check is not None} - NO_FIELDS
    published = set(written(API[kind.collection])) if kind.collection in API else set()
    return {*served, *published, *FLAG_AND_ACTION.get(kind.name, "").split()} - {"tiles"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_field_that_the_api_can_write_is_owned_or_left_to_posthog_with_a_reason(kind: Kind) -> None:
    assert [name for name in columns(sorted(writable(kind)), kind) if not accounted_for(kind, name)] == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_nothing_is_left_to_posthog_that_its_api_can_not_write_or_a_field_owns(kind: Kind) -> None:
    known = writable(kind)
    owned = {".".join(field.api_path) for field in kind.fields}
    for name, reason in kind.left.items():
        assert name in known or name.split(".")[0] in known
        assert name not in owned
        assert reason


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=[f"{kind}-{field.name}" for kind, field in FIELDS])
def test_every_field_has_a_sample(kind: str, field: Any) -> None:
    samples = SAMPLES[kind]
    sample = samples.fields[field.name]
    if field.clearable:
        assert not _same(field, sample.value, None)
        assert sample.changed or field.name in samples.fixed, "say what somebody does to it in PostHog"


def _same(field: Any, one: Any, other: Any) -> bool:
    return bool(field.canonical(one) == field.canonical(other))


@pytest.mark.parametrize("kind", SAMPLES)
def test_no_sample_is_of_a_field_that_is_not_there(kind: str) -> None:
    assert set(SAMPLES[kind].fields) == {field.name for field in KINDS[kind].fields}


WRITTEN = [kind for kind, samples in SAMPLES.items() if samples.file]
REFUSED = [(kind, name, path) for kind in WRITTEN for name, path in SAMPLES[kind].needed.items()]


def findings(file: str, written: dict[str, Any]) -> list[str]:
    return [str(each.message) for each in explain.findings(schemas.violations(file, written, lambda _: None))]


def without(value: Any, path: tuple[Any, ...]) -> Any:
    """A copy of a definition without what stands at a path."""
    step, *rest = path
    if isinstance(value, list):
        return [without(item, tuple(rest)) if n == step else item for n, item in enumerate(value)]
    if rest:
        return {**value, step: without(value[step], tuple(rest))}
    return {name: item for name, item in value.items() if name != step}


@pytest.mark.parametrize(("kind", "field", "path"), REFUSED, ids=[f"{kind}-{name}" for kind, name, _ in REFUSED])
def test_a_definition_without_what_posthog_can_not_do_without_is_refused(
    kind: str, field: str, path: tuple[Any, ...]
) -> None:
    samples = SAMPLES[kind]
    assert findings(samples.file, dict(samples.author)) == []
    assert findings(samples.file, without(samples.author, path))


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_can_not_be_cleared_is_what_a_schema_asks_for(kind: str) -> None:
    not_clearable = {field.name for field in KINDS[kind].fields if not field.clearable}
    assert not_clearable == {*SAMPLES[kind].needed, *SAMPLES[kind].given}


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_a_definition_may_leave_to_posthog_is_what_the_table_says(kind: str) -> None:
    assert offered(kind) == {field.name for field in KINDS[kind].fields if field.manageable}


def offered(kind: str) -> set[str]:
    """The names that a schema takes in ``unmanaged``; none for what has no definition of its own."""
    if kind not in WRITTEN:
        return set()
    properties = schemas.schema(SAMPLES[kind].file)["properties"]
    if kind == "insight":
        properties = properties["tiles"]["items"]["properties"]["insight"]["then"]["properties"]
    return set(properties["unmanaged"]["items"]["enum"])

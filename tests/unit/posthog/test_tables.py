"""The field tables are whole: every field that PostHog's API can write is owned or left to PostHog, with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.definitions import explain, schemas
from providers.posthog.kinds import KINDS, Kind
from sandbox.resources import RESOURCES
from tests.support.samples import SAMPLES

FIELDS = [(kind.name, field) for kind in KINDS.values() for field in kind.fields]

# Compiled from PostHog's serializers, the parts of its JSON columns included; the sandbox's are asked as well.
WRITABLE = {
    "event": "name description tags verified hidden owner default_columns enforcement_mode primary_property",
    "property": "description tags property_type verified hidden",
    "cohort": "name description groups filters query is_static cohort_type _create_static_person_ids",
    "flag": "key name active archived tags evaluation_contexts ensure_experience_continuity is_remote_configuration"
    " has_encrypted_payloads evaluation_runtime bucketing_identifier analytics_dashboards has_enriched_analytics"
    " creation_context created_at last_called_at version filters.groups filters.multivariate filters.payloads"
    " filters.aggregation_group_type_index filters.feature_enrollment filters.holdout filters.early_exit"
    " filters.super_groups filters.holdout_groups",
    "dashboard": "name description pinned filters variables breakdown_colors data_color_theme_id quick_filter_ids tags"
    " restriction_level use_template use_dashboard duplicate_tiles delete_insights grid_spacing layout_compaction",
    "insight": "name derived_name query order dashboards description tags favorited saved",
    "tiles": "tiles",
    "alert": "name insight subscribed_users threshold condition config detector_config forecast_config"
    " calculation_interval enabled skip_weekend schedule_restriction schedule_start_time"
    " snoozed_until investigation_agent_enabled investigation_gates_notifications investigation_inconclusive_action",
    "notification": "type name description enabled hog inputs_schema inputs filters masking mappings icon_url"
    " template_id execution_order batch_export_id base_updated_at",
    "action": "name description tags steps post_to_slack slack_message_format pinned_at",
    "annotation": "content date_marker creation_type scope dashboard_item dashboard_id emoji hidden_in_user_interface",
    "experiment": "name description start_date end_date feature_flag_key parameters metrics metrics_secondary"
    " excluded_variants saved_metrics_ids holdout_id exposure_criteria stats_config scheduling_config type archived"
    " conclusion conclusion_comment primary_metrics_ordered_uuids secondary_metrics_ordered_uuids"
    " allow_unknown_events update_feature_flag_params",
    "subscription": "dashboard insight dashboard_export_insights target_type target_value integration_id frequency"
    " interval byweekday bysetpos count start_date until_date title invite_message enabled summary_enabled"
    " summary_prompt_guide prompt ai_config ai_prompt_config contexts proactive_config delivery_config send_test_now",
}
# How an object goes, and where it stands in PostHog's tree of files when it is made.
NO_FIELDS = {"deleted", "_create_in_folder"}


def accounted_for(kind: Kind, name: str) -> bool:
    """Whether a field of the API is owned, a constant, or left to PostHog; parts of a column by their whole path."""
    steps = tuple(name.split("."))
    owned = any(field.api_path[: len(steps)] == steps for field in kind.fields)
    return owned or name in kind.constants or any(each.split(".")[: len(steps)] == list(steps) for each in kind.left)


def writable(kind: Kind) -> set[str]:
    """The fields that the sandbox takes for a kind; of tiles, which are a part of a dashboard, those of a tile."""
    if kind.name == "tiles":
        return {"tiles"}
    [resource] = [each for each in RESOURCES if each.collection == kind.collection and each.parent == "project"]
    return {field.name for field in resource.fields if field.check is not None} - NO_FIELDS


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_field_that_the_api_can_write_is_owned_or_left_to_posthog_with_a_reason(kind: Kind) -> None:
    known = {*WRITABLE[kind.name].split(), *writable(kind)}
    assert [name for name in sorted(known) if not accounted_for(kind, name)] == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_nothing_is_left_to_posthog_that_its_api_can_not_write_or_a_field_owns(kind: Kind) -> None:
    known = {*WRITABLE[kind.name].split(), *writable(kind)}
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

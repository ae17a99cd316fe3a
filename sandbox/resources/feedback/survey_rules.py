"""The rules between a survey's fields, in PostHog's order and words (survey.py, `validate`)."""

from datetime import UTC, datetime
from typing import Any

from sandbox.resources.flags import linked_flags
from sandbox.rest.listing import column
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Failure, Invalid

NOT_OUTSIDE = ("linked_flag_id", "targeting_flag_filters")
CONDITIONS_NOT_OUTSIDE = tuple(
    "url urlMatchType selector seenSurveyWaitPeriodInDays linkedFlagVariant deviceTypes deviceTypesMatchType".split()
)


def check(context: Context, values: Data, before: Data | None) -> None:
    """Refuse a survey that isn't one. Raises `Invalid`."""
    _check_flags(context, values)
    _check_name(context, values, before)
    _check_targeting(values.get("targeting_flag_filters"))
    _check_sampling(values)
    _check_shuffling(values, before)
    if values.get("type") == "external_survey":
        _check_external(values)
    _check_iterations(values, before)


def _check_flags(context: Context, values: Data) -> None:
    linked = values.get("linked_flag_id")
    flag = linked_flags.chosen(context, linked) if linked else None
    if values.get("targeting_flag_id") and linked_flags.get(context, values["targeting_flag_id"]) is None:
        raise Invalid("Targeting Feature Flag with this ID does not exist")
    insight = values.get("linked_insight_id")
    if insight and context.store.get("insight", insight, str(context.project["id"])) is None:
        raise Invalid("Insight with this ID does not exist")
    variant = (values.get("conditions") or {}).get("linkedFlagVariant")
    if variant and flag is None:
        raise Invalid("linkedFlagVariant can only be used when a linked_flag_id is specified")
    if not variant or flag is None or variant == "any":
        return
    keys = [each["key"] for each in linked_flags.variants(flag)]
    if not keys:
        raise Invalid(f"Feature flag variant '{variant}' specified but the linked feature flag has no variants")
    if variant not in keys:
        raise Invalid(f"Feature flag variant '{variant}' does not exist. Available variants: {', '.join(keys)}")


def _check_name(context: Context, values: Data, before: Data | None) -> None:
    name = values.get("name")
    if name is None or (before is not None and name == before["name"]):
        return
    if context.store.select("survey", str(context.project["id"]), f"{column('name')} = ?", [name]):
        other = "a" if before is None else "another"
        raise Invalid(f"There is already {other} survey with this name.", None, "unique")


def _check_targeting(filters: Any) -> None:
    groups = (filters or {}).get("groups") or []
    if any(group.get("rollout_percentage") in (100, None) and not group.get("properties") for group in groups):
        raise Invalid(
            "Invalid operation: User targeting rolls out to everyone. "
            "If you want to roll out to everyone, delete this targeting"
        )


def _check_sampling(values: Data) -> None:
    start, interval = values.get("response_sampling_start_date"), values.get("response_sampling_interval")
    if start is not None:
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        moment = datetime.fromisoformat(start)
        if moment < today:
            raise Invalid(
                "Response sampling start date must be today or a future date in UTC. "
                f"Got {moment} when current time is {today}",
                "response_sampling_start_date",
            )
    if interval is not None and interval <= 0:
        raise Invalid("Response sampling interval must be greater than 0.", "response_sampling_interval")
    if values.get("response_sampling_limit"):
        if interval is None:  # PostHog compares None with a number here, and fails
            raise Failure()
        if start is None:
            raise Invalid(
                "Response sampling start date should be set if response_sampling_start_date is not zero.",
                "response_sampling_start_date",
            )


def _check_shuffling(values: Data, before: Data | None) -> None:
    looks = {**((before or {}).get("appearance") or {}), **(values.get("appearance") or {})}
    asked = values.get("questions")
    if asked is None:
        asked = (before or {}).get("questions")
    if looks.get("shuffleQuestions") and any(question.get("branching") is not None for question in asked or []):
        raise Invalid(
            "Question shuffling and question branching cannot be used together. Please disable one of these features."
        )


def _check_external(values: Data) -> None:
    for name in NOT_OUTSIDE:
        if values.get(name) is not None:
            raise Invalid(f"{name} is not allowed for external surveys", name)
    conditions = values.get("conditions") or {}
    wrong = [name for name in CONDITIONS_NOT_OUTSIDE if conditions.get(name) is not None]
    wrong += [name for name in ("actions", "events") if (conditions.get(name) or {}).get("values")]
    if wrong:
        raise Invalid(
            f"The following condition fields are not allowed for external surveys: {', '.join(wrong)}", "conditions"
        )
    if (values.get("appearance") or {}).get("surveyPopupDelaySeconds") is not None:
        raise Invalid("surveyPopupDelaySeconds is not allowed for external surveys", "appearance")


def _check_iterations(values: Data, before: Data | None) -> None:
    count, current = values.get("iteration_count"), (before or {}).get("current_iteration")
    if count is not None and current is not None and current > count > 0:
        raise Invalid(f"Cannot change survey recurrence to {count}, should be at least {current}")

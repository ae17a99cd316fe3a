"""Surveys: questions for the people who use the product, such as whether an answer was any good."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds.base import Field, Json, Kind, read_id
from providers.posthog.kinds.normal import each_item, instant, plain, text
from providers.posthog.kinds.phrases import OPERATORS, choice_text
from providers.posthog.kinds.wording import ARCHIVED, CHOICE, MOMENT, SERVE, VIEW, Wording, switchable


def _question(value: Any) -> Any:
    """Return a question without its id, and without what it says by not saying it."""
    question = plain(value)
    return {name: item for name, item in question.items() if name != "id" and item not in ("", False, {})}


def _carry_questions(new: Json, live: Json) -> Json:
    """Give questions the ids they had, by which PostHog keeps the answers: by their text, and then by their place."""
    known = {item["question"]: item["id"] for item in live or () if "id" in item}
    texts = {item["question"] for item in new}
    free = [item.get("id") if item["question"] not in texts else None for item in live or ()]
    ids = [known.get(item["question"]) or (free[n] if n < len(free) else None) for n, item in enumerate(new)]
    return [{**item, "id": id_} if id_ else item for item, id_ in zip(new, ids, strict=True)]


def _conditions(value: Any) -> Any:
    """Return conditions without what restricts nothing; PostHog answers actions whole, and takes their ids."""
    value = plain(value)
    if not isinstance(value, dict):
        return value
    return {name: item for name, item in value.items() if item not in ("", [], {}, {"values": []})}


_SHOWN = Wording(
    "shown where",
    parts={
        **dict.fromkeys(("events", "actions"), Wording(parts={"values": Wording(inline=True)})),
        "urlMatchType": Wording(
            "comparison of the address", show=lambda name: OPERATORS.get(name, choice_text(name)), quoted=True
        ),
        "seenSurveyWaitPeriodInDays": Wording("time since the last survey", unit=" days"),
        "linkedFlagVariant": Wording("variant"),
    },
)

_QUESTION = Wording(
    "question",
    name=lambda item: str(item.get("question")),
    parts={"optional": switchable("may be left unanswered", "has to be answered")},
)


SURVEY = Kind(
    name="survey",
    type="Survey",
    collection="surveys",
    scope="survey",
    pages=("surveys/{id}",),
    folder="surveys",
    natural_key=("name",),
    weight=SERVE,
    numeric_id=False,
    soft_delete=False,
    # PostHog makes hidden flags of a survey, and keeps them in step with it; servers of July 2026 also make a dashboard
    # of such a flag's use, which stays when the survey goes.
    needs=("feature_flag:write",),
    fields=(
        Field("name", normalise=text, distinct=True, required=True),
        Field("description", default="", normalise=text),
        Field("type", wording=CHOICE, required=True),
        # Sent with every change: PostHog checks the variant in the conditions against the flag in the same request.
        Field("flag", ref="flag", path=("linked_flag_id",), read_path=("linked_flag",), read=read_id, always=True),
        Field(
            "questions",
            wording=Wording(each=_QUESTION),
            default=[],
            normalise=each_item(_question),
            carry=_carry_questions,
            required=True,
            clearable=False,
        ),
        Field(
            "conditions",
            default={},
            normalise=_conditions,
            write=lambda value, _: value or None,
            wording=_SHOWN,
        ),
        Field("appearance", normalise=lambda value: plain(value) or None, wording=Wording(weight=VIEW)),
        Field("schedule", default="once", wording=Wording("repetition", show=choice_text)),
        Field("start_date", normalise=instant, wording=MOMENT),
        Field("end_date", normalise=instant, wording=MOMENT),
        Field("responses_limit", wording=Wording("most answers")),
        Field("iteration_count", wording=Wording("number of rounds")),
        Field("iteration_frequency_days", wording=Wording("time between rounds", unit=" days")),
        Field(
            "enable_partial_responses",
            default=False,
            wording=switchable("counts answers that are not complete", "counts complete answers only", weight=VIEW),
        ),
        Field("archived", default=False, wording=ARCHIVED),
    ),
    narrowed={
        "targeting_flag": "the people to whom it is shown. Made anew it asks everybody; to say them in the file, write "
        "`flag:` with a flag of theirs",
        "response_sampling_limit": "how many answers it takes in a time. Made anew it takes all that come",
    },
    left={
        "linked_insight_id": "the insight from which somebody made the survey",
        "targeting_flag_id": "a hidden flag with the people it is shown to; a definition names a flag of its own",
        "targeting_flag_filters": "goes with targeting_flag_id",
        "remove_targeting_flag": "goes with targeting_flag_id",
        "response_sampling_start_date": "PostHog refuses a past one even unchanged, so no file could keep it",
        "response_sampling_interval_type": "goes with response_sampling_start_date",
        "response_sampling_interval": "goes with response_sampling_start_date",
        "response_sampling_limit": "goes with response_sampling_start_date",
        "response_sampling_daily_limits": "goes with response_sampling_start_date",
        "current_iteration": "PostHog counts it",
        "current_iteration_start_date": "PostHog counts it",
        "iteration_start_dates": "PostHog works them out",
        "enable_iframe_embedding": "whether other sites may show it; people choose it with the address there",
        "base_language": "the language of the texts; translations are made on PostHog's pages",
        "translations": "people translate on PostHog's pages",
        "form_content": "the layout of PostHog's form editor",
    },
)

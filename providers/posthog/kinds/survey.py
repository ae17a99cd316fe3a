"""Surveys: questions for the people who use the product, such as whether an answer was any good."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds.base import Field, Json, Kind, read_id
from providers.posthog.kinds.normal import each_item, instant, plain, text
from providers.posthog.kinds.phrases import OPERATORS, choice_text
from providers.posthog.kinds.wording import ARCHIVED, CHOICE, MOMENT, SERVE, VIEW, Wording, switchable

_BY_PEOPLE = ("translations", "validation")
"""What people add to a question on PostHog's pages, and no file says."""


_NOTHING_TO_SEE = (("shuffleQuestions", False), ("hideCancelButton", False), ("thankYouMessageDescription", ""))
"""What of an appearance is the same as not to say it."""


def _question(value: Any) -> Any:
    """Return a question without its id, what people add, and what it says by not saying it."""
    question = plain(value)
    return {
        name: item
        for name, item in question.items()
        if name not in ("id", *_BY_PEOPLE) and item not in ("", False, {})
    }


def _carry_questions(new: Json, live: Json) -> Json:
    """Give questions the ids they had, by which PostHog keeps the answers, and what people added to them.

    It is the same question by its text, and else, where no other one took its text, by its place.
    """
    free = dict(enumerate(live or ()))
    before = {}
    for place, item in enumerate(new):
        same = next((at for at, each in free.items() if each.get("question") == item["question"]), None)
        if same is not None:
            before[place] = free.pop(same)
    before.update({place: free[place] for place in range(len(new)) if place not in before and place in free})
    return [_kept(item, before[place]) if place in before else item for place, item in enumerate(new)]


def _kept(question: Json, before: Json) -> Json:
    kept = {"id": before["id"]} if before.get("id") else {}
    if question["type"] == before.get("type"):
        kept |= {name: before[name] for name in _BY_PEOPLE if name in before}
    if kept.get("translations") and len(question.get("choices") or ()) != len(before.get("choices") or ()):
        # PostHog refuses translations of fewer or more choices than there are.
        kept["translations"] = {
            language: {name: item for name, item in texts.items() if name != "choices"}
            for language, texts in kept["translations"].items()
        }
    return {**question, **kept}


def _conditions(value: Any) -> Any:
    """Return conditions without what restricts nothing; PostHog answers actions whole, and takes their ids."""
    value = plain(value)
    if not isinstance(value, dict):
        return value
    return {name: item for name, item in value.items() if item not in ("", [], {}) and not _names_nothing(item)}


def _names_nothing(condition: Any) -> bool:
    """Return whether a condition on events or actions has none, however often these would show the survey."""
    return isinstance(condition, dict) and condition.get("values") == []


def _appearance(value: Any) -> Any:
    """Return an appearance without what it says by not saying it."""
    value = plain(value)
    if isinstance(value, dict):
        value = {name: item for name, item in value.items() if (name, item) not in _NOTHING_TO_SEE}
    return value or None


def _carry_appearance(new: Json, live: Json) -> Json:
    """Say that questions are no longer shuffled: PostHog lays the new appearance over the one that it has before it
    looks whether questions branch, which those that are shuffled may not (`validate` in its API of surveys).
    """
    return {"shuffleQuestions": False, **(new or {})} if (live or {}).get("shuffleQuestions") else new


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
            # Without them PostHog forgets on which actions it is shown (`_associate_actions` in its API of surveys).
            always=True,
        ),
        Field("appearance", normalise=_appearance, carry=_carry_appearance, wording=Wording(weight=VIEW)),
        Field("schedule", default="once", wording=Wording("repetition", show=choice_text)),
        Field("start_date", normalise=instant, wording=MOMENT),
        Field("end_date", normalise=instant, wording=MOMENT),
        Field("responses_limit", wording=Wording("most answers")),
        Field("iteration_count", wording=Wording("number of rounds")),
        # PostHog treats one without the other as not set.
        Field(
            "iteration_frequency_days",
            wording=Wording("time between rounds", unit=" days"),
            along=("iteration_count",),
        ),
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
        "questions.translations": "people translate on PostHog's pages; they stay with the question",
        "questions.validation": "people say on PostHog's pages which answers are valid; that stays with the question",
        "form_content": "the layout of PostHog's form editor",
    },
)

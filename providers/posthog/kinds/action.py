"""Actions: events under one name. PostHog answers every step with all the keys that a step can have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.insight import query
from providers.posthog.kinds.normal import each_item, tags, text
from providers.posthog.kinds.phrases import node_text
from providers.posthog.kinds.wording import Wording, switchable

# What a step matches by where it does not say: PostHog writes the first into every step, and takes null for the others.
_MATCHING = {"url_matching": "contains", "text_matching": "exact", "href_matching": "exact"}
_COMPARED = {"contains": "contains", "exact": "is", "regex": "matches"}
_ADDED_TO_STEP = ("selector_regex",)


def _step(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    step = {name: item for name, item in query(value).items() if name not in _ADDED_TO_STEP and item != ""}
    # How a text is compared has no effect without a text.
    idle = [
        name
        for name, usual in _MATCHING.items()
        if step.get(name) == usual or name.removesuffix("_matching") not in step
    ]
    return {name: item for name, item in step.items() if name not in idle}


def _step_text(step: Mapping[str, Any]) -> str:
    """Return what a step matches, as people read it."""
    parts = [
        f"{what} {_COMPARED[step.get(kind, usual)]} {step[what]}"
        for kind, usual in _MATCHING.items()
        if (what := kind.removesuffix("_matching")) in step
    ]
    if "selector" in step:
        parts.append(f"selector is {step['selector']}")
    word = " and " if step.get("properties") else " where "
    return word.join([node_text(step), " and ".join(parts)] if parts else [node_text(step)])


ACTION = Kind(
    name="action",
    type="Action",
    collection="actions",
    scope="action",
    pages=("data-management/actions/{id}",),
    folder="actions",
    natural_key=("name",),
    logged_by_maker=True,  # ``user=after_update.created_by`` in handle_action_change of PostHog's actions
    fields=(
        Field("name", normalise=text, distinct=True, required=True),
        Field("description", default="", normalise=text),
        Field("tags", default=[], normalise=tags),
        Field(
            "steps",
            reader="steps",
            logged="steps_json",
            wording=Wording(each=Wording("step", name=_step_text)),
            default=[],
            normalise=each_item(_step),
            required=True,
            clearable=False,
        ),
        Field(
            "post_to_slack",
            default=False,
            wording=switchable("posts every match to the project's webhook", "posts nothing to the project's webhook"),
        ),
        Field("slack_message_format", default="", normalise=text, wording=Wording("text that is posted")),
    ),
    left={
        "pinned_at": "whether it is first in people's lists; the time is PostHog's",
        "last_calculated_at": "PostHog's own, of a calculation it no longer makes",
    },
)

"""Actions: events under one name. PostHog answers every step with all the keys that a step can have."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.insight import query
from providers.posthog.kinds.normal import tags, text

# What a step matches by where it does not say: PostHog writes the first into every step, and takes null for the others.
_MATCHING = {"url_matching": "contains", "text_matching": "exact", "href_matching": "exact"}
_ADDED_TO_STEP = ("selector_regex",)


def _step(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    step = {name: item for name, item in query(value).items() if name not in _ADDED_TO_STEP and item != ""}
    # How a text is compared means nothing where there is none.
    idle = [
        name
        for name, usual in _MATCHING.items()
        if step.get(name) == usual or name.removesuffix("_matching") not in step
    ]
    return {name: item for name, item in step.items() if name not in idle}


def _steps(value: Any) -> Any:
    return [_step(item) for item in value] if isinstance(value, list | tuple) else value


ACTION = Kind(
    name="action",
    type="Action",
    collection="actions",
    scope="action",
    pages=("data-management/actions/{id}",),
    folder="actions",
    natural_key=("name",),
    fields=(
        Field("name", normalise=text, distinct=True, required=True),
        Field("description", default="", normalise=text),
        Field("tags", default=[], normalise=tags),
        Field("steps", reader="steps", default=[], normalise=_steps, required=True, clearable=False),
        Field("post_to_slack", default=False),
        Field("slack_message_format", default="", normalise=text),
    ),
    left={
        "pinned_at": "whether it is first in people's lists; the time is PostHog's",
        "last_calculated_at": "PostHog's own, of a calculation it no longer makes",
    },
)

"""Annotations: what happened at a time, for the people who read the charts."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds.base import Field, Kind, Properties, read_id
from providers.posthog.kinds.normal import instant, text
from providers.posthog.kinds.phrases import moment_text
from providers.posthog.kinds.wording import CHOICE, Wording, switchable

# PostHog also stores whether an annotation belongs to an insight or a dashboard.
_SCOPES = {"insight": "dashboard_item", "dashboard": "dashboard"}


def _scope(properties: Properties) -> Properties:
    scopes: list[Any] = [scope for kind, scope in _SCOPES.items() if kind in properties]
    return {"scope": scopes[-1]} if scopes else {}


ANNOTATION = Kind(
    name="annotation",
    type="Annotation",
    collection="annotations",
    scope="annotation",
    pages=("data-management/annotations/{id}",),
    folder="annotations",
    # One for the whole organisation belongs to another project, whatever its fields say.
    natural_key=("content", "date_marker", "scope"),
    derive=_scope,
    fields=(
        Field("content", wording=Wording("text"), normalise=text, required=True),
        Field("date_marker", wording=Wording("time", show=moment_text), normalise=instant, required=True),
        # By default PostHog assumes an annotation on an insight.
        Field("scope", default="project", required=True, manageable=False, wording=CHOICE),
        Field("insight", path=("dashboard_item",), ref="insight", read=read_id, manageable=False),
        Field("dashboard", path=("dashboard_id",), ref="dashboard", manageable=False),
        Field(
            "hidden_in_user_interface",
            default=False,
            wording=switchable("is hidden on charts", "is shown on charts"),
        ),
        Field("emoji", default="", normalise=text),
    ),
    left={"creation_type": "whether a person or a release made it; it changes nothing but an icon"},
)

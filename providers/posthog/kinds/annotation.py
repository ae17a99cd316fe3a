"""Annotations: what happened at a time, for the people who read the charts."""

from __future__ import annotations

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.normal import instant, text

ANNOTATION = Kind(
    name="annotation",
    type="Annotation",
    collection="annotations",
    scope="annotation",
    # One that shows in the whole organisation belongs to another project, whatever it says.
    natural_key=("content", "date_marker", "scope"),
    fields=(
        Field("content", normalise=text, required=True, clearable=False, manageable=False),
        Field("date_marker", normalise=instant, required=True, clearable=False, manageable=False),
        # Left out, PostHog takes it for one on an insight.
        Field("scope", default="project", required=True, manageable=False),
        Field("insight", path=("dashboard_item",), manageable=False),
        Field("dashboard", path=("dashboard_id",), manageable=False),
        Field("hidden_in_user_interface", default=False),
        Field("emoji", default="", normalise=text),
    ),
    left={"creation_type": "whether a person or a release made it; it changes nothing but an icon"},
)

"""Property definitions: the type and meaning of an event's or a person's property.

PostHog has no call that creates one: the row appears when the first event with the property is ingested. Until then the
definition waits, and the first run after that describes the row (see ``lifecycle``).
"""

from __future__ import annotations

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.normal import tags, text

PROPERTY = Kind(
    name="property",
    type="PropertyDefinition",
    collection="property_definitions",
    scope="property_definition",
    pages=("data-management/properties/{id}",),
    homes=("event",),
    natural_key=("type", "name"),
    unique=True,
    numeric_id=False,
    soft_delete=False,
    lifecycle="discovered",
    # A list holds one type, and its items do not say which.
    lists=({"type": "event"}, {"type": "person"}),
    fields=(
        Field("name", immutable=True, clearable=False),
        # A definition read by itself does not say whose property it is; a list of one type does.
        Field(
            "type", read=lambda raw, reading: raw or reading.known.get("type"), immutable=True, clearable=False
        ),
        Field("property_type", manageable=False),
        Field("description", default="", normalise=text, manageable=False),
        Field("tags", default=[], normalise=tags, manageable=False),
    ),
    left={
        "verified": "people mark properties in PostHog as they come to rely on them",
        "hidden": "people tidy PostHog's menus there",
    },
)

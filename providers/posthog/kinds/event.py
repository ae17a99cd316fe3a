"""Event definitions: what the project's catalogue says of an event."""

from __future__ import annotations

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.normal import tags, text

EVENT = Kind(
    name="event",
    type="EventDefinition",
    collection="event_definitions",
    scope="event_definition",
    natural_key=("name",),
    numeric_id=False,
    soft_delete=False,
    fields=(
        Field("name", immutable=True, required=True, manageable=False),
        Field("description", default="", normalise=text),
        Field("tags", default=[], normalise=tags),
        Field("verified", default=False),
        Field("hidden", default=False),
    ),
)

"""Event definitions: what the project's catalogue says of an event."""

from __future__ import annotations

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.normal import tags, text
from providers.posthog.kinds.wording import switchable

EVENT = Kind(
    name="event",
    type="EventDefinition",
    collection="event_definitions",
    scope="event_definition",
    pages=("data-management/events/{id}",),
    folder="events",
    natural_key=("name",),
    unique=True,
    numeric_id=False,
    soft_delete=False,
    unlisted_fails=True,
    # PostHog's own order is by the day of the last event: one that is met while the pages are read would be skipped,
    # and pass for deleted.
    lists=({"ordering": "name"},),
    fields=(
        Field("name", immutable=True, required=True),
        Field("description", default="", normalise=text),
        Field("tags", default=[], normalise=tags),
        Field("verified", default=False, wording=switchable("is verified", "is no longer verified")),
        Field(
            "hidden", default=False, wording=switchable("is hidden in PostHog's lists", "is shown in PostHog's lists")
        ),
    ),
    left={
        "owner": "a person's account, which differs per project; a file's owner is a team",
        "default_columns": "the columns that people choose for their table of this event",
        "enforcement_mode": "whether PostHog drops events that break its typed schema, which is kept there too",
        "primary_property": "the property that people see first in lists of this event",
    },
)

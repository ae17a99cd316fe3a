"""Session recording playlists: saved filters that find the recordings worth watching.

The other type, a collection, is what people put into it by hand, and no definition's.
"""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.insight import query
from providers.posthog.kinds.normal import text
from providers.posthog.kinds.wording import switchable


def _filters(value: Any) -> Any:
    """Return filters without what PostHog's page adds and what filters nothing."""
    filters = query(value)
    usual = {"order": "start_time", "order_direction": "DESC", "filter_test_accounts": False}
    return {name: item for name, item in filters.items() if usual.get(name) != item} if filters else filters


PLAYLIST = Kind(
    name="playlist",
    type="SessionRecordingPlaylist",
    collection="session_recording_playlists",
    scope="session_recording_playlist",
    pages=("replay/playlists/{short_id}",),
    folder="insights/playlists",
    id_name="short_id",
    natural_key=("name",),
    same_by=("name",),
    numeric_id=False,
    # The other list has playlists that PostHog makes up, and collections.
    lists=({"type": "filters"},),
    constants={"type": "filters"},
    fields=(
        Field("name", normalise=text, required=True),
        Field("description", default="", normalise=text),
        Field("pinned", default=False, wording=switchable("is pinned", "is no longer pinned")),
        # PostHog refuses every change of saved filters without them.
        Field("filters", normalise=_filters, always=True, required=True),
    ),
    left={"derived_name": "PostHog's page writes it for playlists without a name"},
)

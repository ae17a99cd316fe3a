"""Flags made at once with one new tag: PostHog of 2026-07 answers 500 for some of them.

The flag is written before its tags, and no transaction holds them together: the tag that another request has just made
breaks the writing of the tags, and the flag is stored without any. One request follows another here, so how long a tag
counts as new is a setting (`Settings.tag_race`).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.control.strikes import SERVER_ERROR
from sandbox.rest.listing import has_tag
from sandbox.rest.resource import Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Answer


def lose(flags: Resource, context: Context, values: Data, made: Data) -> None:
    """Keep the flag that has been made of `values` without its tags, when one of them is that new.

    Raises:
        Answer: 500, with the flag stored.
    """
    window = context.settings.tag_race
    tags = values.get("tags") or []
    if not window or not any(_is_new(flags, context, tag, made, window) for tag in tags):
        return

    def keep() -> Any:
        flags.insert(context, {**values, "tags": []})

    raise Answer(500, SERVER_ERROR, keep=keep)


def _is_new(flags: Resource, context: Context, tag: str, made: Data, window: float) -> bool:
    """Whether another flag has the tag, and none has had it for longer than the window."""
    condition, parameters = has_tag([tag])
    others, but = f"id <> ? AND {condition}", str(made["id"])
    found = context.store.select(
        flags.kind, flags.parent_id(context), others, [but, *parameters], order="created_at", limit=1
    )
    return bool(found) and found[0]["created_at"] > timestamp(datetime.now(UTC) - timedelta(seconds=window))

"""Dashboards and insights as PostHog has them, with the answers to their queries. Reads only.

PostHog is asked by its query API and not by ``insights/:id/?refresh=``: a dashboard's tiles hold their queries with the
filters of dashboard and tile merged in, the query API takes twice as many requests an hour, and it says why a query
failed where an insight only has no result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ai_admin.charts import Figure, Place, figure, place
from ai_admin.numbers.asking import answer, by_name
from ai_admin.numbers.replaced import coarse
from providers.posthog.client import Client
from providers.posthog.errors import ApiError
from providers.posthog.kinds import KINDS

SCOPES = ("dashboard:read", "insight:read", "query:read")
"""What the API key must have."""

Json = dict[str, Any]

_AT_ONCE = timedelta(minutes=1)


@dataclass(frozen=True)
class Wanted:
    """A definition whose object in PostHog is to be shown."""

    kind: str
    """``dashboard`` or ``insight``."""
    key: str
    name: str


@dataclass(frozen=True)
class Tile:
    """A tile of a dashboard: a text, or an insight with what PostHog answered."""

    place: Place
    text: str = ""
    """Markdown; empty for an insight."""
    key: str = ""
    """The key of the insight's definition; of an insight without one, its name in lower case with hyphens. Where one
    before it on the dashboard has the same, its short id follows."""
    name: str = ""
    description: str = ""
    query: Any = None
    answer: Mapping[str, Any] | None = None
    whole: str = ""
    """What it counts whole, such as ``days``, where the period that was asked for does not begin or end with one."""

    @property
    def figure(self) -> Figure:
        """What the answer shows."""
        return figure(self.query, self.answer or {})

    @property
    def computed(self) -> datetime | None:
        """When PostHog computed the answer, in UTC; None where it does not say."""
        try:
            return datetime.fromisoformat((self.answer or {})["last_refresh"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError):
            return None

    def kept_since(self, asked: datetime) -> datetime | None:
        """Return when PostHog computed the answer, where that was more than a minute before it was asked."""
        kept = (self.answer or {}).get("is_cached") and self.computed
        return kept if kept and asked - kept > _AT_ONCE else None


@dataclass(frozen=True)
class Board:
    """A dashboard, or an insight that is shown alone."""

    wanted: Wanted
    name: str
    tiles: tuple[Tile, ...]


class NotThere(Exception):
    """PostHog has no such object, or several of that name. Its text says which."""


def boards(
    client: Client, wanted: Sequence[Wanted], keys: Mapping[str, str], dates: Mapping[str, str], fresh: bool = False
) -> Iterator[Board | NotThere]:
    """Yield what is wanted as PostHog has it, each after its queries were answered.

    Args:
        client: the project. Its key needs :data:`SCOPES`.
        wanted: the definitions.
        keys: the keys of insights by their names in PostHog.
        dates: ``date_from`` and ``date_to`` in place of those of dashboards and insights, where they are given.
        fresh: whether all is computed anew; else PostHog gives what it has kept where that is not old to it.

    Raises ApiError where PostHog does not list its objects. A query that fails is an answer with an ``error``.
    """

    def ask(query: Any) -> tuple[Mapping[str, Any], str]:
        source = query["source"] if isinstance(query, dict) and isinstance(query.get("source"), dict) else query
        return _answer(client, source, dates, fresh), coarse(source, dates)

    live = {kind: by_name(client, kind, basic="true") for kind in sorted({each.kind for each in wanted})}
    for each in wanted:
        found = live[each.kind].get(each.name, [])
        if len(found) == 1:
            row = client.get(client.project_path(f"{KINDS[each.kind].collection}/{found[0]['id']}"))
            tiles = row["tiles"] if each.kind == "dashboard" else [{"insight": row, "layouts": _ALONE}]
            yield Board(each, row["name"], tuple(_tiles(tiles, keys, ask)))
        elif found:
            yield NotThere(f'{each.kind}/{each.key}: {len(found)} of that name, "{each.name}", are in PostHog')
        else:
            yield NotThere(f'{each.kind}/{each.key}: no {each.kind} "{each.name}" is in PostHog; `ai-admin apply` it')


_ALONE = {"sm": {"x": 0, "y": 0, "w": 12, "h": 6}}


def _tiles(
    tiles: Sequence[Json], keys: Mapping[str, str], ask: Callable[[Any], tuple[Mapping[str, Any], str]]
) -> Iterator[Tile]:
    taken: set[str] = set()
    for tile in tiles:
        where, insight = place(tile.get("layouts")), tile.get("insight")
        if not insight:
            text = (tile.get("text") or {}).get("body") or (tile.get("button_tile") or {}).get("text") or ""
            yield Tile(where, text)
            continue
        name = insight["name"] or insight.get("derived_name") or "Untitled"
        key = keys.get(name) or re.sub(r"\W+", "-", name.lower()).strip("-") or insight["short_id"]
        if key in taken:  # it names the files
            key = f"{key}-{insight['short_id']}"
        taken.add(key)
        query = insight.get("query")
        yield Tile(where, "", key, name, insight.get("description") or "", query, *ask(query))


def _answer(client: Client, source: Any, dates: Mapping[str, str], fresh: bool) -> Mapping[str, Any]:
    if not source:
        return {"error": "the insight has no query"}
    try:
        return answer(client, source, dates, now=fresh)
    except ApiError as error:
        return {"error": " ".join(str(error.answer.get("detail") or error).split())}

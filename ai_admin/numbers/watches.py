"""The alerts of a stack's files, each with what it watches, beside those of the project. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ai_admin.definitions import Definition
from ai_admin.numbers.asking import by_name
from ai_admin.numbers.backtest import NotTold, Watch
from ai_admin.numbers.schedule import next_check
from providers.posthog.client import Client
from providers.posthog.errors import ApiError
from providers.posthog.inventory import PostHogDirectory
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties, refs
from providers.posthog.references import readable, with_ids


@dataclass(frozen=True)
class Alert:
    """An alert of the files."""

    key: str
    name: str
    files: Watch | NotTold
    """As the files have it, or why that can't be asked for."""
    live: Watch | NotTold | None
    """As PostHog has it, or why that is not known; None where it has none, or one that fires whenever that of the files
    does."""
    off: tuple[str, ...] = ()
    """Where it is switched off: in ``files``, in ``posthog``."""
    silent: bool = False
    """Whether the files tell nobody when it fires."""


def watches(client: Client, definitions: Iterable[Definition], keys: Sequence[str]) -> Iterator[Alert]:
    """Yield alerts with what they watch.

    Args:
        client: the project. Its key needs the scopes ``alert:read`` and ``insight:read``, and those of what insights
            refer to.
        definitions: all of the stack.
        keys: the keys of the alerts.

    Raises ApiError.
    """
    reader = _Reader(client, {Ref(each.kind, each.key): each for each in definitions})
    for key in keys:
        yield reader.alert(key)


class _Reader:
    def __init__(self, client: Client, definitions: Mapping[Ref, Definition]) -> None:
        self._client = client
        self._definitions = definitions
        self._directory = PostHogDirectory(client)
        self._rows: dict[str, dict[str, list[dict[str, Any]]]] = {}

    def alert(self, key: str) -> Alert:
        alert = self._definitions[Ref("alert", key)].properties
        rows = self._named("alert").get(alert["name"], [])
        row = rows[0] if len(rows) == 1 else None
        live = self._of_posthog(row, alert) if row else None
        files = self._of_files(alert, live if isinstance(live, Watch) else None, next_check(row or {}))
        off = [("files", alert.get("enabled") is False), ("posthog", bool(row and row.get("enabled") is False))]
        told = {each.properties["alert"] for each in self._definitions.values() if each.kind == "notification"}
        silent = not alert.get("subscribed_users") and Ref("alert", key) not in told
        if isinstance(live, Watch) and isinstance(files, Watch) and live.same(files):
            live = None
        return Alert(key, alert["name"], files, live, tuple(where for where, is_off in off if is_off), silent)

    def _named(self, kind: str) -> dict[str, list[dict[str, Any]]]:
        if kind not in self._rows:
            self._rows[kind] = by_name(self._client, kind)
        return self._rows[kind]

    def _of_files(self, alert: Properties, live: Watch | None, due: datetime | None) -> Watch | NotTold:
        """Return an alert of the files; what these leave to PostHog's pages is as it is there."""
        insight = KINDS["insight"]
        whole = {**(live.alert if live else {}), **alert}
        if not (watched := self._definitions.get(alert["insight"])):
            return NotTold(f"no file that can be read has {alert['insight']}")
        query = watched.properties.get("query") or (live and live.query)
        if query is None or "threshold" not in whole:
            return NotTold("the files leave to PostHog what it watches, and PostHog has no such alert")
        try:
            ids = {ref: self._id(ref) for ref in dict.fromkeys(refs(query))}
        except NotTold as problem:
            return problem
        return Watch(whole, insight.canonical({"query": with_ids(query, ids.get)})["query"], due)

    def _of_posthog(self, row: Mapping[str, Any], alert: Properties) -> Watch | NotTold:
        try:
            insight = self._client.get(self._client.project_path(f"insights/{row['insight']['id']}"))
        except ApiError as problem:
            if problem.status != 404:
                raise
            return NotTold(f"its insight is not there: {problem}")
        query = KINDS["insight"].project(insight, {}, self._directory)["query"]
        known = {name: item for name, item in alert.items() if name != "unmanaged"}
        return Watch(KINDS["alert"].project(row, known, self._directory), query, next_check(row))

    def _id(self, ref: Ref) -> int | str:
        """Return the id of what a query refers to, by its name. Raises NotTold where PostHog has none or several."""
        named = self._named(ref.kind)
        if ref not in self._definitions:
            raise NotTold(f"its insight looks at {ref}, which no file has that can be read")
        rows = named.get(self._definitions[ref].properties["name"], [])
        if len(rows) != 1:
            raise NotTold(f"its insight looks at {ref}, of which PostHog has {'several' if rows else 'none'}")
        return readable(ref, str(rows[0][KINDS[ref.kind].id_name]))

"""Which objects of PostHog's would go for another one that takes their place, seen in what PostHog holds of them.

Asked only about what goes while one of its kind is new, and about what changes and may have to be made anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from providers.posthog.client import Client
from providers.posthog.inventory import Inventory, PostHogDirectory
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Definition, Field, Reading

Entry = Mapping[str, Any]


class Succession:
    """What a run deletes and makes. ``before`` and ``after`` are manifests by Pulumi name, with ids in PostHog."""

    def __init__(
        self,
        client: Client,
        before: Mapping[str, Entry],
        after: Mapping[str, Entry],
        definitions: Iterable[Definition],
    ) -> None:
        self._inventory = Inventory(client)
        self._directory = PostHogDirectory(client)
        self._before = before
        self._after = after
        self._definitions = tuple(definitions)

    def replaced(self, kinds: Collection[str]) -> set[str]:
        """Return the Pulumi names of what is made anew, for a change that PostHog makes of no object.

        Only of these kinds, and not where the field refers to another definition. Raises ``ApiError``.
        """
        found = set()
        for each in self._definitions:
            name, fields = _name(each), KINDS[each.kind].fields
            fixed = [field for field in fields if field.immutable and not field.ref] if each.kind in kinds else []
            entry = self._before.get(name)
            if fixed and entry and entry.get("digest") != self._after[name]["digest"]:
                live = self._live(name)
                if live and not all(self._says(live, field, each) for field in fixed):
                    found.add(name)
        return found

    def namesakes(self) -> Iterator[str]:
        """Yield a line for each new definition with a name that PostHog gives once and that what goes has still.

        PostHog would refuse the new one, and the old one would be deleted all the same. Of a kind whose name never
        changes the key follows from the name. Raises ``ApiError``.
        """
        gone = sorted(self._before.keys() - self._after.keys())
        for each in self._definitions:
            kind = KINDS[each.kind]
            distinct = [field for field in kind.fields if field.distinct and not field.immutable]
            if not distinct or _name(each) in self._before:
                continue
            for old in (ref for ref in map(Ref.parse, gone) if ref.kind == each.kind):
                live = self._live(str(old))
                for field in distinct:
                    if live and self._says(live, field, each):
                        yield (
                            f"{each.source}: {_name(each)}: the {kind.words} {each.properties[field.name]!r} is "
                            f"{old}'s already; if the key was changed, write `renamed_from: {old.key}`; else choose "
                            f"another {field.name}, or remove {old} in a run before"
                        )

    def _live(self, name: str) -> Mapping[str, Any]:
        """Return what PostHog's list holds of an object that was applied; empty where it is gone."""
        live = self._inventory.all(KINDS[Ref.parse(name).kind]).get(str(self._before[name].get("id"))) or {}
        return {} if live.get("deleted") else live

    def _says(self, live: Mapping[str, Any], field: Field, definition: Definition) -> bool:
        there = field.from_live(Reading(live, {}, self._directory))
        return bool(there == field.canonical(definition.properties.get(field.name)))


def _name(definition: Definition) -> str:
    return str(Ref(definition.kind, definition.key))

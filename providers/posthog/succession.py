"""Objects that a run deletes and creates again under another key, found by what PostHog holds of them.

PostHog is asked only if an object is deleted while one of its kind is new, or if a change may need a replacement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from providers.posthog.client import Client
from providers.posthog.inventory import Inventory, PostHogDirectory
from providers.posthog.kinds import KINDS, Kind, Ref
from providers.posthog.kinds.base import Definition, Field, Reading
from providers.posthog.references import readable, with_ids

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
        """Return the Pulumi names of objects that are replaced, because PostHog can't change a field of them.

        Only for these kinds, and not if the field refers to another definition. Raises ``ApiError``.
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
        """Yield a line for each new definition that has the name, or the subject, of an object that the run deletes.

        PostHog would refuse the new one, if it allows a name once, and still delete the old one. For a kind whose name
        never changes the key follows from the name. Members of a static cohort have a rule of their own (``members``).
        Raises ``ApiError``.
        """
        gone = [Ref.parse(name) for name in sorted(self._before.keys() - self._after.keys())]
        for each in self._definitions:
            if _name(each) in self._before:
                continue
            marks = _marks(KINDS[each.kind])
            for old in (ref for ref in gone if ref.kind == each.kind and not self._before[str(ref)].get("static")):
                live = self._live(str(old)) if marks else {}
                for mark in marks:
                    if live and all(self._says(live, field, each) for field in mark):
                        yield (
                            f"{each.source}: {_name(each)}: the {_called(each, mark[0])} is {old}'s already; if the "
                            f"key was changed, write `renamed_from: {old.key}`; else choose another {mark[0].name}, or "
                            f"remove {old} in a run before"
                        )

    def _live(self, name: str) -> Mapping[str, Any]:
        """Return what PostHog's list holds of an object that was applied; empty where it is gone."""
        live = self._inventory.all(KINDS[Ref.parse(name).kind]).get(str(self._before[name].get("id"))) or {}
        return {} if live.get("deleted") else live

    def _says(self, live: Mapping[str, Any], field: Field, definition: Definition) -> bool:
        there = field.from_live(Reading(live, {}, self._directory))
        return bool(there == field.canonical(with_ids(definition.properties.get(field.name), self._id)))

    def _id(self, ref: Ref) -> Any:
        id_ = self._before.get(str(ref), {}).get("id")
        return readable(ref, str(id_)) if id_ else ref


def _marks(kind: Kind) -> list[list[Field]]:
    """Return the fields of a kind that say, each group by itself, that two definitions are of one object."""
    distinct = [[field] for field in kind.fields if field.distinct and not field.immutable]
    same = [field for field in kind.fields if field.name in kind.same_by]
    return [*distinct, same] if same else distinct


def _called(definition: Definition, field: Field) -> str:
    words, value = KINDS[definition.kind].words, definition.properties[field.name]
    return f"{words} of {value}" if isinstance(value, Ref) else f"{words} {value!r}"


def _name(definition: Definition) -> str:
    return str(Ref(definition.kind, definition.key))

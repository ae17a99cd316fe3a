"""What a project's events and properties are called: definitions upserted as events come in.

Source: PostHog's rust/property-defs-rs. A definition that was deleted returns with the next event that has it.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.storage.store import Data, Store

EVENT_DEFINITION, PROPERTY_DEFINITION = "event_definition", "property_definition"
LONGEST_NAME = 200
_TIME = r"\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?"
_DATE = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]{_TIME})?|\d{{2}}/\d{{2}}/\d{{4}}")
_NAMES_A_TIME = ("time", "timestamp", "date", "_at", "-at", "createdat")
# Properties that carry persons' or groups' properties, not something about the event.
_CARRIERS = frozenset({"$set", "$set_once", "$unset", "$group_set", "$groups"})
_ALWAYS_TEXT = ("utm_", "$initial_utm_", "$feature/", "$survey_response")

PropertyKey = tuple[str, int | None, str]  # type event|person|group, group type index, name


@dataclass(slots=True)
class Seen:
    """The names in a batch of events; a property's type is that of the first value that has one."""

    events: set[str] = field(default_factory=set)
    properties: dict[PropertyKey, str | None] = field(default_factory=dict)

    def event(self, name: str, properties: Mapping[str, Any], group_types: Mapping[str, int | None]) -> None:
        """Note an event and its properties."""
        self.events.add(name)
        self._note("event", None, {key: value for key, value in properties.items() if key not in _CARRIERS})
        for carrier in ("$set", "$set_once"):
            self._note("person", None, properties.get(carrier))
        if name == "$groupidentify":
            self._note("group", group_types.get(str(properties.get("$group_type"))), properties.get("$group_set"))

    def _note(self, kind: str, index: int | None, properties: Any) -> None:
        if not isinstance(properties, Mapping) or (kind == "group" and index is None):
            return
        for name, value in properties.items():
            if self.properties.get((kind, index, name)) is None and len(name) <= LONGEST_NAME:
                self.properties[(kind, index, name)] = property_type(name, value)


def property_type(name: str, value: Any) -> str | None:
    """PostHog's guess at a property's type: DateTime, String, Numeric, Boolean, or None for lists and objects."""
    if name.startswith(_ALWAYS_TEXT) or name == "$feature_flag_response":
        return "String"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, str):
        if value.strip().lower() in ("true", "false"):
            return "Boolean"
        return "DateTime" if _DATE.fullmatch(value.strip()) else "String"
    if isinstance(value, (int, float)):
        names_a_time = any(part in name.lower() for part in _NAMES_A_TIME)
        return "DateTime" if names_a_time and value > 1_000_000_000 else "Numeric"
    return None


def keep(store: Store, project: int, seen: Seen, now: str) -> None:
    """Create the definitions that are missing, note when an event was last seen (to the hour, as PostHog does)."""
    hour = now[:13] + ":00:00.000000Z"
    for name in seen.events:
        found = store.find(EVENT_DEFINITION, name, str(project))
        if found is None:
            store.put(EVENT_DEFINITION, str(project), event_definition(name, now, hour), natural=name)
        elif found.get("last_seen_at") != hour:
            created = found.get("created_at") or now
            store.put(
                EVENT_DEFINITION, str(project), {**found, "created_at": created, "last_seen_at": hour}, natural=name
            )
    for (kind, index, name), guess in seen.properties.items():
        natural = property_key(kind, index, name)
        found = store.find(PROPERTY_DEFINITION, natural, str(project))
        if found is None:
            definition = property_definition(kind, index, name, guess)
            store.put(PROPERTY_DEFINITION, str(project), definition, natural=natural)
        elif found.get("property_type") is None and guess is not None:
            typed = {**found, "property_type": guess, "is_numerical": guess == "Numeric"}
            store.put(PROPERTY_DEFINITION, str(project), typed, natural=natural)


def property_key(kind: str, index: int | None, name: str) -> str:
    """What a property definition is found by: its type, the group type's index where there is one, and its name."""
    return f"{kind}/{'' if index is None else index}/{name}"


def event_definition(name: str, created_at: str | None, last_seen_at: str | None) -> Data:
    """An event definition as ingestion makes it."""
    return {
        **_definition(name),
        "created_at": created_at,
        "last_seen_at": last_seen_at,
        "last_updated_at": None,
        "owner": None,
        "is_action": False,
        "action_id": None,
        "is_calculating": False,
        "last_calculated_at": None,
        "default_columns": [],
        "enforcement_mode": "allow",
        "primary_property": None,
    }


def property_definition(kind: str, index: int | None, name: str, guess: str | None) -> Data:
    """A property definition as ingestion makes it."""
    return {
        **_definition(name),
        "type": kind,
        "group_type_index": index,
        "is_numerical": guess == "Numeric",
        "property_type": guess,
        "is_seen_on_filtered_events": None,
    }


def _definition(name: str) -> Data:
    return {
        "id": str(uuid.uuid4()),
        "name": name,
        "description": "",
        "tags": [],
        "verified": False,
        "verified_at": None,
        "verified_by": None,
        "hidden": False,
        "updated_at": None,
        "updated_by": None,
    }

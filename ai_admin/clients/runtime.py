"""What generated Python clients stand on. ``ai-admin clients`` copies what follows the imports into each of them."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Thread
from typing import Any, NamedTuple, TypeVar

from posthog import Posthog
from posthog.feature_flag_evaluations import FeatureFlagEvaluations

_LOG = logging.getLogger(__name__)
V = TypeVar("V")
F = TypeVar("F")


class InvalidEvent(ValueError):
    """An event that is not as the catalogue describes it, and was not sent."""


class Property(NamedTuple):
    """What the catalogue says of an event's property."""

    type: str
    """Its type in PostHog; empty where it may be anything."""
    required: bool
    values: tuple[object, ...]
    """All values that it can have; empty where they are not listed."""


class Client:
    """Evaluates flags in this process, and captures events, by PostHog's SDK. Only ``ready`` waits for PostHog."""

    def __init__(self, posthog: Posthog) -> None:
        """Begin to fetch the flags' definitions; the SDK does so again every ``poll_interval`` seconds.

        Args:
            posthog: the SDK's client, with a ``secret_key``. Where PostHog can't be reached, flags give their fallbacks
                until it can, and from then on what the definitions said that came last.
        """
        self._posthog = posthog
        self._fetch()

    def ready(self, timeout: float) -> bool:
        """Wait until the first fetch of definitions has ended, and return whether there are any.

        Args:
            timeout: the most seconds that it may take.
        """
        self._is_fetched()
        self._fetching.join(timeout)
        return bool(self._posthog.feature_flags)

    def _fetch(self) -> None:
        # The SDK's call returns when PostHog has answered, or did not for half a minute.
        self._process = os.getpid()
        self._fetching = Thread(target=self._posthog.load_feature_flags, daemon=True)
        self._fetching.start()

    def _is_fetched(self) -> bool:
        fetched = self._posthog.feature_flags is not None
        if not fetched and self._process != os.getpid():  # forked before they came, and threads are not
            self._fetch()
        return fetched

    def _evaluated(
        self,
        keys: tuple[str, ...],
        distinct_id: str,
        person: Mapping[str, object],
        groups: Mapping[str, str],
        group_properties: Mapping[str, Mapping[str, object]],
    ) -> FeatureFlagEvaluations | None:
        # Without definitions the SDK would fetch them here, and the caller would wait for PostHog.
        if not self._is_fetched():
            return None
        try:
            return self._posthog.evaluate_flags(
                distinct_id,
                person_properties=dict(person),
                groups=groups,
                group_properties={name: dict(properties) for name, properties in group_properties.items()},
                only_evaluate_locally=True,
                flag_keys=list(keys),
            )
        except Exception:  # noqa: BLE001  the SDK looks into no definition before it evaluates it
            _LOG.exception("flags give their fallbacks, since PostHog's SDK can't evaluate what it fetched")
            return None

    def _capture(
        self,
        event: str,
        distinct_id: str,
        flags: Readers | None,
        described: Mapping[str, Property],
        given: Mapping[str, object],
    ) -> bool:
        properties, evaluated = _checked(event, described, given), flags and flags._evaluated
        sent = self._posthog.capture(event, distinct_id=distinct_id, properties=properties, flags=evaluated)
        return sent is not None


class Readers:
    """Reads flags that were evaluated for one installation at one time."""

    def __init__(self, evaluated: FeatureFlagEvaluations | None) -> None:
        self._evaluated = evaluated

    def _value(self, key: str) -> object:
        return self._evaluated.get_flag(key) if self._evaluated else None

    def _delivered(self, key: str) -> Any:
        # get_flag lets PostHog know that the flag is in use, which get_flag_payload does not.
        return self._evaluated.get_flag_payload(key) if self._evaluated and self._value(key) else None

    def _switch(self, key: str, fallback: bool) -> bool:
        value = self._value(key)
        return value if isinstance(value, bool) else fallback

    def _variant(self, key: str, variants: tuple[V, ...], fallback: F) -> V | F:
        value = self._value(key)
        return next((each for each in variants if each == value), fallback)

    def _any_variant(self, key: str, fallback: F) -> str | F:
        value = self._value(key)
        return value if isinstance(value, str) else fallback

    def _payload(self, key: str, kind: type[V], fallback: F) -> V | F:
        value = self._delivered(key)
        return value if isinstance(value, kind) else fallback

    def _number(self, key: str, fallback: F, ceiling: float | None = None) -> float | F:
        value = self._delivered(key)
        if not _is_number(value):
            return fallback
        found: float = value if ceiling is None else min(value, ceiling)
        return found

    def _integer(self, key: str, fallback: F, ceiling: int | None = None) -> int | F:
        value = self._number(key, None, ceiling)
        return fallback if value is None or value != int(value) else int(value)


def _checked(event: str, described: Mapping[str, Property], given: Mapping[str, object]) -> dict[str, object]:
    wrong = [fault for name, each in described.items() if (fault := _fault(name, each, given[name]))]
    if wrong:
        raise InvalidEvent(f"{event} was not sent: {'; '.join(wrong)}")
    there = {name: value for name, value in given.items() if value is not None}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in there.items()}


def _fault(name: str, described: Property, value: object) -> str:
    """Return what is wrong with a property, without its value, which may be private; empty where nothing is."""
    if value is None:
        return f"{name} is missing" if described.required else ""
    wanted, fits = _TYPES[described.type]
    if not fits(value):
        return f"{name} must be {wanted}, not {type(value).__name__}"
    if described.values and value not in described.values:
        return f"{name} must be one of {', '.join(map(str, described.values))}"
    return ""


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: dict[str, tuple[str, Callable[[object], bool]]] = {
    "": ("a value", lambda value: True),
    "String": ("a text", lambda value: isinstance(value, str)),
    "Boolean": ("true or false", lambda value: isinstance(value, bool)),
    "Numeric": ("a finite number", _is_number),
    "Duration": ("a finite number", _is_number),
    "DateTime": (
        "a datetime with a time zone",
        lambda value: isinstance(value, datetime) and value.tzinfo is not None,
    ),
}

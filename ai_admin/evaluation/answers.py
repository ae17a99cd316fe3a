"""Flags' answers, by PostHog's SDK. Nothing is sent: the SDK is handed the definitions and never fetches any."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from posthog import Posthog

from ai_admin.evaluation.persons import Person, cohorts_for, flag_for
from ai_admin.evaluation.served import Json, Served
from providers.posthog.kinds.normal import parsed_json

Value = bool | str
HELD_OUT = "holdout-"
"""What the variant begins with that PostHog gives to installations in a holdout; the holdout's id follows."""

_GROUP_TYPES = {str(index): str(index) for index in range(5)}
"""Definitions know group types by their index, so that is what they are called here."""


@dataclass(frozen=True)
class Answer:
    """What a flag gives an installation."""

    value: Value | None
    """True, false or the key of a variant; None where the SDK can't tell."""
    payload: Any = None
    """What is delivered with it; None where nothing is."""
    condition: int | None = None
    """The index of the release condition that decided; None where none did."""


class Asked:
    """A flag, to be asked about installations that have the same properties and differ in their ids."""

    def __init__(self, served: Served, key: str, person: Person) -> None:
        """Take the flag with this key, and an installation with the properties."""
        self.flag = flag_for(served.flags[key], person)
        self._needed = [flag_for(each, person) for each in served.needed(key)]
        self._cohorts = cohorts_for(served, key, person)
        self._marked = _marked(self.flag)

    @property
    def all(self) -> str:
        """All that its answers depend on beside the installation, as text that can be compared."""
        return repr((self.flag, self._needed, self._cohorts))

    def value(self, person: Person) -> Value | None:
        """Return what the flag gives an installation; None where the SDK can't tell."""
        return self._evaluated(self.flag, person)[0]

    def payload(self, person: Person) -> Any:
        """Return what is delivered to an installation with the flag; None where nothing is."""
        return parsed_json(self._evaluated(self.flag, person)[1])

    def answer(self, person: Person) -> Answer:
        """Return what the flag gives an installation, with the payload, and by which of its conditions."""
        value, payload = self._evaluated(self.flag, person)
        return Answer(value, parsed_json(payload), self.condition(person))

    def condition(self, person: Person) -> int | None:
        """Return the index of the release condition that decides for an installation; None where none does."""
        by, _ = self._evaluated(self._marked, person)
        return int(by) if isinstance(by, str) and not by.startswith(HELD_OUT) else None

    def matches(self, person: Person, condition: Json, leaf: Json) -> bool | None:
        """Return whether one filter of a condition matches an installation; None where the SDK can't tell."""
        alone = {**condition, "properties": [leaf], "rollout_percentage": 100, "variant": None}
        filters = {**self.flag["filters"], "groups": [alone], "holdout": None, "feature_enrollment": False}
        value, _ = self._evaluated({**self.flag, "filters": filters}, person)
        return None if value is None else bool(value)

    def _evaluated(self, flag: Json, person: Person) -> tuple[Value | None, Any]:
        client = _client()
        client.feature_flags = [*self._needed, flag]
        client.cohorts = self._cohorts
        client.group_type_mapping = _GROUP_TYPES
        key = flag["key"]
        found = client.get_all_flags_and_payloads(
            person.distinct_id,
            groups={str(index): group.key for index, group in person.groups.items()},
            person_properties=dict(person.properties),
            group_properties={str(index): dict(group.properties) for index, group in person.groups.items()},
            only_evaluate_locally=True,
            flag_keys_to_evaluate=[key],
            device_id=person.device_id,
        )
        return (found["featureFlags"] or {}).get(key), (found["featureFlagPayloads"] or {}).get(key)


def _marked(flag: Json) -> Json:
    """Return a flag whose answer is the index of the condition that decides: each has a variant of its own."""
    groups = [{**each, "variant": str(n)} for n, each in enumerate(flag["filters"]["groups"])]
    variants = [{"key": each["variant"], "rollout_percentage": 0} for each in groups]
    return {**flag, "filters": {**flag["filters"], "groups": groups, "multivariate": {"variants": variants}}}


@cache
def _client() -> Any:
    """Return the SDK. Without a secret key it polls nothing, and it is not told to send anything."""
    return Posthog("offline", host="http://127.0.0.1:0", send=False, sync_mode=True, enable_local_evaluation=False)

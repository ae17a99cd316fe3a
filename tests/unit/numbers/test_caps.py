"""A cap is what the generated client gives."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ai_admin.clients.runtime import Readers
from ai_admin.numbers import Cap
from ai_admin.numbers.caps import caps
from providers.posthog.client import Client

PAYLOADS = (None, True, "20000", [1], 0, -5, 1, 20_000, 2.0, 2.5, 9_000_000, 9e6, 9e6 + 0.5, float("nan"), float("inf"))


class Reader(Readers):
    """The generated client's reader, given a payload."""

    def __init__(self, payload: Any) -> None:
        super().__init__(cast(Any, self))
        self.payload = payload

    def get_flag(self, _: str) -> bool:
        return True

    def get_flag_payload(self, _: str) -> Any:
        return self.payload

    def read(self, cap: Cap) -> Any:
        if cap.whole:
            return self._integer(cap.flag, cap.fallback, None if cap.ceiling is None else int(cap.ceiling))
        return self._number(cap.flag, cap.fallback, cap.ceiling)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("fallback", [None, 20_000])
@pytest.mark.parametrize("ceiling", [None, 5_000_000])
def test_a_cap_is_what_the_generated_client_gives(whole: bool, fallback: int | None, ceiling: int | None) -> None:
    cap = Cap("ai-max-daily-tokens", whole, fallback, ceiling)
    given = [cap.given(payload) for payload in PAYLOADS]
    assert given == [Reader(payload).read(cap) for payload in PAYLOADS]
    assert 20_000 in given
    assert max(each or 0 for each in given) == (ceiling or 9_000_000 + (0 if whole else 0.5))


class Project:
    """A project that gives a hundred tokens to who is in a cohort that is made of another one."""

    def project(self) -> dict[str, str]:
        return {"api_token": "phc"}

    def get(self, _: str, __: dict[str, str]) -> dict[str, Any]:
        cohort = {"type": "cohort", "key": "id", "value": 1}
        condition = {"properties": [{**cohort, "operator": "in"}], "rollout_percentage": 100}
        filters = {"groups": [condition], "payloads": {"true": "100"}}
        beta = {"type": "person", "key": "channel", "value": ["beta"], "operator": "exact"}
        return {
            "flags": [{"key": "ai-max-daily-tokens", "active": True, "filters": filters}],
            "cohorts": {
                "1": {"type": "AND", "values": [{**cohort, "value": 2}]},
                "2": {"type": "AND", "values": [beta]},
            },
        }


def test_criteria_may_say_nothing_of_a_negation() -> None:
    """PostHog's pages and its API keep them without it."""
    persons = {name: ({"channel": name}, ()) for name in ("beta", "stable")}
    assert caps(cast(Client, Project()), Cap(), persons) == {"beta": 100, "stable": None}

"""Who is said to have changed a field."""

from __future__ import annotations

from typing import Any

from providers.posthog.client import Client
from providers.posthog.connection import Connection
from providers.posthog.history import History
from providers.posthog.kinds import KINDS

FLAG = KINDS["flag"]
ANA, BEN = ({"email": f"{name}@example.com"} for name in ("ana", "ben"))


class Logged(Client):
    """A client for a log with one entry: Ana changed the tags."""

    def __init__(self) -> None:
        super().__init__(Connection("http://127.0.0.1:9", "1", None, "phx_unused"))

    def get(self, path: str, params: Any = None) -> Any:
        changes = {"changes": [{"field": "tags"}]}
        return {"results": [{"user": ANA, "created_at": "2026-10-01T12:00:00Z", "detail": changes}]}


def test_nobody_is_named_for_a_field_that_the_log_does_not_have_of_them() -> None:
    tags, active = (next(each for each in FLAG.fields if each.name == name) for name in ("tags", "active"))
    before, now = {"tags": ["a"], "active": True}, {"tags": ["b"], "active": False}
    said = History(Logged()).changes(FLAG, {"id": 1, "last_modified_by": BEN}, [tags, active], before, now)
    assert said == (
        'tags ["a"] -> ["b"] (by ana@example.com, 2026-10-01 12:00:00 UTC), '
        "active true -> false (the object was last changed by ben@example.com)"
    )
    unnamed = History(Logged()).changes(FLAG, {"id": 1}, [active], before, now)
    assert unnamed == "active true -> false (PostHog's log does not say by whom)"

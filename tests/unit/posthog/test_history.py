"""Who is said to have changed a field."""

from __future__ import annotations

from typing import Any

from ai_admin.review.reading import as_data, written
from providers.posthog.client import Client
from providers.posthog.connection import Connection
from providers.posthog.errors import ApiError
from providers.posthog.history import History
from providers.posthog.kinds import KINDS

FLAG = KINDS["flag"]
ANA, BEN = ({"email": f"{name}@example.com"} for name in ("ana", "ben"))


class Logged(Client):
    """A client for a log with one entry: Ana changed the tags."""

    def __init__(self, **more: str) -> None:
        super().__init__(Connection("http://127.0.0.1:9", "1", None, "phx_unused"))
        self._more = more

    def get(self, path: str, params: Any = None) -> Any:
        changes = {"changes": [{"field": "tags"}]}
        return {"results": [{"user": ANA, "created_at": "2026-10-01T12:00:00Z", "detail": changes, **self._more}]}


def test_nobody_is_named_for_a_field_that_the_log_does_not_have_of_them() -> None:
    tags, active = (next(each for each in FLAG.fields if each.name == name) for name in ("tags", "active"))
    before, now = {"tags": ["a"], "active": True}, {"tags": ["b"], "active": False}
    said = History(Logged()).changes(FLAG, {"id": 1, "last_modified_by": BEN}, [tags, active], before, now)
    assert said == (
        'tags ["a"] -> ["b"] (by ana@example.com on 1 Oct 2026, 12:00 UTC), '
        "active true -> false (the object was last changed by ben@example.com)"
    )
    unnamed = History(Logged()).changes(FLAG, {"id": 1}, [active], before, now)
    assert unnamed == "active true -> false (PostHog's log does not say by whom)"


def test_who_made_an_action_is_not_said_to_have_changed_it() -> None:
    action = KINDS["action"]
    [tags] = (each for each in action.fields if each.name == "tags")
    assert History(Logged()).authors(action, "1", [tags])["tags"].email == "somebody"
    assert History(Logged()).by(action, "1", "tags") == "(by somebody on 1 Oct 2026, 12:00 UTC)"
    assert History(Logged()).others(action, "1", ANA.get("id")), "it may be anybody"
    assert not History(Logged(client="ai-admin")).others(action, "1", ANA.get("id"))


class Refused(Client):
    """A client whose key may not read the log."""

    def __init__(self) -> None:
        super().__init__(Connection("http://127.0.0.1:9", "1", None, "phx_unused"))

    def get(self, path: str, params: Any = None) -> Any:
        raise ApiError("no", 403, "permission_denied", reading=True)


def test_a_log_that_can_not_be_read_is_not_said_to_be_silent() -> None:
    [active] = (each for each in FLAG.fields if each.name == "active")
    history = History(Refused())
    reason = "PostHog's activity log could not be read: the API key lacks the scope activity_log:read"
    author = history.authors(FLAG, "1", [active])["active"]
    assert written(author) == f"by somebody ({reason})"
    assert as_data(author) == {"by": None, "at": None}
    assert history.deleted_by(FLAG, "1") == f"(by somebody; {reason})"


class Parts(Client):
    """A client for the log of an alert, whose threshold Ben changed, and to which he does not listen any more."""

    def __init__(self) -> None:
        super().__init__(Connection("http://127.0.0.1:9", "1", None, "phx_unused"))

    def get(self, path: str, params: Any = None) -> Any:
        threshold = {"field": "configuration", "before": {"type": "absolute"}, "after": {"type": "percentage"}}
        about = {"user": BEN, "created_at": "2026-10-01T12:00:00Z"}
        gone = {"type": "alert_subscription_change", "changes": [], "context": {"subscriber_email": "ben@example.com"}}
        return {
            "results": [
                {**about, "activity": "updated", "detail": {"type": "threshold_change", "changes": [threshold]}},
                {**about, "activity": "deleted", "detail": gone},
            ]
        }


def test_who_changed_an_alerts_threshold_or_its_subscribers_is_known() -> None:
    alert = KINDS["alert"]
    fields = [each for each in alert.fields if each.name in ("threshold", "subscribed_users", "name")]
    found = History(Parts()).authors(alert, "1", fields)
    assert {name: author.email for name, author in found.items()} == dict.fromkeys(
        ("threshold", "subscribed_users"), "ben@example.com"
    )
    assert History(Parts()).deleted_by(alert, "1") == "", "the alert is still there"

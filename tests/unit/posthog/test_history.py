"""Who is said to have changed a field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from ai_admin.review.reading import as_data, written
from providers.posthog.client import Client
from providers.posthog.connection import Connection
from providers.posthog.errors import ApiError
from providers.posthog.history import History
from providers.posthog.kinds import KINDS

FLAG = KINDS["flag"]
ANA, BEN = ({"email": f"{name}@example.com"} for name in ("ana", "ben"))


CONNECTION = Connection("http://127.0.0.1:9", "1", None, "phx_unused")
NOON = "2026-10-01T12:00:00Z"


class Logged(Client):
    """A client for a log with one entry: Ana changed the tags."""

    def __init__(self, **more: str) -> None:
        super().__init__(CONNECTION)
        self._more = more

    def get(self, path: str, params: Any = None) -> Any:
        detail = {"changes": [{"field": "tags"}]}
        return {"results": [{"item_id": "1", "user": ANA, "created_at": NOON, "detail": detail, **self._more}]}


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
        super().__init__(CONNECTION)

    def get(self, path: str, params: Any = None) -> Any:
        raise ApiError("no", 403, "permission_denied", reading=True)


def test_a_log_that_can_not_be_read_is_not_said_to_be_silent() -> None:
    [active] = (each for each in FLAG.fields if each.name == "active")
    history = History(Refused())
    reason = "PostHog's activity log could not be read: the API key lacks the scope activity_log:read"
    author = history.authors(FLAG, "1", [active])["active"]
    assert written(author) == f"by somebody ({reason})"
    assert as_data(author) == {"by": None, "at": None}
    assert history.deleted_by(FLAG, "1") == history.by(FLAG, "1", "active") == f"(by somebody; {reason})"
    before, now = {"active": True}, {"active": False}
    assert history.changes(FLAG, {"id": 1}, [active], before, now) == f"active true -> false (by somebody; {reason})"
    known = f"(the object was last changed by ben@example.com; {reason})"
    assert history.author(FLAG, {"id": 1, "last_modified_by": BEN}, "active") == known
    with pytest.raises(ApiError):  # and not that nobody else changed it
        history.others(FLAG, "1", 1)


class Parts(Client):
    """A client for the log of an alert, whose threshold Ben changed, and to which he does not listen any more."""

    def __init__(self) -> None:
        super().__init__(CONNECTION)

    def get(self, path: str, params: Any = None) -> Any:
        threshold = {"field": "configuration", "before": {"type": "absolute"}, "after": {"type": "percentage"}}
        about = {"item_id": "1", "user": BEN, "created_at": NOON}
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


class Paged(Client):
    """A client for a log of several pages, which counts those that are asked for."""

    def __init__(self, *pages: Any) -> None:
        super().__init__(CONNECTION)
        self._pages = iter(pages)
        self.asked: list[Any] = []

    def get(self, path: str, params: Any = None) -> Any:
        self.asked.append(params)
        return next(self._pages)


def pages(*entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pages of a log."""
    links = [f"http://127.0.0.1:9/?cursor={number}" for number in range(1, len(entries))]
    return [{"results": [*page], "next": link} for page, link in zip(entries, [*links, None], strict=True)]


def changed(field: str, user: Any = ANA, after: Any = None, **more: Any) -> dict[str, Any]:
    """An entry of the log about flag 1."""
    changes = [{"field": field, "before": None, "after": after}, {"field": "version", "before": 1, "after": 2}]
    detail = {"type": None, "changes": changes}
    return {"item_id": "1", "activity": "updated", "user": user, "created_at": NOON, "detail": detail, **more}


OURS = {"id": 1, "email": "key@example.com"}
LATER = [[changed("version", OURS)] * 100] * 2
"""Two pages that say nothing of what is asked."""


def fields(kind: str, *names: str) -> list[Any]:
    """Fields of a kind."""
    return [each for each in KINDS[kind].fields if each.name in names]


def test_the_log_is_read_back_to_the_entry_that_says_it_and_no_further() -> None:
    log = pages(*LATER, [changed("active", BEN)], [changed("active", ANA)])
    found = History(client := Paged(*log)).authors(FLAG, "1", fields("flag", "active"))
    assert (found["active"].email, len(client.asked)) == ("ben@example.com", 3)
    assert History(Paged(*log)).by(FLAG, "1", "active") == "(by ben@example.com on 1 Oct 2026, 12:00 UTC)"
    assert History(Paged(*pages(*LATER, [changed("tags", {"id": 2})]))).others(FLAG, "1", 1)
    assert not History(Paged(*pages(*LATER, [changed("tags", OURS)]))).others(FLAG, "1", 1)
    deleted = {**changed("deleted", BEN), "activity": "deleted"}
    assert "ben@example.com" in History(Paged(*pages(*LATER, [deleted]))).deleted_by(FLAG, "1")
    updated = changed("deleted", BEN, True)  # as a playlist's is logged
    assert "ben@example.com" in History(Paged(*pages(*LATER, [updated]))).deleted_by(FLAG, "1")
    on = changed("active", BEN, True)
    assert History(Paged(*pages(*LATER, [on]))).on_since(FLAG, {"id": 1}, "2026-10-01T11:00:00Z")
    assert not History(client := Paged(*pages(*LATER, [on]))).on_since(FLAG, {"id": 1}, "2026-10-01T13:00:00Z")
    assert len(client.asked) == 1, "what is older is not read"


def test_a_log_that_does_not_go_back_so_far_is_not_said_to_have_nothing() -> None:
    """PostHog's plans limit how far back it can be read."""
    before, after = "2026-10-01T11:00:00Z", "2026-10-01T13:00:00Z"
    touched, untouched = ({"id": 1, "updated_at": at} for at in (after, "2026-09-01T12:00:00Z"))
    tags = changed("tags")
    assert History(Paged(*pages([tags]))).on_since(FLAG, touched, before), "it may have been on, and off again"
    assert not History(Paged(*pages([]))).on_since(FLAG, untouched, before)
    made = {**changed("key"), "activity": "created"}
    assert not History(Paged(*pages([tags, made]))).on_since(FLAG, touched, before), "the log has all of it"


def test_a_log_without_end_is_read_in_part_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.posthog.history.MOST", 150)
    found = History(Paged(*pages([changed("tags", BEN)], *LATER))).authors(FLAG, "1", fields("flag", "tags", "active"))
    assert found["tags"].email == "ben@example.com"
    assert found["active"].unread == "only the newest 150 of its entries were looked at"
    with pytest.raises(ApiError, match="only the newest 150"):
        History(Paged(*pages(*LATER))).others(FLAG, "1", 1)


STRANGE = (
    {"detail": "not here"},
    {"results": None},
    "sorry",
    *({"results": [entry]} for entry in ("x", {"detail": "x"}, {"user": "x"}, {"created_at": "yesterday"})),
    *({"results": [{"detail": {"changes": each}}]} for each in ("x", {"x": 1}, [None])),
)


@pytest.mark.parametrize("answer", STRANGE, ids=str)
def test_an_answer_that_is_no_log_is_one_that_can_not_be_read(answer: Any) -> None:
    assert History(Paged(answer)).authors(FLAG, "1", fields("flag", "active"))["active"].unread
    assert "could not be read" in History(Paged(answer)).deleted_by(FLAG, "1")
    assert History(Paged(answer)).on_since(FLAG, {"id": 1}, NOON), "it may have been switched on"
    with pytest.raises(ApiError):
        History(Paged(answer)).others(FLAG, "1", 1)
    with pytest.raises(ApiError):
        list(History(Paged(answer)).log(["FeatureFlag"]))


def test_a_playlist_is_found_by_the_id_that_it_is_known_by() -> None:
    def of(short_id: str, user: Any) -> dict[str, Any]:
        entry = changed("name", user)
        return {**entry, "item_id": "77", "detail": {**entry["detail"], "short_id": short_id}}

    log = pages([of("other", ANA), of("ours", BEN), of("ours", ANA)])
    playlist = KINDS["playlist"]
    found = History(client := Paged(*log)).authors(playlist, "ours", fields("playlist", "name"))
    assert found["name"].email == "ben@example.com"
    assert "item_id" not in client.asked[0], "the log files it under another id"
    live = {"id": 77, "short_id": "ours"}
    assert "ben@example.com" in History(Paged(*log)).author(playlist, live, "name")
    before, now = {"name": "A"}, {"name": "B"}
    assert "ben@example.com" in History(Paged(*log)).changes(playlist, live, fields("playlist", "name"), before, now)


def test_experiments_holdouts_and_saved_metrics_of_one_number_have_logs_of_their_own() -> None:
    marks = {"experiment": None, "holdout": "holdout", "saved_metric": "shared_metric"}

    def entry(kind: str, mark: str | None) -> dict[str, Any]:
        found = changed("name", {"email": f"{kind}@example.com"})
        return {**found, "scope": "Experiment", "detail": {**found["detail"], "type": mark}}

    log = [entry(kind, mark) for kind, mark in marks.items()]
    for order in (log, log[::-1]):
        for kind in marks:
            found = History(Paged(*pages(order))).authors(KINDS[kind], "1", fields(kind, "name"))
            assert found["name"].email == f"{kind}@example.com"


def test_who_edited_a_flag_last_is_not_said_to_have_paused_an_experiment_on_it() -> None:
    """PostHog names them all the same, and writes no new version of the flag."""
    paused = changed("active", ANA, False)
    paused["detail"]["changes"].pop()
    log = pages([paused, changed("active", BEN, True)])
    somebody = "somebody, perhaps through an experiment"
    assert History(Paged(*log)).authors(FLAG, "1", fields("flag", "active"))["active"].email == somebody
    said = History(Paged(*log)).author(FLAG, {"id": 1, "last_modified_by": ANA}, "active")
    assert said == f"(by {somebody} on 1 Oct 2026, 12:00 UTC)"


def test_nor_to_have_taken_away_the_enrolment_of_an_early_access_feature() -> None:
    [enrolment] = fields("flag", "feature_enrollment")
    whole = {"groups": [{"rollout_percentage": 5}]}

    def by(after: Any, version: bool) -> str:
        entry = changed("filters", ANA)
        entry["detail"]["changes"][0] |= {"before": {**whole, "feature_enrollment": True}, "after": after}
        if not version:
            entry["detail"]["changes"].pop()
        return History(Paged(*pages([entry]))).authors(FLAG, "1", [enrolment])["feature_enrollment"].email

    assert by(whole, version=False) == "somebody, perhaps through an early access feature"
    assert by(whole, version=True) == "ana@example.com"
    assert by({"groups": []}, version=False) == "ana@example.com"

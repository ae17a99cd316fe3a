"""A history for spreadsheets, machines and people."""

from __future__ import annotations

import csv
import io
import json

import pytest

from ai_admin.review.commits import Commit, Told
from ai_admin.review.history import History, moment
from ai_admin.review.sentences import Sentence
from ai_admin.review.telling import COLUMNS, as_csv, as_json, text
from ai_admin.review.timeline import Applied, Entry, How, Line, joined
from ai_admin.sheet import safe
from providers.posthog.kinds import Ref

FLAG = Ref("flag", "ai")
COMMIT = Commit(
    "0123456789abcdef", (), "2026-10-01T12:00:00+00:00", "Ana <ana@example.com>", "Ana <ana@example.com>",
    Told("=HYPERLINK(1)\n\nBecause.", "#1", ("Ben <ben@example.com>",)),
)  # fmt: skip
MADE = Entry(
    COMMIT.at,
    FLAG,
    How.COMMIT,
    (COMMIT.author,),
    (Line("is new"), Line("is switched off", ("staging",))),
    COMMIT,
    ("flags/ai.yaml",),
    applied=(Applied("2026-10-01T13:00:00+00:00", "ci@example.com", How.PROGRAM),),
)
BY_HAND = Entry("2026-10-02T12:00:00+00:00", FLAG, How.HAND, ("@ben",), (Line("-1 or so"),))


def test_a_spreadsheet_computes_nothing() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(History((BY_HAND, MADE), frozenset())))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["change"] for row in rows] == ["'-1 or so", "is new", "is switched off"]
    assert rows[0]["by"] == "'@ben"
    assert rows[1]["reason"] == "'=HYPERLINK(1)\n\nBecause."
    assert (rows[2]["stacks"], rows[2]["reviewers"], rows[2]["pull_request"]) == (
        "staging", "Ben <ben@example.com>", "#1",
    )  # fmt: skip
    assert rows[2]["applied"] == "2026-10-01T13:00:00+00:00 ci@example.com"


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", " =1", "＝1"])
def test_no_cell_begins_as_a_formula(cell: str) -> None:
    assert safe(cell) == f"'{cell}"
    assert safe("a=1") == "a=1"


def test_machines_get_everything() -> None:
    found = json.loads(as_json(History((BY_HAND, MADE), frozenset(), ("PostHog's activity log: no",))))
    assert found["unread"] == ["PostHog's activity log: no"]
    by_hand, made = found["entries"]
    assert (by_hand["how"], by_hand["commit"], by_hand["name"]) == ("by hand", None, "flag/ai")
    assert made["commit"]["reviewers"] == ["Ben <ben@example.com>"]
    assert made["changes"][1]["stacks"] == ["staging"]


def test_people_read_who_what_why_and_since_when() -> None:
    assert text(History((BY_HAND, MADE), frozenset())).splitlines() == [
        "2 Oct 2026, 12:00 UTC  flag ai  by hand, @ben",
        "    -1 or so",
        "1 Oct 2026, 12:00 UTC  flag ai  Ana <ana@example.com>, #1, reviewed by Ben <ben@example.com>",
        "    is new",
        "    in staging: is switched off",
        "    commit 0123456789: =HYPERLINK(1)",
        "    in PostHog since 1 Oct 2026, 13:00 UTC, by ai-admin, ci@example.com",
    ]


def _commit(day: int, active: bool | None, former: Ref | None = None, fields: tuple[str, ...] = ("active",)) -> Entry:
    said = None if active is None else {"key": "ai", "active": active, "description": "Ours"}
    lines = tuple(Line(f"{field} changes", sentence=Sentence("", field, 1)) for field in fields) or (Line("tests"),)
    return Entry(f"2026-10-0{day}", FLAG, How.COMMIT, ("a",), lines, COMMIT, after={"production": said}, former=former)


def _logged(day: int, active: bool, how: How = How.PROGRAM) -> Entry:
    values = {"active": active}
    return Entry(f"2026-10-0{day}", FLAG, how, ("ci",), (), values=values, before={"active": not active})


def test_what_was_applied_of_a_commit_is_no_entry_of_its_own() -> None:
    off, on = joined([_commit(1, False), _commit(3, True)], [_logged(2, False), _logged(4, True)], "production")
    assert [each.at for each in off.applied] == ["2026-10-02"]
    assert [each.at for each in on.applied] == ["2026-10-04"]


@pytest.mark.parametrize(
    "logged",
    [_logged(2, False, How.HAND), _logged(2, True), _logged(1, False, How.SCHEDULE)],
    ids=["by hand", "not as the file says", "by schedule"],
)
def test_what_is_no_application_of_a_commit_stays_an_entry(logged: Entry) -> None:
    found = joined([_commit(1, False)], [logged], "production")
    assert [each.how for each in found] == [How.COMMIT, logged.how]
    assert found[0].applied == ()


def test_what_a_later_run_sends_is_no_application_of_what_was_sent_or_is_never_sent() -> None:
    """A commit that changes tests only, and one that is in PostHog already, when a run puts back what Ben did."""
    commits = [_commit(1, False), _commit(3, False, fields=())]
    log = [_logged(2, False), _logged(4, True, How.HAND), _logged(5, False)]
    applied, tests, by_hand, put_back = joined(commits, log, "production")
    assert [each.at for each in applied.applied] == ["2026-10-02"]
    assert (tests.applied, by_hand.how) == ((), How.HAND)
    assert (put_back.at, put_back.how) == ("2026-10-05", How.PROGRAM), "a run put it back, and that is told"


def test_each_field_of_a_commit_is_in_posthog_since_a_run_sent_it() -> None:
    described = Entry(
        "2026-10-02", FLAG, How.PROGRAM, ("ci",), (), values={"description": "Ours"}, before={"description": "Old"}
    )
    waiting, text_only = joined(
        [_commit(1, False), _commit(1, False, fields=("description",))], [described, _logged(4, False)], "production"
    )
    assert [each.at for each in waiting.applied] == ["2026-10-04"], "what waited was not sent with the description"
    assert [each.at for each in text_only.applied] == ["2026-10-02"]


def test_what_was_deleted_by_its_commit_is_joined() -> None:
    gone = Entry("2026-10-02", FLAG, How.PROGRAM, ("ci",), (), values=None, before={})
    [entry] = joined([_commit(1, None)], [gone], "production")
    assert [each.at for each in entry.applied] == ["2026-10-02"]


def test_days_and_times_are_meant_in_utc() -> None:
    assert moment("2026-11-12") == "2026-11-12T00:00:00+00:00"
    assert moment("2026-11-12", end=True).startswith("2026-11-12T23:59:59")
    assert moment("2026-11-12T10:00+01:00", end=True) == "2026-11-12T09:00:00+00:00"
    with pytest.raises(ValueError, match="isoformat"):
        moment("yesterday")

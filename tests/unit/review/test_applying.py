"""What is shown of an `up`, of which a stand-in for Pulumi prints the events."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ai_admin.review.applying import Result, apply
from ai_admin.review.changes import Action, Change, Outlook
from ai_admin.review.plan import Planned
from ai_admin.review.report import ByHand, Entry, Report
from ai_admin.review.sentences import Sentence, sentences
from ai_admin.review.stack import Reviewed
from ai_admin.review.state import State
from ai_admin.run import Plan
from providers.posthog import reconcile
from providers.posthog.approvals import Request
from providers.posthog.errors import UnreadableState
from providers.posthog.history import Author
from providers.posthog.inputs import Metadata
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.session import Session
from providers.posthog.settings import PLAN_VARIABLE, Settings

FLAG = KINDS["flag"]


def flag(share: int) -> dict[str, Any]:
    return FLAG.canonical({"key": "ai", "release_conditions": [{"rollout_percentage": share}]})


def planned(root: Path, by_hand: tuple[str, ...] = ()) -> Planned:
    """A plan in which one flag goes from 10 to 50, and what somebody changed by hand is put back."""
    live, wanted = flag(10), flag(50)
    fields = tuple(reconcile.changed(FLAG, live, wanted))
    change = Change(Ref("flag", "ai"), Action.UPDATE, "7", live=live, wanted=wanted, fields=fields)
    said = tuple(sentence for field in fields for sentence in sentences(FLAG, field, live, wanted))
    bob = Author("bob@example.com", "2026-11-12T09:00:00Z")
    theirs = tuple(ByHand(Sentence(text, "description", 1), bob, "write it into the file") for text in by_hand)
    return Planned(
        Reviewed(root, "production", Settings({}, {}), State),
        Plan(()),
        Outlook((change,)),
        cast(Session, SimpleNamespace()),
        Report("production", "https://eu.posthog.com", "1", (Entry(change, said, theirs),), 999, (), (), {}, 3),
    )


def resource(name: str, operation: str, event: str = "resOutputsEvent") -> dict[str, Any]:
    urn = f"urn:pulumi:production::ai-admin::pulumi-python:dynamic/posthog:FeatureFlag::{name}"
    return {event: {"metadata": {"op": operation, "urn": urn, "type": "x"}}}


def ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *printed: Any, code: int = 0, by_hand: tuple[str, ...] = ()
) -> tuple[list[str], Result]:
    """Apply the plan with a Pulumi that prints this, events or lines; return what was shown, and the result."""
    lines = [each if isinstance(each, str) else json.dumps(each) for each in printed]
    (tmp_path / "printed").write_text("\n".join(lines) + "\n")
    (tmp_path / "pulumi").write_text(
        f"#!{sys.executable}\nimport os, shutil, sys\nprint(open({str(tmp_path / 'printed')!r}).read(), end='')\n"
        f"shutil.copy(os.environ[{PLAN_VARIABLE!r}], {str(tmp_path / 'given.json')!r})\n"
        f"open({str(tmp_path / 'arguments')!r}, 'w').write(' '.join(sys.argv[1:]))\nsys.exit({code})\n"
    )
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    shown: list[str] = []
    return shown, apply(planned(tmp_path, by_hand), shown.append)


def test_what_is_put_back_is_said_with_who_had_changed_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of a job is all that is left of what somebody had made of it."""
    shown, _ = ran(tmp_path, monkeypatch, resource("flag/ai", "update"), by_hand=("description from a to b",))
    assert shown == [
        '~ flag ai: condition "everybody" from 10 % to 50 %; undoes what was changed in PostHog: '
        "description from a to b by bob@example.com on 12 Nov 2026, 09:00 UTC"
    ]


def test_of_a_thousand_flags_one_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same = [resource(f"flag/f-{number}", operation) for number in range(1000) for operation in ("refresh", "same")]
    summary = {"summaryEvent": {"durationSeconds": 12}}
    shown, result = ran(tmp_path, monkeypatch, {"preludeEvent": {}}, *same, resource("flag/ai", "update"), summary)
    assert shown == ['~ flag ai: condition "everybody" from 10 % to 50 %']
    assert (result.code, result.done, result.failed, result.errors, result.seconds) == (0, ["flag/ai"], [], [], 12)


def test_a_replaced_object_is_applied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [resource("flag/ai", each) for each in ("create-replacement", "replace", "delete-replaced")]
    shown, result = ran(tmp_path, monkeypatch, *events)
    assert (len(shown), result.done) == (1, ["flag/ai"])


def test_pulumi_is_given_the_plan_and_asked_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran(tmp_path, monkeypatch)
    assert list(json.loads((tmp_path / "given.json").read_text())["changes"]) == ["flag/ai"]
    arguments = (tmp_path / "arguments").read_text()
    assert arguments == "up --yes --skip-preview --continue-on-error --json --non-interactive --stack production"


def test_what_fails_is_an_error_and_a_warning_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warning = {"diagnosticEvent": {"severity": "warning", "message": "flags/ai.yaml:1:1: waits\nfor approval"}}
    refused = "Exception calling application: flags/ai.yaml:1:1: flag/ai: refused\n"
    error, end = ({"diagnosticEvent": {"severity": "error", "message": text}} for text in (refused, "update failed"))
    failed = resource("flag/ai", "update", "resOpFailedEvent")
    shown, result = ran(tmp_path, monkeypatch, warning, error, failed, end, code=255)
    assert shown == ["note: flags/ai.yaml:1:1: waits for approval"]
    assert (result.code, result.done, result.failed) == (255, [], ["flag/ai"])
    assert result.errors == ["flags/ai.yaml:1:1: flag/ai: refused"]
    _, result = ran(tmp_path, monkeypatch, end, code=255)
    assert result.errors == ["update failed"], "there is nothing else to say"


def test_what_waits_for_approval_is_not_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the engine the update succeeded: the provider says of it that it waits."""
    when, link = "2026-09-01 09:30 UTC", "https://eu.posthog.com/1"
    request = Request("1", "pending", "7", {}, when, action="feature_flag.update", version=1, link=link, decision="")
    message = Metadata("flag/ai", "flags/ai.yaml:1:1").line(str(request))
    warning = {"diagnosticEvent": {"severity": "warning", "message": f"{message}\n"}}
    shown, result = ran(tmp_path, monkeypatch, warning, resource("flag/ai", "update"), resource("flag/b", "create"))
    assert shown == [f"note: {message}", "flag/b: create"]
    assert (result.done, result.waiting, result.failed) == (["flag/b"], ["flag/ai"], [])


@pytest.mark.parametrize(
    ("done", "said", "applied"),
    [("it is off in PostHog; the rest of its change", "", ["flag/ai"]), ("", "its switch-off ", [])],
)
def test_a_switch_off_is_applied_though_the_rest_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: str, said: str, applied: list[str]
) -> None:
    waits = "waits for approval since 2026-09-01 09:30 UTC: https://eu.posthog.com/1; until then it is on"
    message = Metadata("flag/ai", "flags/ai.yaml:1:1", done=done).line(f"{said}{waits}")
    warning = {"diagnosticEvent": {"severity": "warning", "message": f"{message}\n"}}
    shown, result = ran(tmp_path, monkeypatch, warning, resource("flag/ai", "update"))
    assert (shown, result.done, result.waiting) == ([f"note: {message}"], applied, ["flag/ai"])


def test_a_lock_is_said_in_pulumis_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It prints these without an event, as there is no engine yet."""
    lines = ["error: the stack is currently locked by 1 lock(s).", "  s3://bucket/locks/1.json: created by u@h (pid 1)"]
    _, result = ran(tmp_path, monkeypatch, *lines, "", code=255)
    assert result.errors == [
        "the stack is currently locked by 1 lock(s).",
        "s3://bucket/locks/1.json: created by u@h (pid 1)",
    ]


def test_it_goes_on_when_nobody_reads_along_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran(tmp_path, monkeypatch, resource("flag/ai", "update"), resource("flag/beta", "update"))

    def closed(_: str) -> None:
        raise BrokenPipeError

    assert apply(planned(tmp_path), closed).done == ["flag/ai", "flag/beta"]


def test_without_pulumi_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreadableState, match="`pulumi` can't be started: No such file or directory"):
        apply(planned(tmp_path), print)

"""What customers opt in to, and what they are asked."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds import Ref
from tests.support.samples.base import Sample, Samples, scalar, switch
from tests.support.samples.catalogue import DESCRIPTION
from tests.support.sandbox import Sandbox

_NAME = Sample("Named", changed=({"name": "By hand"},))


def _flag(sandbox: Sandbox, name: str) -> dict[str, Any]:
    """A flag of its own, behind which the feature is."""
    return {"flag": sandbox.call("POST", "feature_flags/", {"key": name, "filters": {"groups": [{}]}})["id"]}


EARLY_ACCESS_FEATURES = Samples(
    least=lambda name: {"name": name, "stage": "draft"},
    before=_flag,
    fields={
        "name": _NAME,
        "description": DESCRIPTION,
        "stage": Sample("beta", changed=({"stage": "alpha"}, {"stage": "archived"})),
        "documentation_url": scalar("documentation_url", "https://a.example.com", "https://b.example.com", ""),
        "payload": scalar("payload", {"icon": "sparkles"}, {"icon": "stars"}, {}),
        "flag": Sample(Ref("flag", "opted")),
    },
    full={"description": "A description.", "stage": "beta", "payload": {"icon": "sparkles"}},
    noise={"somebody in charge": {"assignee": None}},
    fixed=("flag",),
    file="early_access_feature",
    author={"key": "search", "name": "Search", "stage": "beta", "flag": "search"},
    needed={"name": ("name",), "stage": ("stage",), "flag": ("flag",)},
)

_RATED: dict[str, Any] = {"type": "rating", "question": "Any good?", "display": "emoji", "scale": 3}
_OPEN: dict[str, Any] = {"type": "open", "question": "Why?"}
_STARTED = {"start_date": "2026-09-07T08:00:00Z"}


def _asked(*questions: Any) -> dict[str, Any]:
    return {"questions": list(questions)}


SURVEYS = Samples(
    least=lambda name: {"name": name, "type": "popover", "questions": [_RATED]},
    fields={
        "name": _NAME,
        "description": DESCRIPTION,
        "type": Sample("api", changed=({"type": "popover"},)),
        "flag": Sample(
            Ref("flag", "ab"),
            changed=({"linked_flag_id": Ref("flag", "opted")}, {"linked_flag_id": None}),
            added=({"linked_flag_id": Ref("flag", "ab")},),
        ),
        "questions": Sample(
            [_RATED, _OPEN],
            changed=(
                _asked(_RATED),
                _asked(_OPEN, _RATED),
                _asked(_RATED, {**_OPEN, "question": "Why not?"}),
                _asked({**_RATED, "optional": True}, _OPEN),
            ),
        ),
        "conditions": scalar("conditions", {"url": "/ai"}, {"url": "/help"}, {}),
        "appearance": scalar("appearance", {"displayThankYouMessage": True}, {"backgroundColor": "red"}, {}),
        "schedule": scalar("schedule", "always", "recurring", "once"),
        "start_date": scalar("start_date", "2026-09-07T08:00:00Z", "2026-09-08T08:00:00Z", None),
        "end_date": scalar("end_date", "2026-10-07T08:00:00Z", "2026-10-08T08:00:00Z", None, **_STARTED),
        "responses_limit": scalar("responses_limit", 500, 100, None),
        "iteration_count": scalar("iteration_count", 3, 4, None),
        "iteration_frequency_days": scalar("iteration_frequency_days", 30, 60, None),
        "enable_partial_responses": switch("enable_partial_responses"),
        "archived": switch("archived"),
    },
    full={"description": "A description.", "questions": [_RATED, _OPEN], "conditions": {"url": "/ai"}},
    noise={
        "questions with their ids, as they are read": lambda live: {"questions": live["questions"]},
        "conditions that restrict nothing": {"conditions": {"url": "/ai", "selector": "", "events": {"values": []}}},
    },
    file="survey",
    author={"key": "good", "name": "Good", "type": "popover", "questions": [{"type": "open", "question": "Why?"}]},
    needed={"name": ("name",), "type": ("type",), "questions": ("questions",)},
)

SAMPLES = {"early_access_feature": EARLY_ACCESS_FEATURES, "survey": SURVEYS}

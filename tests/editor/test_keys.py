"""Where a key is asked for, an editor proposes the checkout's own, and says what they mean. Daily loop G2."""

from __future__ import annotations

import pytest

from tests.editor.language_server import LanguageServer

SERIES = "tiles:\n  - insight:\n      trends:\n        series:\n          - "
ASKED = {
    "a condition's cohort": ("flag", "release_conditions:\n  - cohort: ▮", "internal"),
    "a cohort in a condition's properties": (
        "flag",
        "release_conditions:\n  - properties:\n      - type: cohort\n        value: ▮",
        "internal",
    ),
    "a flag's dependency": (
        "flag",
        "release_conditions:\n  - properties:\n      - type: flag\n        key: ▮",
        "enabled",
    ),
    "a condition in one stack": ("flag", "stacks:\n  staging:\n    release_conditions:\n      - cohort: ▮", "internal"),
    "a person's property": (
        "flag",
        "release_conditions:\n  - properties:\n      - type: person\n        key: ▮",
        "health",
    ),
    "another cohort": ("cohort", "properties:\n  - cohort: ▮", "internal"),
    "what persons did": (
        "cohort",
        "properties:\n  - type: behavioral\n    value: performed_event\n    key: ▮",
        "ai_used",
    ),
    "an action that persons did": (
        "cohort",
        "properties:\n  - type: behavioral\n    value: performed_event\n    action: ▮",
        "failed",
    ),
    "a tile": ("dashboard", "tiles:\n  - insight: ▮", "runs"),
    "a series' event": ("dashboard", f"{SERIES}event: ▮", "ai_used"),
    "a series' action": ("dashboard", f"{SERIES}action: ▮", "failed"),
    "a series' number": (
        "dashboard",
        f"{SERIES}event: ai_used\n            math: sum\n            math_property: ▮",
        "tokens",
    ),
    "an event's property": (
        "dashboard",
        f"{SERIES}event: ai_used\n            properties:\n              - type: event\n                key: ▮",
        "model",
    ),
    "a breakdown": ("dashboard", f"{SERIES}event: ai_used\n        breakdown:\n          property: ▮", "model"),
    "a cohort in an insight": (
        "dashboard",
        f"{SERIES}event: ai_used\n        properties:\n          - type: cohort\n            value: ▮",
        "internal",
    ),
    "an alert's insight": ("alert", "insight: ▮", "runs"),
    "an alert's insight in one stack": ("alert", "stacks:\n  staging:\n    insight: ▮", "runs"),
    "an action's event": ("action", "steps:\n  - event: ▮", "ai_used"),
    "an experiment's flag": ("experiment", "flag: ▮", "ab"),
    "a metric's event": ("experiment", "metrics:\n  - metric_type: mean\n    source:\n      event: ▮", "ai_used"),
    "a subscription's dashboard": ("subscription", "dashboard: ▮", "usage"),
    "an annotation's insight": ("annotation", "insight: ▮", "runs"),
}
NAMES = {"internal": "Internal", "runs": "Runs", "failed": "Failed", "usage": "Usage"}
"""What the checkout's definitions are called; the others have only a key."""


def written(kind: str, text: str) -> str:
    return f"# yaml-language-server: $schema=../schemas/{kind}.schema.json\n{text}\n"


@pytest.mark.parametrize("place", ASKED)
class TestKeys:
    def test_those_that_exist_are_proposed(self, editor: LanguageServer, place: str) -> None:
        kind, text, key = ASKED[place]
        proposed = editor.completions(f"{kind}s", written(kind, text))
        assert proposed[key] == NAMES.get(key, key)

    def test_a_new_one_is_not_underlined(self, editor: LanguageServer, place: str) -> None:
        kind, text, _ = ASKED[place]
        found = editor.problems(f"{kind}s", written(kind, text.replace("▮", "brand-new")))
        assert [problem for problem in found if "brand-new" in problem] == []

    def test_before_the_first_check_nothing_is_missing(self, before_check: LanguageServer, place: str) -> None:
        kind, text, key = ASKED[place]
        found = before_check.problems(f"{kind}s", written(kind, text.replace("▮", key)))
        assert [problem for problem in found if "reference" in problem or problem.startswith(f"{key}:")] == []


def test_a_key_is_explained_by_what_it_stands_for(editor: LanguageServer) -> None:
    said = editor.hover("flags", written("flag", "release_conditions:\n  - cohort: inter▮nal"))
    assert "Cohort" in said
    assert "\n\nInternal\n" in said


def test_before_the_first_check_a_key_is_explained_by_its_field(before_check: LanguageServer) -> None:
    said = before_check.hover("flags", written("flag", "release_conditions:\n  - cohort: inter▮nal"))
    assert "The key of a cohort whose members match" in said

"""What files may say to generated clients: ceilings, fallbacks and required properties."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.definitions.checkouts import Checkout

BOTH = "variants: [{key: aa, rollout_percentage: 50, payload: 300}, {key: bb, rollout_percentage: 50, payload: 20}]"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("payload_type: integer", BOTH, "ceiling: 200"), "300 is above the flag's ceiling of 200; write at most 200"),
        (("payload_type: number", "payload: 1", "ceiling: 1.5", "fallback: 2"), "2 is above the flag's ceiling of 1.5"),
        (("payload: 1", "ceiling: 2"), '"payload_type" is missing'),
        (("payload_type: string", "payload: a", "ceiling: 2"), "a flag with a ceiling has numbers as payloads"),
        (("payload_type: integer", "ceiling: 2.5"), "the ceiling of integers is an integer"),
        (("payload_type: integer", "fallback: true"), "the fallback is not a whole number, as payload_type says"),
        (("payload_type: object", "fallback: [1]"), "the fallback is not a mapping, as payload_type says"),
        ((BOTH, "fallback: ab"), 'the flag has no variant "ab"; write aa or bb'),
        (("fallback: on!",), "a flag without variants and payload_type gives true or false"),
        (
            ("payload_type: integer", "stacks: {staging: {ceiling: 1}}"),
            '"ceiling" is not known here: one generated client reads the flag in every stack',
        ),
        (
            ("payload_type: integer", "payload: 1", "stacks: {staging: {payload_type: string, payload: one}}"),
            '"payload_type" is not known here: one generated client reads the flag in every stack',
        ),
        (
            ("payload_type: integer", "payload: 1", "ceiling: 2", "stacks: {staging: {payload: 3}}"),
            "in stack staging: 3 is above the flag's ceiling of 2",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_flag_promises_what_it_can_give(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    checkout = Checkout(tmp_path)
    checkout.write("flags/f.yaml", "\n".join(("key: f", "release_conditions: [{}]", *lines)))
    [problem] = checkout.load().problems
    assert said in str(problem)


def test_nothing_has_to_be_known_of_an_installation(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.write("events/p.yaml", "key: p\ntype: person\nproperties: {plan: {type: String, required: true}}")
    [problem] = checkout.load().problems
    assert str(problem) == ("events/p.yaml:3:35: event/p: only a property of an event can be required; remove required")

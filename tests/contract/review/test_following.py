"""A stack that follows another one: what a preview and an `up` say of what that one lacks.

That the other stack's outputs are read, with another passphrase too, is for ``tests/end_to_end/test_safety.py``.
"""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.definitions import load
from ai_admin.run import Plan, Run
from ai_admin.run import plan as plan_run
from ai_admin.safety.applied import Manifest, manifest
from ai_admin.safety.following import Followed
from tests.support.stack import NAME_OF_STACK, Stack


@pytest.fixture
def production(stack: Stack) -> Stack:
    stack.configure(follows="staging")
    (stack.root / "Pulumi.staging.yaml").write_text("config: {}\n")
    return stack


def at(share: int) -> dict[str, Any]:
    return {"release_conditions": [{"rollout_percentage": share}]}


def planned(stack: Stack, there: Manifest, preview: bool) -> Plan:
    """Return what a run of the program would do while the followed stack has ``there``."""
    warn = stack.warnings.append
    run = Run(stack.root, NAME_OF_STACK, stack.settings, {}, lambda name: Followed(name, there), preview, warn)
    return plan_run(run)


def test_a_preview_says_that_the_other_stack_comes_first_where_its_files_have_it(production: Stack) -> None:
    """A merge is applied there first: the preview shows the plan all the same, and an `up` is refused until then."""
    production.write("flag", "ai", **at(20))
    there = manifest(load(production.root, "staging").resources, {})
    production.write("flag", "ai", **at(50))
    assert planned(production, there, preview=True).refused == ()
    [said] = production.warnings
    assert "would be at 50 %, ahead of the 20 % that staging has: flag/ai; " in said
    assert said.endswith("its files have it, so apply staging first")
    [refusal] = planned(production, there, preview=False).refused
    assert "would be at 50 %, ahead of the 20 % that staging has: flag/ai" in refusal
    assert "add ahead/ai/50-20 to ai-admin:consent" in refusal
    there = manifest(load(production.root, "staging").resources, {})
    production.warnings.clear()
    assert [planned(production, there, preview).refused for preview in (True, False)] == [(), ()]
    assert production.warnings == []


def test_a_preview_is_refused_where_the_other_stacks_files_have_it_no_more_than_its_posthog(production: Stack) -> None:
    production.write("flag", "ai", **at(50), stacks={"staging": at(20)})
    there = manifest(load(production.root, "staging").resources, {})
    for preview in (True, False):
        [refusal] = planned(production, there, preview).refused
        assert "would be at 50 %, ahead of the 20 % that staging has: flag/ai" in refusal
    assert production.warnings == []

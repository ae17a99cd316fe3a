"""Off is off, and stays off: with the real CLI, on a careful stack, and a second person in PostHog.

The letters are those of the cases that the tests stand for. The tests run in this order on one stack. What a switch-off
by hand is from run to run is for ``tests/contract/review/test_applied_last.py``.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.project import Project
from tests.support.sandbox import Sandbox

UP, PREVIEW = ("up", "--yes", "--skip-preview", "--stack", "sandbox"), ("preview", "--stack", "sandbox")
EVENT = "key: installation\ntype: person\nproperties: {version: {type: String}}\n"
SHARES = {"ai": 100, "ai-slow": 20, "model": 100, "tokens": 20}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Project:
    """A careful stack with kill switches at 100 %, slow rollouts at 20 %, and a cohort."""
    made = Project(tmp_path_factory.mktemp("off") / "ai", sandbox)
    made.configure("careful", "true")
    made.write("events/installation.yaml", EVENT)
    made.write("cohorts/early.yaml", "key: early\nname: Early\nproperties: [{key: version, value: '1'}]\n")
    for key in SHARES:
        made.write(f"flags/{key}.yaml", flag(key))
    made.up()
    return made


def flag(key: str, more: str = "", file: str = "") -> str:
    """Return the text of a flag, which may be about another key than its file was before."""
    return f"key: {key}\n{more}release_conditions: [{{rollout_percentage: {SHARES[file or key]}}}]\n"


def live(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    return {item["key"]: item for item in sandbox.items("feature_flags")}


def bodies(sandbox: Sandbox) -> list[Any]:
    """Return what was sent since it was asked last."""
    return [body for _, _, body in sandbox.writes()]


def test_a_switch_off_by_hand_is_not_undone_in_passing(project: Project, sandbox: Sandbox) -> None:
    """C3, and C4 on a careful stack: a flag is held, named with who and when, and the rest of the run goes on.

    One consent is enough to come back to what was on, also at 100 %.
    """
    grace = sandbox.user("grace@example.com")
    for key in ("ai", "ai-slow"):
        sandbox.call("PATCH", f"feature_flags/{live(sandbox)[key]['id']}/", {"active": False}, key=grace)
    project.edit("cohorts/early.yaml", "name: Early", "name: Earliest")
    # The same flag under another key; a new key of the other one would draw anew who is in its 20 %.
    project.write("flags/ai.yaml", flag("ai-2", "renamed_from: ai\n", "ai"))
    project.write("flags/ai-slow.yaml", flag("ai-slow", "description: Not applied while held.\n"))
    sandbox.requests()
    lines = [line for line in project.up().split("Diagnostics:")[1].splitlines() if "left as it is" in line]
    assert len(lines) == 2
    for file, name in (("ai", "ai-2"), ("ai-slow", "ai-slow")):
        held = f"flags/{file}.yaml:1:1: flag/{name}: left as it is, since it is off in PostHog"
        [line] = [line for line in lines if f"{held} (by grace@example.com on " in line]
        assert f"add on/{name} to ai-admin:consent" in line
    assert bodies(sandbox) == [{"name": "Earliest"}]
    for key in ("ai", "ai-slow"):
        project.write(f"flags/{key}.yaml", flag(key))
    project.configure("consent", "on/ai")
    again = project.up()
    assert "create" not in again
    assert "flag/ai: left as it is" not in again
    assert "flag/ai-slow: left as it is" in again
    assert bodies(sandbox) == [{"active": True}]


def test_c1_a_flag_goes_off_while_something_else_cannot_be_read(project: Project, sandbox: Sandbox) -> None:
    """C1: a preview says how it goes off, as it is refused, and an `up` switches it off."""
    project.write("flags/ai.yaml", flag("ai", "active: false\n"))
    project.write("events/installation.yaml", EVENT.replace("String", "String, description: Not applied."))
    left = "property/person.version: left as it is, as what PostHog holds is not known: PostHog an"
    sandbox.requests()
    with sandbox.faults({"kind": "error_before", "status": 403, "path": "/property_definitions"}):
        for arguments, said in ((PREVIEW, "flag/ai may not be off yet: `pulumi up --skip-preview`"), (UP, "1 updated")):
            done = project.run(*arguments)
            assert done.returncode != 0
            assert left in done.stdout
            assert said in done.stdout
    assert bodies(sandbox) == [{"active": False}]


def test_c1_a_flag_goes_off_while_a_colleagues_file_is_broken_or_the_key_lacks_scopes(
    project: Project, sandbox: Sandbox
) -> None:
    """C1: it goes off, by a whole and by a targeted `up`; everything else is refused as before.

    C6: what a refused run switched off is known to be off, under the key of before.
    """
    project.write("dashboards/board.yaml", "key: [\n")
    project.write("flags/model.yaml", flag("model-2", "renamed_from: model\nactive: false\n", "model"))
    project.edit("flags/tokens.yaml", "20", "30")
    sandbox.requests()
    done = project.run(*UP)
    assert done.returncode != 0
    assert "the definitions have problems:" in done.stdout
    assert "dashboards/board.yaml" in done.stdout
    assert "flag/model-2 is switched off all the same" in done.stdout
    assert bodies(sandbox) == [{"active": False}]
    (project.folder / "dashboards" / "board.yaml").unlink()
    project.write("flags/model.yaml", flag("model"))
    refused = project.run(*PREVIEW)
    assert "a flag that was switched off would be on again" in refused.stdout
    assert "add on/model to ai-admin:consent" in refused.stdout
    assert "delete" not in refused.stdout
    scopes = ["feature_flag:write", "event_definition:read", "property_definition:read", "project:read", "user:read"]
    key = sandbox.key(scopes)
    project.edit("flags/tokens.yaml", "key: tokens\n", "key: tokens\nactive: false\ndescription: Not applied.\n")
    sandbox.requests()
    urn = "urn:pulumi:sandbox::ai-admin::pulumi-python:dynamic/posthog:FeatureFlag::flag/tokens"
    done = project.run(*UP, "--target", urn, environ={"POSTHOG_API_KEY": key})
    assert done.returncode != 0
    assert "lacks scopes: add cohort:write" in done.stdout
    assert "flag/tokens is switched off all the same" in done.stdout
    assert bodies(sandbox) == [{"active": False}]
    project.write("flags/model.yaml", flag("model", "active: false\n"))
    project.up()
    tokens = live(sandbox)["tokens"]
    assert (tokens["active"], tokens["name"]) == (False, "Not applied.")
    assert tokens["filters"]["groups"][0]["rollout_percentage"] == 30

"""Names that PostHog takes and that files, states and addresses have other rules for."""

from __future__ import annotations

from pathlib import Path

from tests.support.project import Project
from tests.support.sandbox import Sandbox

NAMES = ("order placed", "$pageview", "[App] opened", "cart/checkout.done", "größer", "a: b", "x::y")


def test_events_of_any_name_are_made_kept_and_deleted(tmp_path: Path, sandbox: Sandbox) -> None:
    """Daily loop B7."""
    project = Project(tmp_path / "ai", sandbox)
    for n, name in enumerate(NAMES):
        project.write(
            f"events/{n}.yaml", f"key: '{name}'\ndescription: Odd.\nproperties: {{'p/{n}': {{type: String}}}}"
        )
    series = ", ".join(f"{{event: '{name}'}}" for name in NAMES)
    project.write("insights/odd.yaml", f"key: odd\nname: Odd\ntrends: {{series: [{series}]}}")
    project.up()
    there = {item["name"]: item["description"] for item in sandbox.items("event_definitions")}
    assert {name: there.get(name) for name in NAMES} == dict.fromkeys(NAMES, "Odd.")
    project.write("insights/odd.yaml", "key: odd\nname: Odd\ntrends: {series: [{event: $pageview}]}")
    (project.folder / "events/3.yaml").unlink()
    sandbox.requests()
    project.up()
    assert sorted(method for method, _, _ in sandbox.writes()) == ["DELETE", "PATCH"], "the others are as they were"
    left = {item["name"] for item in sandbox.items("event_definitions")}
    assert set(NAMES) - left == {"cart/checkout.done"}


def test_a_variable_that_holds_no_address_is_refused_without_being_shown(tmp_path: Path, sandbox: Sandbox) -> None:
    """Daily loop E7."""
    project = Project(tmp_path / "ai", sandbox)
    project.write("insights/i.yaml", "key: i\nname: I\nsql: {query: SELECT count() AS n FROM events}")
    watched = "key: a\nname: A\ninsight: i\ncondition: absolute_value\nthreshold: {upper: 1}\n"
    project.write("alerts/a.yaml", f"{watched}notify: {{webhook: {{url: {{env: HOOK}}}}}}")
    sandbox.requests()
    refused = project.run("preview", "--stack", "sandbox", environ={"HOOK": "https://secret.example.com/x\n"})
    said = "the value of the environment variable HOOK begins or ends with a blank or a line break"
    assert refused.returncode != 0
    assert said in refused.stdout + refused.stderr
    assert "secret.example" not in refused.stdout + refused.stderr
    assert sandbox.writes() == []

"""Names that PostHog takes and that files, states and addresses have other rules for."""

from __future__ import annotations

from pathlib import Path

from tests.support.project import Project
from tests.support.sandbox import Sandbox

NAMES = ("order placed", "$pageview", "[App] opened", "cart/checkout.done", "größer", "a: b", "x::y")


def test_events_of_any_name_are_made_kept_and_deleted(tmp_path: Path, sandbox: Sandbox) -> None:
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
    sandbox.requests()
    project.up()
    assert sandbox.writes() == []
    project.write("insights/odd.yaml", "key: odd\nname: Odd\ntrends: {series: [{event: $pageview}]}")
    (project.folder / "events/3.yaml").unlink()
    project.up()
    left = {item["name"] for item in sandbox.items("event_definitions")}
    assert set(NAMES) - left == {"cart/checkout.done"}

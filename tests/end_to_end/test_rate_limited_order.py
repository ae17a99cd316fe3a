"""A run of more objects than PostHog takes in a minute: their order, and that what fails holds nothing up."""

from __future__ import annotations

from pathlib import Path

from tests.campaigns.rate_limits import MIXED, write
from tests.support.project import Project
from tests.support.sandbox import running_sandbox


def test_insights_do_not_stand_behind_flags_and_a_failure_holds_nothing_up(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "data") as sandbox:
        project = Project(tmp_path / "ai", sandbox)
        write(project, 250, MIXED)  # a few more than no limit delays (`FEW`)
        rule = {"kind": "error_before", "status": 400, "methods": ["POST"], "path": "/dashboards/", "nth": 2}
        sandbox.set_faults(rule)
        sandbox.requests()
        done = project.run("up", "--yes", "--skip-preview", "--stack", "sandbox")
        made = [entry["path"].rstrip("/").split("/")[-1] for entry in sandbox.requests() if entry["method"] == "POST"]
        assert done.returncode != 0
        assert "never awaited" not in done.stdout + done.stderr
        assert (made.count("feature_flags"), made.count("cohorts"), made.count("dashboards")) == (125, 50, 8)
        assert made.count("insights") == 7 * 8, "those of the failed dashboard wait for it"
        last_flag = max(number for number, collection in enumerate(made) if collection == "feature_flags")
        assert made[:last_flag].count("insights") > 56 / 2
        sandbox.set_faults()
        project.up()
        assert len(project.outputs()) == 125 + 50 + 8 * 10 + 2

"""`ai-admin apply` where it ends before anything is applied."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from providers.posthog.errors import Refused
from providers.posthog.session import Session
from providers.posthog.settings import PLAN_VARIABLE, Settings
from tests.support.checkouts import sample_checkout
from tests.support.sandbox import REPOSITORY

EMPTY = {"version": 1, "host": "h", "project": "1", "settings": "", "definitions": {}, "refused": [], "changes": {}}


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it where there is no Pulumi."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "PULUMI_"))}
    path = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", "ai_admin", "apply", *arguments],
        cwd=root,
        env={**plain, "PATH": "/usr/bin:/bin", "PYTHONPATH": path, "POSTHOG_API_KEY": "phx_key"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "plan.json is no plan of `ai-admin plan --out`; make the plan again"),
        (json.dumps({"version": 0}), "plan.json was written by another version of ai-admin; make the plan again"),
        (json.dumps({**EMPTY, "stack": "stagin"}), 'there is no stack "stagin": did you mean staging?'),
    ],
)
def test_a_wrong_plan_is_wrong_use(tmp_path: Path, content: str, said: str) -> None:
    root = sample_checkout(tmp_path)
    (root / "plan.json").write_text(content)
    done = run(root, "plan.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_pulumi_nothing_is_applied(tmp_path: Path) -> None:
    done = run(sample_checkout(tmp_path), "--stack", "sandbox", "--yes")
    said = "there is no `pulumi` in PATH; run `. ./activate` in the checkout first\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_the_provider_refuses_a_plan_that_it_can_not_read(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{}")
    for path in (tmp_path / "plan.json", tmp_path / "gone.json"):
        with pytest.raises(Refused, match=r"the reviewed plan .*\.json can't be read"):
            Session(print).configure(Settings({}, {PLAN_VARIABLE: str(path)}))

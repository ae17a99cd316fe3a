"""Pulumi's home, with the real CLI."""

import os
import subprocess
from pathlib import Path

from tests.support.project import CLI
from tools.toolchain.shell import lean_home


def test_the_cli_works_without_its_log(tmp_path: Path) -> None:
    home = tmp_path / "home"
    lean_home(home)
    (tmp_path / "state").mkdir()
    environ = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    listed = subprocess.run(
        [CLI, "stack", "ls", "--non-interactive", "--json"],
        env={**environ, "PULUMI_BACKEND_URL": f"file://{tmp_path}/state"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout == "[]\n"
    assert listed.stderr == ""
    assert (home / "logs").is_file()

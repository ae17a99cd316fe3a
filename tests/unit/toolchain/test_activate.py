"""`. ./activate` in the shells that people have, in a checkout of the test's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh") if shutil.which(shell)]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout after `make setup`, in a folder whose name needs quoting."""
    root = tmp_path / "it's mine"
    for folder in (".venv/bin", ".toolchain/bin"):
        (root / folder).mkdir(parents=True)
    shutil.copy(ROOT / "activate", root)
    shutil.copytree(ROOT / "tools", root / "tools")
    python = root / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="${{0%/.venv/bin/python}}" exec {sys.executable} "$@"\n')
    pulumi = root / ".toolchain" / "bin" / "pulumi"
    pulumi.write_text("#!/bin/sh\necho ours\n")
    for script in (python, pulumi):
        script.chmod(0o755)
    return root


def run(shell: str, script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    ours = ("PULUMI_", "POSTHOG_", "AI_ADMIN_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = [shell, "-c", script]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("shell", SHELLS)
def test_sets_up_the_shell_and_says_nothing(shell: str, checkout: Path) -> None:
    done = run(shell, '. ./activate; pulumi; printf "%s\\n" "$PULUMI_HOME" "$PULUMI_BACKEND_URL"', checkout)
    state = f"file://{checkout}/.pulumi-state?metadata=skip".replace("'", "%27").replace(" ", "%20")
    assert done.stdout.splitlines() == ["ours", f"{checkout}/.pulumi-home", state]
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell in ("bash", "zsh")])
def test_works_from_another_folder(shell: str, checkout: Path) -> None:
    done = run(shell, '. "./it\'s mine/activate" && echo "$PULUMI_HOME"', checkout.parent)
    assert (done.stdout, done.stderr) == (f"{checkout}/.pulumi-home\n", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_works_in_a_strict_script_and_leaves_no_names_behind(shell: str, checkout: Path) -> None:
    done = run(shell, "set -eu; . ./activate; . ./activate; set", checkout)
    assert (done.stderr, done.returncode) == ("", 0)
    assert "_ai_admin" not in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("missing", [".venv", ".toolchain"])
def test_before_setup_it_says_what_to_do_and_fails(shell: str, missing: str, checkout: Path) -> None:
    shutil.rmtree(checkout / missing)
    done = run(shell, ". ./activate || echo failed; echo $PULUMI_HOME", checkout)
    assert done.stdout == "failed\n\n"
    assert done.stderr == f"activate: run `make setup` in {checkout} first\n"

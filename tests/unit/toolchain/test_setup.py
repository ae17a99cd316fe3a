"""What `make setup` does before there is anything of ours to do it with."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.toolchain import cli, sources, venv
from tools.toolchain.pins import LOCKS
from tools.toolchain.venv import ensure_venv, fingerprint

ROOT = Path(__file__).resolve().parents[3]
SH = shutil.which("sh") or "sh"


def setup_with(tmp_path: Path, **pythons: str) -> subprocess.CompletedProcess[str]:
    """Runs setup.sh where only these `python…` are on PATH; each says so when setup is handed to it."""
    found = tmp_path / "bin"
    found.mkdir()
    for tool in ("cat", "dirname"):
        (found / tool).symlink_to(shutil.which(tool) or tool)
    for name, answer in pythons.items():
        script = found / name.replace("_", ".")
        script.write_text(f'#!{SH}\ncase $1 in -c) echo "{answer}";; *) echo "$0 $*";; esac\n')
        script.chmod(0o755)
    command = [SH, str(ROOT / "tools" / "toolchain" / "setup.sh"), "--for", "apply"]
    return subprocess.run(command, env={"PATH": str(found)}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_hands_over_to_the_python_on_path(tmp_path: Path, version: str) -> None:
    done = setup_with(tmp_path, python3=f"{version} complete")
    assert done.stdout.endswith("/python3 -m tools.toolchain setup --for apply\n")


def test_takes_another_python_when_the_first_does_not_fit(tmp_path: Path) -> None:
    others = {"python3_13": "3.13 incomplete", "python3_12": "3.12 complete"}
    done = setup_with(tmp_path, python3="3.9 complete", **others)
    assert done.stdout.endswith("/python3.12 -m tools.toolchain setup --for apply\n")


def test_an_old_python_is_named_with_what_is_needed(tmp_path: Path) -> None:
    done = setup_with(tmp_path, python3="3.9 complete")
    assert done.returncode == 1
    assert "CPython 3.11, 3.12, 3.13 or 3.14" in done.stderr
    assert "python3: 3.9" in done.stderr


def test_a_python_without_venv_says_which_package_brings_it(tmp_path: Path) -> None:
    done = setup_with(tmp_path, python3="3.12 incomplete")
    assert done.returncode == 1
    assert "apt install python3.12-venv" in done.stderr


def test_no_python_at_all_is_said(tmp_path: Path) -> None:
    done = setup_with(tmp_path)
    assert done.returncode == 1
    assert "no python3" in done.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with the files that a virtual environment is made from."""
    (tmp_path / "tools" / "requirements").mkdir(parents=True)
    for name in (*LOCKS.values(), "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_a_changed_lock_or_script_makes_a_new_venv_and_a_changed_linter_rule_does_not(root: Path) -> None:
    before = fingerprint(root, "development")
    project = root / "pyproject.toml"
    project.write_text(project.read_text().replace("line-length = 110", "line-length = 120"))
    assert fingerprint(root, "development") == before
    project.write_text(project.read_text().replace("ai_admin.cli:main", "ai_admin.cli:start"))
    changed = fingerprint(root, "development")
    assert changed != before
    lock = root / LOCKS["development"]
    lock.write_text(lock.read_text() + "# a line\n")
    assert fingerprint(root, "development") not in (before, changed)


def test_a_moved_checkout_makes_a_new_venv(root: Path, tmp_path: Path) -> None:
    before = fingerprint(root, "development")
    moved = tmp_path / "moved"
    shutil.copytree(root, moved)
    assert fingerprint(moved, "development") != before


def test_a_venv_for_more_does_for_less_and_one_for_less_is_added_to(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(venv, "run", lambda command, *_, **__: ran.append([str(part) for part in command]))
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").touch()
    stamp = root / ".venv" / ".made-from"
    stamp.write_text(fingerprint(root, "sandbox"))
    ensure_venv(root, "apply")
    ensure_venv(root, "sandbox")
    assert ran == []
    ensure_venv(root, "development")
    assert [command for command in ran if "venv" in command] == []
    assert stamp.read_text() == fingerprint(root, "development")


def test_a_venv_that_fits_is_left_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[object] = []
    monkeypatch.setattr(venv, "run", lambda command, *_, **__: ran.append(command))
    (root / ".venv" / "bin").mkdir(parents=True)
    python = root / ".venv" / "bin" / "python"
    python.touch()
    (root / ".venv" / ".made-from").write_text(fingerprint(root, "development"))
    ensure_venv(root, "development")
    assert ran == []
    # A Python that was removed from the machine leaves a dangling link.
    python.unlink()
    python.symlink_to(root / "gone")
    ensure_venv(root, "development")
    assert len(ran) == 3


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        (["setup", "--for", "apply"], ["packages for apply", "Pulumi"]),
        (["setup", "--for", "off"], ["packages for apply"]),
        ([], ["Pulumi"]),
    ],
)
def test_a_switch_off_waits_for_no_pulumi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], made: list[str]
) -> None:
    """Its download may be unreachable, and to build it takes minutes."""
    done: list[str] = []
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.setattr(venv, "ensure_venv", lambda _, purpose: done.append(f"packages for {purpose}"))
    monkeypatch.setattr(venv, "compile_ours", lambda _: None)
    monkeypatch.setattr(sources, "ensure_cli", lambda _: done.append("Pulumi"))
    assert cli.main(arguments) == 0
    assert done == made

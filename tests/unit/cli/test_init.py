"""`ai-admin init`: a fresh clone becomes a user's own repository, whole or not at all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from ai_admin import initial
from ai_admin.cli.commands import cli
from ai_admin.definitions import load
from ai_admin.definitions.files import FOLDERS
from tests.support.checkouts import SAMPLES, put, sample_checkout
from tests.support.documents import blocks
from tests.support.sandbox import REPOSITORY

EU = "https://eu.posthog.com"
BOTH = ("--project", "staging=1", "--project", "production=2")
ONE = ("--project", "production=2")


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "x")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a fresh clone has of definitions."""
    root = tmp_path / "clone"
    root.mkdir()
    sample_checkout(root)
    (root / initial.SAMPLES).mkdir(parents=True)
    put(SAMPLES, root / initial.SAMPLES)
    git(root, "init", "--quiet")
    commit(root)
    monkeypatch.chdir(root)
    return root


def init(*arguments: str, said: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["init", *arguments], input=said)


def config(root: Path, stack: str) -> object:
    return yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]


def definitions(root: Path) -> list[Path]:
    return [path for folder in FOLDERS for path in (root / folder).rglob("*.yaml")]


def test_two_stacks_follow_one_another_and_the_last_is_careful(clone: Path) -> None:
    done = init("--host", EU, *BOTH, "--samples", "keep")
    assert done.exit_code == 0, done.output
    assert config(clone, "staging") == {"ai-admin:host": EU, "ai-admin:project_id": "1"}
    assert config(clone, "production") == {
        "ai-admin:host": EU, "ai-admin:project_id": "2", "ai-admin:careful": True, "ai-admin:follows": "staging",
    }  # fmt: skip
    assert load(clone).problems == ()
    assert len(definitions(clone)) == len(definitions(SAMPLES))
    assert "apply.yml" not in done.output
    assert "Describe in events/ what your product sends before anything names it" in done.output


def test_ci_marks_where_it_names_stacks(clone: Path) -> None:
    """What `ai-admin init` says of other stacks than these leads to every line that names one."""
    said = init("--host", EU, *ONE, "--samples", "drop").output
    for path in (*(REPOSITORY / ".github" / "workflows").iterdir(), REPOSITORY / ".gitlab-ci.yml"):
        lines = path.read_text().splitlines()
        listing = [n for n, line in enumerate(lines) if "[production, staging]" in line]
        marked = ["stacks: all of them" in "".join(lines[max(n - 4, 0) : n + 1]) for n in listing]
        assert all(marked), path
        assert (path.name in said) is bool(listing), path


def test_dropped_samples_leave_folders_one_stack_and_the_sandbox(clone: Path) -> None:
    done = init("--host", f"{EU}/", *ONE, "--samples", "drop")
    assert done.exit_code == 0, done.output
    assert definitions(clone) == []
    assert all((clone / folder).is_dir() for folder in FOLDERS)
    assert sorted(path.name for path in clone.glob("Pulumi.*.yaml")) == [
        "Pulumi.production.yaml", "Pulumi.sandbox.yaml",
    ]  # fmt: skip
    assert config(clone, "production") == {
        "ai-admin:host": EU, "ai-admin:project_id": "2", "ai-admin:careful": True,
    }  # fmt: skip
    assert definitions(clone / initial.SAMPLES)
    assert "in apply.yml the matrix of `off` and a job for each stack" in done.output
    assert CliRunner().invoke(cli, ["check"]).output == "0 definitions in 0 files: no problems\n"


def test_what_no_option_says_is_asked_for(clone: Path) -> None:
    done = init(said="\n\n\n\n77\nkeepp\ndrop\n")
    assert done.exit_code == 0, done.output
    assert config(clone, "production") == {
        "ai-admin:host": EU, "ai-admin:project_id": "77", "ai-admin:careful": True,
    }  # fmt: skip


def test_where_nobody_answers_the_options_are_named(clone: Path) -> None:
    done = init("--host", EU, said="")
    assert done.exit_code == 2
    assert "give --host, --project and --samples" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "eu.posthog.com", *ONE), "write scheme and host alone"),
        (("--host", "http://posthog.example.com", *ONE), "would get the API key unencrypted"),
        (("--host", EU, "--project", "production"), "as production=12345"),
        (("--host", EU, "--project", "production=@current"), "is no number"),
        (("--host", EU, *ONE, *ONE), "production is given twice"),
        (("--host", EU, "--project", "sandbox=3"), "the local server's"),
        (("--host", EU, "--project", "my stack=3"), "no name for a stack"),
        (("--host", EU, *ONE, "--project", "staging=2"), "two stacks would have one project"),
    ],
)
def test_a_wrong_choice_is_wrong_use(clone: Path, arguments: tuple[str, ...], said: str) -> None:
    done = init(*arguments, "--samples", "keep")
    assert (done.exit_code, git(clone, "status", "--porcelain")) == (2, "")
    assert said in done.output


def set_up(root: Path) -> None:
    assert init("--host", EU, *BOTH, "--samples", "keep").exit_code == 0
    commit(root)


def stack_init(root: Path) -> None:
    (root / "Pulumi.staging.yaml").write_text("encryptionsalt: v1:x\n")
    commit(root)


def own(root: Path) -> None:
    (root / "flags" / "checkout-v2.yaml").write_text("key: checkout-v2\nrelease_conditions: [{}]\n")
    commit(root)


@pytest.mark.parametrize(
    ("before", "arguments", "said"),
    [
        (set_up, (*BOTH, "--samples", "drop"), "Pulumi.production.yaml is set up already"),
        (stack_init, (*BOTH, "--samples", "keep"), "Pulumi.staging.yaml is set up already"),
        (own, (*ONE, "--samples", "drop"), "these are no samples: flags/checkout-v2.yaml; move them away"),
        (lambda root: (root / "flags" / "new.yaml").write_text("key: new\n"), (*ONE, "--samples", "drop"),
         "there are changes that are not committed: flags/new.yaml; commit or `git restore` them"),
        (lambda root: (root / "flags" / "ai-model-version.yaml").unlink(), (*BOTH, "--samples", "keep"),
         "there are changes that are not committed: flags/ai-model-version.yaml"),
        (lambda _: None, (*ONE, "--samples", "keep"), "give each stack that they name a project, or --samples drop:"),
    ],
)  # fmt: skip
def test_what_would_lose_something_is_refused_whole(
    clone: Path, before: object, arguments: tuple[str, ...], said: str
) -> None:
    assert callable(before)
    before(clone)
    status = git(clone, "status", "--porcelain")
    done = init("--host", EU, *arguments)
    assert (done.exit_code, git(clone, "status", "--porcelain")) == (1, status)
    assert said in done.output


def test_outside_git_nothing_could_be_had_back(clone: Path) -> None:
    os.rename(clone / ".git", clone.parent / "away")
    done = init("--host", EU, *ONE, "--samples", "drop")
    assert done.exit_code == 1
    assert "clone it" in done.output


def test_what_fails_on_the_way_is_taken_back(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name == ".gitkeep" and path.parent.name == "events":
            raise OSError(28, "No space left on device")
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    done = init("--host", EU, *ONE, "--samples", "drop")
    assert done.exit_code == 1
    assert "No space left on device" in done.output
    assert git(clone, "status", "--porcelain") == ""


def test_what_is_left_to_do_is_what_the_readme_says(clone: Path) -> None:
    """Daily loop A7."""
    own = [block.text for block in blocks(REPOSITORY / "README.md") if block.heading == "Your own PostHog"]
    [command] = [line for text in own for line in text.splitlines() if line.startswith("ai-admin init ")]
    done = init(*command.split()[2:])
    assert done.exit_code == 0, done.output
    shown = "".join(f"{line.removeprefix('  ')}\n" for line in done.output.splitlines() if line.startswith("  "))
    assert shown in own

"""The start of a user's own repository: its stacks, and the samples kept or removed. All of it, or nothing."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from ai_admin.definitions.check import check
from ai_admin.definitions.files import FOLDERS, TOP_FOLDERS, find
from ai_admin.definitions.stacks import SANDBOX
from providers.posthog.connection import host_problems, project_problems, same_project
from providers.posthog.errors import NotInitialised

SAMPLES = Path("docs") / "samples"
OWN_SETTINGS = ("encryptionsalt", "encryptedkey", "secretsprovider")
"""What `pulumi stack init` writes into a stack's settings."""
SHOWN = 5
"""How many of the problems that a choice would make are shown."""

Changes = dict[Path, str | None]
"""The new text of each file; None for one that goes."""


def wrong_choices(host: str, projects: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a host and the project of each stack, a sentence each."""
    wrong = host_problems(host)
    for stack, project in projects.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", stack):
            wrong.append(f'"{stack}" is no name for a stack; use letters, digits, - and _')
        elif stack == SANDBOX:
            wrong.append("the stack sandbox is the local server's; choose another name")
        wrong += project_problems(project)
    if len(set(map(same_project, projects.values()))) < len(projects):
        wrong.append("two stacks would have one project, and each delete what the other made; make a project for each")
    return wrong


def changes(root: Path, host: str, projects: Mapping[str, str], keep: bool) -> Changes:
    """Return the changes that make a fresh clone a repository for these projects, by stack in the order of applying.

    Each stack follows the one before, and the last one is careful. Raises :class:`NotInitialised`.
    """
    _ready(root)
    made: Changes = dict.fromkeys(_settings(root))
    before = None
    for stack, project in projects.items():
        text = settings(host, project, careful=stack == list(projects)[-1], follows=before)
        made[root / f"Pulumi.{stack}.yaml"] = text
        before = stack
    if keep:
        _accepted(root, made)
    else:
        made |= _without_samples(root)
    return made


def settings(host: str, project: str, careful: bool, follows: str | None) -> str:
    """Return the text of a stack's settings."""
    lines = ["# docs/safety.md says what is careful about a stack, and what it means to follow one.", "config:"]
    lines += [f"  ai-admin:host: {host}", f'  ai-admin:project_id: "{project}"']
    lines += ["  ai-admin:careful: true"] * careful
    lines += [f"  ai-admin:follows: {follows}"] if follows else []
    return "\n".join(lines) + "\n"


def _settings(root: Path) -> Iterator[Path]:
    yield from (path for path in sorted(root.glob("Pulumi.*.yaml")) if path.name != f"Pulumi.{SANDBOX}.yaml")


def _ready(root: Path) -> None:
    """Raise NotInitialised unless this is a fresh clone."""
    for path in _settings(root):
        written = yaml.safe_load(path.read_text("utf-8")) or {}
        if "ai-admin:project_id" in (written.get("config") or {}) or written.keys() & set(OWN_SETTINGS):
            raise NotInitialised(
                f"{path.name} is set up already; change it there, or with `pulumi config set`, "
                "and add a stack with a file like it and `pulumi stack init`"
            )
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--", *TOP_FOLDERS, ":(glob)Pulumi.*.yaml"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotInitialised("git is not installed; without it nothing that goes could be had back") from None
    if done.returncode:
        raise NotInitialised("this is no git repository; clone it, so that what goes can be had back")
    if done.stdout:
        names = ", ".join(line[3:] for line in done.stdout.splitlines()[:SHOWN])
        raise NotInitialised(f"there are changes that are not committed: {names}; commit or `git restore` them")


def _accepted(root: Path, made: Changes) -> None:
    """Raise NotInitialised unless `ai-admin check` would accept the definitions with the new stacks."""
    with tempfile.TemporaryDirectory() as folder:
        then = Path(folder)
        for name in (*TOP_FOLDERS, "Pulumi.yaml", f"Pulumi.{SANDBOX}.yaml"):
            if (root / name).exists():
                (then / name).symlink_to(root / name)
        for path, text in made.items():
            if text is not None:
                (then / path.name).write_text(text, encoding="utf-8")
        problems = list(map(str, check(then).problems))
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] * (len(problems) > SHOWN)
        advice = "The definitions don't fit these stacks; give each stack that they name a project, or --samples drop:"
        raise NotInitialised("\n".join([advice, *problems[:SHOWN], *more]))


def _without_samples(root: Path) -> Changes:
    """Return the changes that remove the samples, and keep their folders. Raises NotInitialised if there are other
    files.
    """
    paths = [Path(file.path) for file in find(root)]
    own = [str(path) for path in paths if not (root / SAMPLES / path).exists()]
    if own:
        named = ", ".join(own[:SHOWN])
        raise NotInitialised(f"these are no samples: {named}; move them away and commit that, or --samples keep")
    gone: Changes = {root / path: None for path in paths}
    return gone | {root / folder / ".gitkeep": "" for folder in FOLDERS}

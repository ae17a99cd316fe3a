"""Which stack a command is about where none is named, and which files of it a person is told to commit."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from ai_admin.cli.checkout import looked_at, of_demo, only_stack
from ai_admin.cli.pull import folded
from ai_admin.definitions.stacks import project_stacks

DEMO = "config:\n  ai-admin:disposable: true\n"
PROJECT = "config:\n  ai-admin:project_id: '1'\n"


@pytest.mark.parametrize(
    ("stacks", "expected"),
    [
        ({"production": PROJECT}, "production"),
        ({"production": PROJECT, "sandbox": DEMO}, "production"),
        ({"sandbox": DEMO}, "sandbox"),
        ({"production": PROJECT, "sandbox": PROJECT}, None),
        ({"production": PROJECT, "sandbox": DEMO, "staging": PROJECT}, None),
        ({}, None),
    ],
)
def test_the_only_stack_of_a_project_need_not_be_named(
    tmp_path: Path, stacks: dict[str, str], expected: str | None
) -> None:
    for name, text in stacks.items():
        (tmp_path / f"Pulumi.{name}.yaml").write_text(text)
    if expected:
        assert only_stack(tmp_path, None) == expected
    else:
        with pytest.raises(click.UsageError, match="say which stack"):
            only_stack(tmp_path, None)


@pytest.mark.parametrize(
    ("host", "online", "expected"),
    [
        ("http://127.0.0.1:8000", True, ["sandbox"]),
        ("https://eu.posthog.com", True, ["production", "sandbox"]),
        ("http://127.0.0.1:8000", False, ["production", "sandbox"]),
        ("", True, ["production", "sandbox"]),
    ],
)
def test_no_stack_of_another_posthog_than_the_shells_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, online: bool, expected: list[str]
) -> None:
    (tmp_path / "Pulumi.production.yaml").write_text("config:\n  ai-admin:host: https://eu.posthog.com\n")
    (tmp_path / "Pulumi.sandbox.yaml").write_text(DEMO)
    monkeypatch.setenv("POSTHOG_HOST", host)
    monkeypatch.delenv("POSTHOG_PROJECT_ID", raising=False)
    assert looked_at(tmp_path, [], online) == expected
    assert looked_at(tmp_path, ["production"], online) == ["production"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("http://127.0.0.1:8000", "sandbox"), ("https://us.posthog.com", None), ("https://eu.posthog.com", None)],
)
def test_the_shell_of_the_sandbox_is_about_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, expected: str | None
) -> None:
    for name in ("production", "staging"):
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config:\n  ai-admin:host: https://eu.posthog.com\n")
    (tmp_path / "Pulumi.sandbox.yaml").write_text(DEMO)
    monkeypatch.setenv("POSTHOG_HOST", host)
    monkeypatch.delenv("POSTHOG_PROJECT_ID", raising=False)
    assert of_demo(tmp_path) == expected
    if expected:
        assert only_stack(tmp_path, None) == expected
        assert only_stack(tmp_path, "production") == "production", "and is refused later, as it contradicts the shell"
    else:
        with pytest.raises(click.UsageError, match="say which stack"):
            only_stack(tmp_path, None)


def test_the_stack_of_the_demo_is_named_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.production.yaml").write_text(PROJECT)
    (tmp_path / "Pulumi.sandbox.yaml").write_text(DEMO)
    assert only_stack(tmp_path, "sandbox") == "sandbox"
    assert project_stacks(tmp_path) == ("production",)


def test_of_many_new_files_their_folders_are_named() -> None:
    few = ["flags/a.yaml", "flags/early_access/b.yaml"]
    assert folded(few) == few
    assert folded([*few, *(f"cohorts/{n}.yaml" for n in range(70))]) == ["cohorts", "flags"]

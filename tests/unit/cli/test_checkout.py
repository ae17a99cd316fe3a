"""Which stack a command is about where none is named, and which files of it a person is told to commit."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from ai_admin.cli.checkout import looked_at, only_stack
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
    ("host", "online", "expected"),
    [
        ("http://127.0.0.1:8000", True, "sandbox"),
        ("http://127.0.0.1:8000", False, None),
        ("https://eu.posthog.com", True, "production"),
        ("https://posthog.example.com", True, None),
        ("", True, None),
    ],
)
def test_the_only_stack_that_the_shell_is_set_up_for_need_not_be_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    host: str,
    online: bool,
    expected: str | None,
) -> None:
    for name, where in (("production", "eu"), ("staging", "us")):
        (tmp_path / f"Pulumi.{name}.yaml").write_text(f"config:\n  ai-admin:host: https://{where}.posthog.com\n")
    (tmp_path / "Pulumi.sandbox.yaml").write_text(DEMO)
    monkeypatch.setenv("POSTHOG_HOST", host)
    monkeypatch.delenv("POSTHOG_PROJECT_ID", raising=False)
    if expected:
        assert only_stack(tmp_path, None, online) == expected
        assert "staging, as this shell is set up for another PostHog" in capsys.readouterr().err
    else:
        with pytest.raises(click.UsageError, match="say which stack"):
            only_stack(tmp_path, None, online)


def test_the_stack_of_the_demo_is_named_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.production.yaml").write_text(PROJECT)
    (tmp_path / "Pulumi.sandbox.yaml").write_text(DEMO)
    assert only_stack(tmp_path, "sandbox") == "sandbox"
    assert project_stacks(tmp_path) == ("production",)


def test_of_many_new_files_their_folders_are_named() -> None:
    few = ["flags/a.yaml", "flags/early_access/b.yaml"]
    assert folded(few) == few
    assert folded([*few, *(f"cohorts/{n}.yaml" for n in range(70))]) == ["cohorts", "flags"]

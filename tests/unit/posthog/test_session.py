"""Which PostHog a session talks to, before anything is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.posthog.errors import Unreachable
from providers.posthog.session import Session
from providers.posthog.settings import Settings
from providers.posthog.stackfile import StackFile
from tests.support.clocks import Leaping

KEY = {"POSTHOG_API_KEY": "phx_secret"}


def session(stack: dict[str, str | None], environ: dict[str, str], file: StackFile | None = None) -> Session:
    found = Session(lambda _: None, Leaping(), stack_file=lambda: file)
    found.configure(Settings(stack, {**KEY, **environ}))
    return found


def test_a_state_of_another_posthog_is_refused_before_anything_is_asked() -> None:
    nowhere = session({}, {"POSTHOG_HOST": "http://127.0.0.1:9", "POSTHOG_PROJECT_ID": "1"})
    with pytest.raises(Unreachable, match=r"live in the PostHog at https://eu\.posthog\.com"):
        nowhere.lifecycle("flag", True, "https://eu.posthog.com", "1")


@pytest.mark.parametrize("environ", [{}, {"POSTHOG_HOST": "http://127.0.0.1:9"}])
def test_a_refresh_is_of_the_posthog_in_the_stacks_file_and_not_of_that_of_the_last_up(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """The engine gives a refresh the settings of the last `up`. Of a state without a host, that is where it lives."""
    host = "" if environ else "  ai-admin:host: http://127.0.0.1:9\n"
    (tmp_path / "Pulumi.production.yaml").write_text(f"config:\n{host}  ai-admin:project_id: 1\n")
    last_up: dict[str, str | None] = {"host": "https://eu.posthog.com", "project_id": "1"}
    refresh = session(last_up, environ, StackFile(tmp_path, "production"))
    with pytest.raises(Unreachable, match=r"at https://eu\.posthog\.com, but the connection is to http://127\.0\.0\.1:9;"):
        refresh.lifecycle("flag", True, "", "1")


def test_a_refresh_knows_from_the_stacks_file_that_the_posthog_has_moved(tmp_path: Path) -> None:
    settings = {"host": "http://127.0.0.1:9", "project_id": "1", "moved_from": "https://eu.posthog.com"}
    lines = "".join(f"  ai-admin:{name}: {value}\n" for name, value in settings.items())
    (tmp_path / "Pulumi.production.yaml").write_text(f"config:\n{lines}")
    last_up: dict[str, str | None] = {"host": "https://eu.posthog.com", "project_id": "1"}
    for host in ("", "https://eu.posthog.com"):
        refresh = session(last_up, {}, StackFile(tmp_path, "production"))
        with pytest.raises(Unreachable, match=r"no answer from http://127\.0\.0\.1:9"):
            refresh.lifecycle("flag", True, host, "1")


def test_what_the_program_registers_goes_where_the_run_has_its_settings_from(tmp_path: Path) -> None:
    """`pulumi up --config-file other.yaml`, beside which the stack's usual file says something else."""
    (tmp_path / "Pulumi.production.yaml").write_text("config:\n  ai-admin:host: http://127.0.0.1:9\n")
    other: dict[str, str | None] = {"host": "http://127.0.0.1:7", "project_id": "1"}
    run = session(other, {}, StackFile(tmp_path, "production"))
    run.guard.program_runs()
    with pytest.raises(Unreachable, match=r"no answer from http://127\.0\.0\.1:7"):
        run.lifecycle("flag")


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    last_up = Settings({"host": "https://eu.posthog.com", "project_id": "1"}, KEY)
    file = StackFile(tmp_path, "production")
    assert file.connecting(last_up) is last_up
    assert file.newer_key(last_up) is None

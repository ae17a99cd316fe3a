"""A stack's settings as on-call's commands read them, without Pulumi."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ai_admin.stackfile import connection, consent_source, settings
from providers.posthog.consents import consents
from providers.posthog.errors import ConnectionProblem
from providers.posthog.settings import Settings
from tests.support.sandbox import REPOSITORY

FILE = """\
encryptionsalt: v1:x
config:
  ai-admin:host: https://eu.posthog.com/
  ai-admin:project_id: 12345
  ai-admin:careful: true
  ai-admin:consent: [on/ai, rollout/x/0-50]
  ai-admin:api_key:
    secure: v1:abc
  other:host: https://example.com
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.production.yaml").write_text(FILE)
    return tmp_path


def test_settings_are_what_pulumi_hands_to_the_program(root: Path) -> None:
    found = settings(root, "production")
    assert (found["project_id"], found["careful"]) == ("12345", "true")
    assert consents(found["consent"]) == {"on/ai", "rollout/x/0-50"}
    assert "api_key" not in found


def test_a_key_that_only_pulumi_can_read_is_said_to_be_one(root: Path) -> None:
    found = settings(root, "production")
    with pytest.raises(ConnectionProblem, match=r"set POSTHOG_API_KEY .* Pulumi\.production\.yaml is encrypted"):
        connection("production", Settings(found, {}))
    made = connection("production", Settings(found, {"POSTHOG_API_KEY": "phx_1"}))
    assert (made.host, made.project_id, made.api_key) == ("https://eu.posthog.com", "12345", "phx_1")


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("[on/ai, rollout/x/0-50]", ":6"),
        ("on/ai rollout/x/0-50  # for a week", ":6"),
        ("'on/ai rollout/x/0-50'", ":6"),
        ("\n  - on/ai\n  # not rollout/x/0-50 any more\n  - rollout/x/0-50", ":9"),
        ('"on/ai rollout\\/x/0-50"', ""),
    ],
)
def test_a_consent_is_in_a_line(root: Path, written: str, line: str) -> None:
    path = root / "Pulumi.production.yaml"
    path.write_text(FILE.replace("[on/ai, rollout/x/0-50]", written))
    assert "rollout/x/0-50" in consents(settings(root, "production")["consent"])
    assert consent_source(root, "production", "rollout/x/0-50") == f"Pulumi.production.yaml{line}"


def test_a_variable_of_another_stack_is_refused(root: Path) -> None:
    environ = {"POSTHOG_API_KEY": "phx_1", "POSTHOG_PROJECT_ID": "2"}
    with pytest.raises(ConnectionProblem, match="POSTHOG_PROJECT_ID=2 contradicts"):
        connection("production", Settings(settings(root, "production"), environ))


@pytest.mark.parametrize("text", ["config: [\n", None])
def test_a_file_that_cannot_be_read_is_named(root: Path, text: str | None) -> None:
    path = root / "Pulumi.production.yaml"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(ConnectionProblem, match=r"^Pulumi\.production\.yaml can't be read: "):
        settings(root, "production")


@pytest.mark.parametrize("text", ["", "config:\n", "- a\n"])
def test_a_file_without_settings_has_none(root: Path, text: str) -> None:
    (root / "Pulumi.production.yaml").write_text(text)
    assert settings(root, "production") == {}


def test_the_commands_start_without_pulumi() -> None:
    """On-call waits for what is imported."""
    script = "import sys, ai_admin.cli.off, ai_admin.cli.on"
    script += "; print(sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert not {"'pulumi'", "'grpc'"} & {name.strip(" []\n") for name in done.stdout.split(",")}

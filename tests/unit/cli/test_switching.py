"""What `ai-admin off` and `ai-admin on` do to a flag's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_admin.cli.switching import Stack, edit
from ai_admin.definitions.document import Document
from ai_admin.definitions.switch_line import switched
from providers.posthog.client import Client
from providers.posthog.connection import Connection
from providers.posthog.settings import Settings


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    (tmp_path / "flags").mkdir()
    (tmp_path / "flags" / "ai.yaml").write_text("key: ai\n")
    client = Client(Connection("https://eu.posthog.com", "1", None, "phx_key"))
    return Stack(tmp_path, "production", Settings({}, {}), client)


def test_what_an_editor_saves_meanwhile_is_not_overwritten(stack: Stack) -> None:
    file = stack.root / "flags" / "ai.yaml"

    def change(document: Document) -> Document:
        file.write_text("key: ai\ntags: [saved]\n")
        return switched(document, stack.name, False)

    done = edit(stack, "ai", change)
    said = "flags/ai.yaml was not edited: somebody saved flags/ai.yaml meanwhile; run this again"
    assert (done.well, done.path, done.message) == (False, None, said)
    assert file.read_text() == "key: ai\ntags: [saved]\n"
    again = edit(stack, "ai", lambda document: switched(document, stack.name, False))
    assert (again.well, file.read_text()) == (True, "key: ai\nactive: false\ntags: [saved]\n")

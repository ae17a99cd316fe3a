"""The example's TypeScript service where Node.js is not set up."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.ai_service.node import NodeService, NotStarted, compiled


def test_a_missing_compiler_is_said_with_what_installs_it(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="nowhere has no typescript: make editor installs it"):
        compiled(tmp_path, tmp_path / "nowhere")


def test_a_missing_node_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / ".bin" / "tsc"
    compiler.parent.mkdir()
    compiler.write_text("#!/bin/sh\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotStarted, match="there is no node on the PATH"):
        NodeService(tmp_path, "http://127.0.0.1:1", "phc_x", "phx_x", seed=1)

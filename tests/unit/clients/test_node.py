"""The example's TypeScript service where Node.js is not set up."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.ai_service.node import NotStarted, compiled


def test_a_missing_compiler_is_said_with_what_installs_it(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="nowhere has no typescript: make editor installs it"):
        compiled(tmp_path, tmp_path / "nowhere")

"""The Python that a test's clone of the repository has reads the code of that clone."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.pythons import virtualenv


@pytest.mark.parametrize(("given", "more"), [("", []), ("/some/where", ["/some/where"])])
def test_the_code_of_the_clone_comes_first_and_the_current_folder_is_not_looked_through(
    tmp_path: Path, given: str, more: list[str]
) -> None:
    clone, elsewhere = tmp_path / "clone", tmp_path / "elsewhere"
    for folder in (clone / "tools", elsewhere):
        folder.mkdir(parents=True)
    (clone / ".venv").symlink_to(virtualenv())
    command = [str(clone / ".venv" / "bin" / "python"), "-c", "import json, sys; print(json.dumps(sys.path[1:]))"]
    environ = {**os.environ, "PYTHONPATH": given}
    done = subprocess.run(command, cwd=elsewhere, env=environ, capture_output=True, text=True, check=True)
    path = json.loads(done.stdout)
    assert path[: 1 + len(more)] == [str(clone), *more]
    assert not {"", str(elsewhere)} & set(path)

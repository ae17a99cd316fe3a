"""Scripts as people and CI run them, with what is not for a test put in its place."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.sandbox import REPOSITORY


def run_script(
    script: str, folder: Path, environ: Mapping[str, str], stand_ins: Path
) -> subprocess.CompletedProcess[str]:
    """Run a script as GitHub does (``bash -eo pipefail``), with the tools of this checkout.

    ``gh`` only writes its arguments down, a line for each call, in ``stand_ins/gh.calls``.
    """
    stand_ins.mkdir(exist_ok=True)
    (stand_ins / "gh").write_text(f'#!/bin/sh\necho "$@" >> {stand_ins}/gh.calls\n')
    (stand_ins / "gh").chmod(0o755)
    tools = [stand_ins, REPOSITORY / ".venv" / "bin", REPOSITORY / ".toolchain" / "bin"]
    path = os.pathsep.join([*map(str, tools), environ.get("PATH", os.environ["PATH"])])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )

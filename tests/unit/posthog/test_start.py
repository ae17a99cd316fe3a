"""What a preview's processes import before they do anything: each of these modules would cost every run its time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.sandbox import REPOSITORY

LATER = {
    "requests",  # with the first request: a provider that only compares sends none
    "urllib3",
    "jsonschema",  # when a definition is wrong, to say why
    "referencing",
    "rich",
    "click",
    "posthog",  # PostHog's SDK: when flags are evaluated
    "sandbox",
    "tools",
}
PROVIDER = "import providers.posthog.provider"
# The program's own imports, without what it does.
PROGRAM = """\
import ast
code = ast.parse(open("__main__.py").read())
code.body = [node for node in code.body if isinstance(node, ast.Import | ast.ImportFrom)]
exec(compile(code, "__main__.py", "exec"))
"""


@pytest.mark.parametrize(("script", "later"), [(PROVIDER, LATER | {"ai_admin"}), (PROGRAM, LATER)])
def test_what_is_not_needed_at_once_is_not_imported_at_once(script: str, later: set[str]) -> None:
    script += "\nimport sys; print(*sys.modules)"
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=REPOSITORY, text=True)
    assert "pulumi" in printed.split()
    assert later.isdisjoint(printed.split())

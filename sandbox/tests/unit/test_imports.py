"""The sandbox's modules import each other in one direction, and a kind is found where it stands."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from sandbox.rest.registry import modules, resources
from sandbox.tests.running import REPOSITORY

ROOT = REPOSITORY / "sandbox"
FILES = {
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
    if "tests" not in path.parts
}


def imported(path: Path) -> set[str]:
    """The sandbox's modules that a file names in an import, wherever it stands and for whatever reason."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in FILES else node.module for name in whole}
    return found & FILES.keys()


def test_no_module_imports_another_in_a_circle_not_even_for_annotations() -> None:
    graph = {name: imported(path) for name, path in FILES.items()}
    assert sum(map(len, graph.values())) > 500
    TopologicalSorter(graph).prepare()  # raises CycleError


@pytest.mark.parametrize("kind", ["data.actions", "analytics.annotations", "people.cohorts", "analytics.playlists"])
def test_a_kind_is_imported_without_the_others(kind: str) -> None:
    command = f"import sys, sandbox.resources.{kind}; print(*(n for n in sys.modules if 'sandbox.resources.' in n))"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=REPOSITORY, capture_output=True, text=True, timeout=20, check=True
    )
    assert len(done.stdout.split()) < len(modules()) / 4


def test_every_kind_is_found_once() -> None:
    named = [(each.parent, each.collection) for each in resources()]
    assert len(named) >= 25
    assert len(set(named)) == len(named)

"""CONTRIBUTING's table of folders says what each may import, and that is what it imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.support.sandbox import REPOSITORY

OURS = ("ai_admin", "providers", "sandbox", "tools", "examples", "tests")
ROW = re.compile(r"^\| (`.+?`) \|[^\n]*\|([^|\n]*)\|$", re.MULTILINE)
ROWS = ROW.findall((REPOSITORY / "CONTRIBUTING.md").read_text("utf-8"))
ALLOWED = {name: cell.strip() for names, cell in ROWS for name in re.findall(r"[^`, ]+", names)}


def folder_of(file: Path) -> str:
    """The innermost folder of the table that has a file; its top folder where it has none."""
    path = file.relative_to(REPOSITORY).as_posix()
    folders = [folder for folder in ALLOWED if path == folder or (folder.endswith("/") and path.startswith(folder))]
    return max(folders, key=len, default=path.partition("/")[0])


def imported(file: Path) -> set[str]:
    """The modules of ours that a file imports, dotted."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if is_module(name) else node.module for name in whole}
    return {name for name in found if name.partition(".")[0] in OURS}


def is_module(name: str) -> bool:
    path = REPOSITORY.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def may(folder: str, module: str) -> bool:
    """Whether a folder may import a module: one of its own, or below a name in the table's last column."""
    cell = ALLOWED[folder]
    own = folder.removesuffix(".py").strip("/").replace("/", ".")
    names = [own, *re.findall(r"`([\w.]+)`", cell)]
    return cell == "anything" or any(module == name or module.startswith(f"{name}.") for name in names)


def test_every_module_is_in_a_folder_and_imports_what_it_may() -> None:
    files = [file for top in OURS[:-1] for file in sorted((REPOSITORY / top).rglob("*.py"))]
    files = [*files, REPOSITORY / "__main__.py"]
    wrong = {
        f"{file.relative_to(REPOSITORY)} imports {module}"
        for file in files
        if "tests" not in file.parts and file.read_text("utf-8").strip()
        for folder in [folder_of(file)]
        for module in imported(file)
        if folder not in ALLOWED or not may(folder, module)
    }
    assert wrong == set()


def test_every_folder_is_there() -> None:
    assert len(ALLOWED) > 20
    assert [folder for folder in ALLOWED if not (REPOSITORY / folder).exists()] == []


def test_ai_admin_needs_no_pulumi() -> None:
    script = "import pkgutil, sys, ai_admin\n"
    script += "for each in pkgutil.walk_packages(ai_admin.__path__, 'ai_admin.'):\n"
    script += "    each.name.endswith('__main__') or __import__(each.name)\n"
    script += "print(len(sys.modules), 'pulumi' in sys.modules)"
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=REPOSITORY, text=True).split()
    assert int(printed[0]) > 100
    assert printed[1] == "False"

"""The version stands in three places that other programs read; they must say the same."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tools.toolchain.pins import LOCKS, PULUMI_VERSION

ROOT = Path(__file__).resolve().parents[3]
GO = "tools/toolchain/build/requirements.txt"


def test_sdk_modules_and_cli_are_of_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    go_mod = (ROOT / "tools/toolchain/build/go.mod").read_text()
    modules = re.findall(r"^\tgithub.com/pulumi/pulumi/(?:pkg|sdk)/v3 v(\S+)", go_mod, re.MULTILINE)
    assert f"pulumi=={PULUMI_VERSION}" in project["dependencies"]
    assert f"\npulumi=={PULUMI_VERSION} " in (ROOT / LOCKS["apply"]).read_text()
    assert modules == [PULUMI_VERSION, PULUMI_VERSION]


def test_everything_installed_is_pinned_with_a_hash() -> None:
    for lock in (*LOCKS.values(), GO):
        text = re.sub(r"^ *#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
        pin = r"[\w.-]+==\S+ (; .*)?(\\\n    --hash=sha256:[0-9a-f]{64} ?)+\n"
        assert re.fullmatch(f"({pin})+", text), lock


def test_what_pyproject_pins_is_what_the_locks_install() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    wanted = {
        LOCKS["apply"]: [*project["project"]["dependencies"], *project["build-system"]["requires"]],
        LOCKS["sandbox"]: pinned(groups, "sandbox"),
        LOCKS["development"]: pinned(groups, "development"),
        GO: pinned(groups, "go"),
    }
    for lock, pins in wanted.items():
        text = (ROOT / lock).read_text().lower()
        assert [pin for pin in pins if f"\n{pin.lower()} \\" not in text] == [], lock


def pinned(groups: dict[str, list[str | dict[str, str]]], name: str) -> list[str]:
    """The pins of a dependency group and of the groups that it includes (PEP 735)."""
    found = []
    for item in groups[name]:
        found += [item] if isinstance(item, str) else pinned(groups, item["include-group"])
    return found


@pytest.mark.parametrize(
    ("folders", "purposes"),
    [
        (("ai_admin", "providers", "__main__.py"), ("apply",)),
        (("sandbox", "tools/demo", "ai_admin/charts"), ("apply", "sandbox")),
    ],
)
def test_what_is_installed_for_a_purpose_is_all_that_it_imports(
    folders: tuple[str, ...], purposes: tuple[str, ...]
) -> None:
    installed = "\n" + "".join((ROOT / LOCKS[purpose]).read_text() for purpose in purposes)
    ours = {"ai_admin", "providers", "sandbox", "tools"}
    missing = {
        (name, str(file.relative_to(ROOT)))
        for file in python_files(folders)
        for name in imported(file) - ours - sys.stdlib_module_names - (set() if "sandbox" in purposes else ASKED_FOR)
        if f"\n{DISTRIBUTIONS.get(name, name).replace('_', '-')}==" not in installed
    }
    assert missing == set()


DISTRIBUTIONS = {
    "chdb": "chdb-core",
    "dateutil": "python-dateutil",
    "google": "protobuf",
    "grpc": "grpcio",
    "markdown_it": "markdown-it-py",
    "vl_convert": "vl-convert-python",
    "yaml": "pyyaml",
}
"""Packages whose name is not the one to import."""

ASKED_FOR = {"markdown_it", "vl_convert"}
"""What draws: `ai-admin dashboards` says what to install."""


def python_files(names: tuple[str, ...]) -> list[Path]:
    """Return the product's own modules: the named files, and all under the named folders but tests beside them."""
    paths = [ROOT / name for name in names]
    files = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    return [file for file in files if "tests" not in file.relative_to(ROOT).parts]


def imported(file: Path) -> set[str]:
    """Return the packages that a module imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names

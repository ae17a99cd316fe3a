"""The version stands in three places that other programs read; they must say the same."""

import re
import tomllib
from pathlib import Path

from toolchain.pins import PULUMI_VERSION
from toolchain.venv import LOCKS

ROOT = Path(__file__).resolve().parents[3]


def test_sdk_modules_and_cli_are_of_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    go_mod = (ROOT / "toolchain/go.mod").read_text()
    modules = re.findall(r"^\tgithub.com/pulumi/pulumi/(?:pkg|sdk)/v3 v(\S+)", go_mod, re.MULTILINE)
    assert f"pulumi=={PULUMI_VERSION}" in project["dependencies"]
    assert f"\npulumi=={PULUMI_VERSION} " in (ROOT / "requirements/runtime.txt").read_text()
    assert modules == [PULUMI_VERSION, PULUMI_VERSION]


def test_everything_installed_is_pinned_with_a_hash() -> None:
    for lock in (*LOCKS, "requirements/go.txt"):
        text = re.sub(r"^ *#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
        pin = r"[\w.-]+==\S+ (; .*)?(\\\n    --hash=sha256:[0-9a-f]{64} ?)+\n"
        assert re.fullmatch(f"({pin})+", text), lock


def test_what_pyproject_pins_is_what_the_locks_install() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        "requirements/runtime.txt": project["project"]["dependencies"],
        "requirements/dev.txt": [*project["dependency-groups"]["dev"], *project["build-system"]["requires"]],
        "requirements/go.txt": project["dependency-groups"]["go"],
    }
    for lock, pins in wanted.items():
        text = (ROOT / lock).read_text().lower()
        assert [pin for pin in pins if f"\n{pin.lower()} \\" not in text] == [], lock

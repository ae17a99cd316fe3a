from pathlib import Path

import pytest

from tools.toolchain.errors import ToolchainError
from tools.toolchain.pins import PULUMI_VERSION
from tools.toolchain.platforms import cache_folder, platform_name

HOME = Path("/home/ada")


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "linux-x64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Darwin", "x86_64", "darwin-x64"),
    ],
)
def test_names_are_those_of_the_releases(system: str, machine: str, name: str) -> None:
    assert platform_name(system, machine) == name


@pytest.mark.parametrize(("system", "machine"), [("Windows", "AMD64"), ("Linux", "riscv64")])
def test_other_machines_are_named_and_refused(system: str, machine: str) -> None:
    with pytest.raises(ToolchainError, match=f"{system} on {machine}"):
        platform_name(system, machine)


def test_the_cache_is_where_the_system_keeps_caches() -> None:
    tail = Path("ai-admin/pulumi") / f"{PULUMI_VERSION}-recipe"
    assert cache_folder("linux-x64", "recipe", {}, HOME) == HOME / ".cache" / tail / "linux-x64"
    assert cache_folder("darwin-arm64", "recipe", {}, HOME) == HOME / "Library/Caches" / tail / "darwin-arm64"


def test_the_users_choice_of_a_cache_counts_when_it_is_absolute() -> None:
    chosen = cache_folder("darwin-x64", "recipe", {"XDG_CACHE_HOME": "/var/cache/ada"}, HOME)
    assert chosen.is_relative_to("/var/cache/ada")
    assert cache_folder("linux-x64", "recipe", {"XDG_CACHE_HOME": "cache"}, HOME).is_relative_to(HOME / ".cache")

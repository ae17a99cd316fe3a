import os
from pathlib import Path

import pytest

from tests.unit.toolchain.kits import make_kit
from tools.toolchain.errors import ToolchainError
from tools.toolchain.kit import check_kit, place, publish
from tools.toolchain.pins import CLI, KIT, LANGUAGE_HOST, PROGRAM_RUNNER


def test_a_kit_of_the_pinned_version_is_accepted(tmp_path: Path) -> None:
    check_kit(make_kit(tmp_path))


@pytest.mark.parametrize("version", ["v3.258.0", "", "v3.259.0-dev"])
def test_another_version_is_refused_and_named(tmp_path: Path, version: str) -> None:
    with pytest.raises(ToolchainError, match=version or "no version"):
        check_kit(make_kit(tmp_path, version))


def test_a_cli_that_does_not_run_is_refused(tmp_path: Path) -> None:
    kit = make_kit(tmp_path)
    (kit / CLI).write_bytes(b"\x7fELF for another machine")
    with pytest.raises(ToolchainError, match="unable to run"):
        check_kit(kit)


def test_a_kit_with_files_missing_is_refused_and_the_files_named(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=f"has no {LANGUAGE_HOST}"):
        check_kit(make_kit(tmp_path, files=[CLI, PROGRAM_RUNNER]))


def test_a_failed_build_leaves_the_cache_as_it_was(tmp_path: Path) -> None:
    kit = make_kit(tmp_path / "linux-x64")
    before = (kit / PROGRAM_RUNNER).read_text()

    def half_a_build(folder: Path) -> None:
        make_kit(folder, files=[CLI])
        raise ToolchainError("out of memory")

    with pytest.raises(ToolchainError, match="out of memory"):
        publish(kit, half_a_build)
    assert (kit / PROGRAM_RUNNER).read_text() == before
    assert os.listdir(tmp_path) == ["linux-x64"]


def test_a_build_of_the_wrong_version_never_reaches_the_cache(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"v3\.1\.0"):
        publish(tmp_path / "linux-x64", lambda folder: void(make_kit(folder, "v3.1.0")))
    assert os.listdir(tmp_path) == []


def test_a_build_replaces_a_broken_kit_and_clears_what_a_killed_build_left(tmp_path: Path) -> None:
    kit = make_kit(tmp_path / "linux-x64", "v1.0.0")
    make_kit(tmp_path / ".making-killed", files=[CLI])
    publish(kit, lambda folder: void(make_kit(folder)))
    check_kit(kit)
    assert os.listdir(tmp_path) == ["linux-x64"]


def test_placing_a_kit_links_its_files(tmp_path: Path) -> None:
    kit, target = make_kit(tmp_path / "kept"), tmp_path / ".toolchain" / "bin"
    place(kit, target)
    check_kit(target)
    assert all((target / name).samefile(kit / name) for name in KIT)
    # A symbolic link would break with the cache.
    assert not any((target / name).is_symlink() for name in KIT)


def test_placing_again_replaces_everything_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = make_kit(tmp_path / ".toolchain" / "bin", "v1.0.0")
    (target / "stray").touch()
    place(make_kit(tmp_path / "built"), target)
    check_kit(target)
    assert sorted(os.listdir(target)) == sorted(KIT)
    assert os.listdir(target.parent) == ["bin"]


def void(_: object) -> None:
    """Turns an expression's value into none."""

from pathlib import Path

import pytest

from tests.unit.toolchain.kits import make_kit
from tools.toolchain.build.modules import go_minimum, go_version
from tools.toolchain.errors import ToolchainError
from tools.toolchain.pins import CLI, PULUMI_VERSION
from tools.toolchain.sources import Source, first_available, installed, sources


def closed(reason: str) -> Source:
    def take() -> Path:
        raise ToolchainError(reason)

    return Source(f"the source with {reason}", take)


def test_the_first_open_road_is_taken_and_later_ones_not_tried() -> None:
    tried: list[str] = []

    def take(name: str) -> Path:
        tried.append(name)
        return Path(name)

    choices = [closed("a rockfall"), Source("second", lambda: take("b")), Source("third", lambda: take("c"))]
    assert first_available(choices) == ("second", Path("b"))
    assert tried == ["b"]


def test_where_no_source_works_one_message_has_every_reason_and_what_to_install() -> None:
    with pytest.raises(ToolchainError) as caught:
        first_available([closed("a rockfall"), closed("a flood")])
    message = str(caught.value)
    assert "the source with a rockfall: a rockfall" in message
    assert "the source with a flood: a flood" in message
    assert f"install Pulumi {PULUMI_VERSION}" in message
    assert f"Go >= {'.'.join(map(str, go_minimum()))}" in message


def test_the_order_is_path_cache_release_build(tmp_path: Path) -> None:
    names = [source.name for source in sources(tmp_path, "linux-x64", tmp_path / "cache", {})]
    assert names == ["the one on PATH", "from the cache", "the official release", "built from its Go modules"]


def test_an_empty_cache_is_closed_and_a_filled_one_open(tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "linux-x64"
    cached = sources(tmp_path, "linux-x64", kept, {})[1]
    with pytest.raises(ToolchainError, match=f"nothing in {kept}"):
        cached.fetch()
    make_kit(kept)
    assert cached.fetch() == kept


def test_an_installation_on_path_is_found_through_its_link(tmp_path: Path) -> None:
    cellar = make_kit(tmp_path / "cellar")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").symlink_to(cellar / "pulumi")
    assert installed(f"{tmp_path}/nothing:{tmp_path}/bin") == cellar


def test_an_installation_of_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"is v3\.1\.0, not"):
        installed(str(make_kit(tmp_path, "v3.1.0")))


def test_an_installation_without_its_language_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="has no pulumi-language-python"):
        installed(str(make_kit(tmp_path, files=[CLI])))


def test_a_checkouts_own_folder_on_path_is_no_installation(tmp_path: Path) -> None:
    activated = make_kit(tmp_path / "other" / ".toolchain" / "bin")
    with pytest.raises(ToolchainError, match="there is none"):
        installed(str(activated))


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("go version go1.26.8 linux/amd64\n", (1, 26, 8)),
        ("go version go1.25 darwin/arm64\n", (1, 25)),
        ("go version go1.27rc1 linux/amd64\n", (1, 27)),
        ("go version devel +abc linux/amd64\n", ()),
        ("", ()),
    ],
)
def test_reads_the_version_of_go(answer: str, version: tuple[int, ...]) -> None:
    assert go_version(answer) == version


def test_the_oldest_go_stands_in_go_mod() -> None:
    assert go_minimum("module m\n\ngo 1.25.11\n\nrequire x v1.0.0\n") == (1, 25, 11)
    assert go_minimum() >= (1, 25)
    with pytest.raises(ToolchainError, match="no `go` line"):
        go_minimum("module m\n")

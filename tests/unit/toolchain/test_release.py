"""The official release, fetched from a server of the test's own."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from tools.toolchain.errors import ToolchainError
from tools.toolchain.pins import CLI, KIT, PULUMI_VERSION
from tools.toolchain.release import checksum_of, fetch_release

ARCHIVE = f"pulumi-v{PULUMI_VERSION}-linux-x64.tar.gz"
CHECKSUMS = f"pulumi-{PULUMI_VERSION}-checksums.txt"
DIGEST = "0a" * 32


def pack(names: tuple[str, ...]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name in names:
            info = tarfile.TarInfo(f"pulumi/{name}")
            info.size = len(name)
            packed.addfile(info, io.BytesIO(name.encode()))
    return buffer.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A download site: its address and the folder that it serves."""
    folder = tmp_path / "site"
    folder.mkdir()
    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


def offer(folder: Path, archive: bytes, digest: str | None = None) -> None:
    (folder / ARCHIVE).write_bytes(archive)
    (folder / CHECKSUMS).write_text(f"{digest or hashlib.sha256(archive).hexdigest()}  {ARCHIVE}\n")


def test_takes_the_kit_and_nothing_else_out_of_the_archive(site: tuple[str, Path], tmp_path: Path) -> None:
    offer(site[1], pack((*KIT, "pulumi-language-nodejs", "../../escaped")))
    fetch_release("linux-x64", tmp_path, site[0])
    unpacked = [path for path in tmp_path.iterdir() if path.is_file()]
    assert sorted(path.name for path in unpacked) == sorted(KIT)
    assert all(path.read_text() == path.name and path.stat().st_mode & 0o111 for path in unpacked)


def test_an_archive_that_was_changed_is_refused_before_it_is_opened(site: tuple[str, Path], tmp_path: Path) -> None:
    offer(site[1], b"not even an archive", DIGEST)
    with pytest.raises(ToolchainError, match=f"its checksum file says {DIGEST}"):
        fetch_release("linux-x64", tmp_path, site[0])
    assert not (tmp_path / CLI).exists()


def test_an_archive_without_the_language_host_is_refused(site: tuple[str, Path], tmp_path: Path) -> None:
    offer(site[1], pack((CLI,)))
    with pytest.raises(ToolchainError, match="no pulumi/pulumi-language-python"):
        fetch_release("linux-x64", tmp_path, site[0])


def test_a_site_without_the_release_is_named(site: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=f"cannot fetch from {site[0]}: .*"):
        fetch_release("linux-x64", tmp_path, site[0])


def test_a_site_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"cannot fetch from http://127.0.0.1:1: .*refused"):
        fetch_release("linux-x64", tmp_path, "http://127.0.0.1:1")


@pytest.mark.parametrize("line", [f"{DIGEST}  {ARCHIVE}", f"{DIGEST} *{ARCHIVE}"])
def test_reads_checksum_files_as_sha256sum_writes_them(line: str) -> None:
    other = f"{'1b' * 32}  {ARCHIVE}.sig"
    assert checksum_of(ARCHIVE, f"{other}\n{line}\n") == DIGEST


@pytest.mark.parametrize(
    "text",
    ["", f"{DIGEST}  {ARCHIVE}.sig", f"{DIGEST[:-2]}  {ARCHIVE}", f"{'zz' * 32}  {ARCHIVE}", "<html></html>"],
)
def test_a_checksum_file_that_says_nothing_about_the_archive_is_refused(text: str) -> None:
    with pytest.raises(ToolchainError, match=ARCHIVE):
        checksum_of(ARCHIVE, text)

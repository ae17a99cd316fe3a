"""The official release archive, checksum verified."""

import hashlib
import http.client
import shutil
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from tools.toolchain.errors import ToolchainError
from tools.toolchain.pins import KIT, PULUMI_VERSION
from tools.toolchain.progress import HEARTBEAT_SECONDS, say

BASE = "https://get.pulumi.com/releases/sdk"
# Many machines can't reach the host at all: they should not wait long to learn it.
TIMEOUT_SECONDS = 10
CHUNK_BYTES = 1 << 20


def fetch_release(platform: str, folder: Path, base: str = BASE) -> None:
    """Fetches the release for `platform`, verifies it and unpacks the files of the kit into `folder`.

    The checksum file's name has no `v` in front of the version, unlike the archive's.

    Raises:
        ToolchainError: unreachable, not what the checksum file says, or a file of the kit is not in it.
    """
    archive = f"pulumi-v{PULUMI_VERSION}-{platform}.tar.gz"
    with tempfile.TemporaryFile() as body:
        checksums = f"{base}/pulumi-{PULUMI_VERSION}-checksums.txt"
        try:
            with urllib.request.urlopen(checksums, timeout=TIMEOUT_SECONDS) as answer:
                wanted = checksum_of(archive, answer.read().decode("ascii", errors="replace"))
            say(f"fetching Pulumi {PULUMI_VERSION} from its download site")
            with urllib.request.urlopen(f"{base}/{archive}", timeout=TIMEOUT_SECONDS) as answer:
                digest = copy_with_progress(answer, body)
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise ToolchainError(f"cannot fetch from {base}: {reason}") from error
        if digest != wanted:
            raise ToolchainError(f"{archive} has SHA-256 {digest}; its checksum file says {wanted}")
        body.seek(0)
        with tarfile.open(fileobj=body, mode="r:gz") as packed:
            unpack(packed, folder)


def checksum_of(name: str, text: str) -> str:
    """The SHA-256 of file `name` in a checksum file of `<hex>  <name>` lines.

    Raises:
        ToolchainError: no line names the file, or what is before it is no SHA-256.
    """
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 2 and fields[1].lstrip("*") == name:
            value = fields[0].lower()
            if len(value) == 64 and set(value) <= set("0123456789abcdef"):
                return value
    raise ToolchainError(f"the release's checksum file has no SHA-256 of {name}")


def copy_with_progress(source: http.client.HTTPResponse, target: IO[bytes]) -> str:
    """Copies a download, saying from time to time how far it got; returns its SHA-256."""
    digest, received, spoke = hashlib.sha256(), 0, time.monotonic()
    while chunk := source.read(CHUNK_BYTES):
        target.write(chunk)
        digest.update(chunk)
        received += len(chunk)
        if time.monotonic() - spoke >= HEARTBEAT_SECONDS:
            spoke = time.monotonic()
            say(f"  fetching: {received >> 20} of {int(source.headers.get('Content-Length', 0)) >> 20} MB")
    return digest.hexdigest()


def unpack(packed: tarfile.TarFile, folder: Path) -> None:
    """Takes the kit's files, and nothing else, out of the archive, where they lie in `pulumi/`."""
    for name in KIT:
        try:
            source = packed.extractfile(f"pulumi/{name}")
        except KeyError:
            source = None
        if source is None:
            raise ToolchainError(f"the release archive has no pulumi/{name}")
        with source, (folder / name).open("wb") as target:
            shutil.copyfileobj(source, target)
        (folder / name).chmod(0o755)

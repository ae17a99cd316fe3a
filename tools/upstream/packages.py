"""The packages that the facts come from: fetched with `npm`, checked against their integrity, read where they lie."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import json
import shutil
import subprocess
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.toolchain.errors import ToolchainError

NO_NPM = (
    "`make upstream` fetches PostHog's packages with npm, and there is no npm here. Install Node.js (it brings npm), or"
    " do without: nothing else needs it, the tests read the facts that are stored in tests/upstream"
)


@dataclass(frozen=True)
class Package:
    """One version of a package, and the file in it that is read (a pattern: some names carry a hash)."""

    name: str
    version: str
    published: str
    integrity: str
    file: str

    def json(self) -> dict[str, str]:
        """Return it as it is stored."""
        return asdict(self)


def newest(package: Package, version: str = "") -> Package:
    """Return the newest version of a package as the registry has it, or a named one.

    Raises:
        ToolchainError: npm is missing, or knows no such version.
    """
    asked = f"{package.name}@{version or 'latest'}"
    answer = json.loads(npm("view", asked, "version", "dist.integrity", "time", "--json") or "{}")
    if not answer:
        raise ToolchainError(f"npm knows no {asked}")
    found = str(answer["version"])
    published = str(answer.get("time", {}).get(found, ""))[:10]
    return Package(package.name, found, published, str(answer["dist.integrity"]), package.file)


def content(package: Package, folder: Path) -> str:
    """Return the text of a package's file; the archive goes into a folder.

    Raises:
        ToolchainError: the archive is not the pinned one, or has no such file.
    """
    npm("pack", f"{package.name}@{package.version}", "--pack-destination", str(folder), "--ignore-scripts")
    [archive] = folder.glob(f"{package.name.strip('@').replace('/', '-')}-*.tgz")
    method, _, wanted = package.integrity.partition("-")
    if base64.b64encode(hashlib.new(method, archive.read_bytes()).digest()).decode() != wanted:
        raise ToolchainError(f"{archive.name} is not what its integrity says ({package.integrity})")
    with tarfile.open(archive) as tar:
        for member in tar:
            if fnmatch.fnmatch(member.name, package.file) and (read := tar.extractfile(member)):
                return read.read().decode("utf-8")
    raise ToolchainError(f"{package.name} {package.version} has no {package.file}: name the new file in packages.json")


def npm(*arguments: str) -> str:
    """Return what npm prints.

    Raises:
        ToolchainError: it is missing or fails.
    """
    command = shutil.which("npm")
    if command is None:
        raise ToolchainError(NO_NPM)
    ended = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise ToolchainError(f"npm {' '.join(arguments)} failed: {ended.stderr.strip()[-500:]}")
    return ended.stdout

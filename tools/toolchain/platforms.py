"""Names of machines and folders, as Pulumi's releases and the operating systems spell them. Pure."""

from collections.abc import Mapping
from pathlib import Path

from tools.toolchain.errors import ToolchainError
from tools.toolchain.pins import PULUMI_VERSION

SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def platform_name(system: str, machine: str) -> str:
    """The name in Pulumi's release archives, such as `linux-x64`.

    Args:
        system, machine: what `platform.system()` and `platform.machine()` answer.

    Raises:
        ToolchainError: there is no Pulumi CLI for such a machine that this repository was tried on.
    """
    if system not in SYSTEMS or machine.lower() not in MACHINES:
        raise ToolchainError(
            f"this is {system} on {machine}; it works on Linux and macOS, on x86-64 and arm64 "
            "(on Windows: inside WSL)"
        )
    return f"{SYSTEMS[system]}-{MACHINES[machine.lower()]}"


def cache_folder(platform: str, recipe: str, env: Mapping[str, str], home: Path) -> Path:
    """Where this user's built and fetched CLIs of the pinned version are kept, for all checkouts.

    Args:
        platform: what `platform_name` answers.
        recipe: what a build is made from; another one is kept apart.
        env: the process's environment. XDG_CACHE_HOME counts when it is absolute, as its specification asks.
    """
    chosen = env.get("XDG_CACHE_HOME", "")
    if chosen.startswith("/"):
        base = Path(chosen)
    elif platform.startswith("darwin"):
        base = home / "Library" / "Caches"
    else:
        base = home / ".cache"
    return base / "ai-admin" / "pulumi" / f"{PULUMI_VERSION}-{recipe}" / platform

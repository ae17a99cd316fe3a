"""Finding and reading the files that hold definitions."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ai_admin.definitions import schemas
from ai_admin.definitions.spelling import closest
from providers.posthog.kinds import KINDS

FOLDERS = dict(sorted((kind.folder, kind.name) for kind in KINDS.values() if kind.folder))
"""Which kind of file each folder of a checkout holds; one may lie in another's."""

TOP_FOLDERS = tuple(dict.fromkeys(folder.partition("/")[0] for folder in FOLDERS))
"""The folders of definitions at the top of a checkout."""

MAX_BYTES = 1024 * 1024
ENDINGS = (".json", ".yaml", ".yml", ".jsonc", ".json5", ".toml")
"""Endings of files that somebody means as definitions, read or not."""
_READ = (".yaml", ".yml")


def kind_at(path: str) -> str:
    """Return the kind of the definition that a file of a checkout holds; empty where :func:`find` reads none there."""
    parts = PurePosixPath(path)
    if not path.endswith(_READ) or any(part.startswith(".") for part in parts.parts):
        return ""
    return next((FOLDERS[str(above)] for above in parts.parents if str(above) in FOLDERS), "")


class File(NamedTuple):
    """A file that is meant to hold a definition."""

    path: str
    kind: str
    text: str | None
    """None where it can't be read; with a ``message``, only a hint at what the file defines."""
    line: int = 1
    message: str = ""
    """Why the file can't be read as a definition; empty where it can."""
    fix: str = ""


def find(root: Path, folders: Mapping[str, str] = FOLDERS) -> Iterator[File]:
    """Yield every file below the folders of a checkout, in order of path, with the reason where it can't be read.

    ``*.yaml`` and ``*.yml`` are read, also in sub-folders and through links. Hidden files and files with other endings
    are ignored, except those that are plainly meant as definitions (``.json``, ``.YAML``).

    Args:
        root: the checkout.
        folders: the folders to read, with the kind of their files.
    """
    for folder, kind in folders.items():
        if not any(str(above) in folders for above in PurePosixPath(folder).parents):
            yield from _walk(os.fspath(root / folder), folder, kind, frozenset())
    yield from _misplaced(root)


def passed_over(root: Path) -> Iterator[str]:
    """Yield the files in folders of definitions that are not read and look like definitions: without an ending, or
    with one behind that of YAML (``x.yaml.orig``). The backups of editors (``x.yaml~``) are meant to be passed over.

    Args:
        root: the checkout.
    """
    for folder in TOP_FOLDERS:
        for above, folders, names in os.walk(root / folder):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            for name in sorted(names):
                path = PurePosixPath(above, name)
                inner = path.suffixes[-2:-1]
                meant = not path.suffix or (inner and inner[0] in _READ and not name.endswith("~"))
                if meant and not name.startswith(".") and _begins_like_one(str(path)):
                    yield _printable(str(path.relative_to(root)))


def _misplaced(root: Path) -> Iterator[File]:
    """Yield files outside the folders of definitions that seem to be meant for one.

    That is a YAML file which begins like a definition, and a folder of such files with a name like that of a kind.
    """
    try:
        with os.scandir(os.fspath(root)) as scan:
            entries = sorted((entry for entry in scan if entry.name not in TOP_FOLDERS), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.endswith(_READ) and _begins_like_one(entry.path):
            text = _read(entry.path, entry.name, "").text or ""
            kind = _kind_of(text)
            folder = next((f"{folder}/" for folder, each in FOLDERS.items() if each == kind), "the folder of its kind")
            message = "a definition at the top of the checkout is not read"
            yield _bad(entry.name, kind, message, f"move it to {folder}", text)
        elif _like_a_folder(entry.name) and os.path.isdir(entry.path):
            folder = _like_a_folder(entry.name)
            inside = [name for name in sorted(os.listdir(entry.path)) if name.endswith(_READ)]
            if any(_begins_like_one(os.path.join(entry.path, name)) for name in inside):
                message = "no definition is read from a folder of this name"
                yield _bad(entry.name, FOLDERS[folder], message, f"rename it to {folder}, or move its files there")


def _begins_like_one(path: str) -> bool:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with open(path, encoding="utf-8", errors="replace") as file:
            return (
                re.search(r"^(key:|# yaml-language-server: \$schema=\S*schemas/)", file.read(4096), re.MULTILINE)
                is not None
            )
    except OSError:
        return False


def _like_a_folder(name: str) -> str:
    """Return the folder that a name may mean: in the singular, in capitals, with ``feature`` before it, misspelt."""
    names = {each: folder for folder, kind in FOLDERS.items() for each in (folder.rpartition("/")[2], kind, f"{kind}s")}
    return names.get(closest(re.sub("^feature[-_ ]", "", name, flags=re.IGNORECASE), names) or "", "")


def _kind_of(text: str) -> str:
    """Return the kind that a file seems to define; empty where several are equally likely.

    That is the kind which it names, or whose schema has most of its keys and requires fewest others.
    """
    named = re.search(r"\$schema=\S*schemas/(\w+)\.schema\.json", text)
    if named and named[1] in FOLDERS.values():
        return named[1]
    found: dict[tuple[int, int], list[str]] = {}
    for kind in FOLDERS.values():
        found.setdefault(_fits(kind, text), []).append(kind)
    several = found[max(found)]
    return several[0] if len(several) == 1 else ""


def _fits(kind: str, text: str) -> tuple[int, int]:
    """Return how well a file's keys are those of a kind: how many it knows, and how few it misses."""
    keys = set(re.findall(r"^(\w+):", text, re.MULTILINE))
    schema = schemas.schema(kind)
    return len(keys & schema["properties"].keys()), -len(set(schema["required"]) - keys)


def _walk(folder: str, shown: str, kind: str, above: frozenset[tuple[int, int]]) -> Iterator[File]:
    try:
        status = os.stat(folder)
        here = (status.st_dev, status.st_ino)
        if here in above:
            yield _bad(shown, kind, "the link leads back to a folder above it", "remove the link")
            return
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except FileNotFoundError:
        if os.path.islink(folder):
            yield _bad(shown, kind, "the link leads nowhere", "correct or remove it")
        return
    except NotADirectoryError:
        yield _bad(shown, kind, "this is a file where a folder belongs", f"make {shown} a folder of YAML files")
        return
    except OSError as error:
        yield _bad(shown, kind, f"the folder cannot be read ({_reason(error)})", "correct its permissions")
        return
    for entry in entries:
        if not entry.name.startswith("."):
            yield from _entry(entry, f"{shown}/{_printable(entry.name)}", kind, above | {here})


def _entry(entry: os.DirEntry[str], shown: str, kind: str, above: frozenset[tuple[int, int]]) -> Iterator[File]:
    name, lower = entry.name, entry.name.lower()
    is_folder = os.path.isdir(entry.path)  # unlike entry.is_dir(), says no of a link that leads to itself
    if name.endswith(_READ):
        if is_folder:
            yield _bad(shown, kind, "this is a folder with the name of a file", "rename it without the ending")
        elif _printable(name) != name:
            yield _bad(shown, kind, "the name of the file is not UTF-8", "rename the file")
        else:
            yield _read(entry.path, shown, kind)
    elif is_folder:
        inside = _walk(entry.path, shown, FOLDERS.get(shown, kind), above)
        yield from inside if shown in FOLDERS else _of_their_kind(inside, name, shown, kind)
    elif lower.endswith(ENDINGS):
        stem = shown.rsplit(".", 1)[0]
        fix = f"rename it to {stem}.yaml, or move it elsewhere"
        yield _bad(shown, kind, "only *.yaml and *.yml are read", fix, _read(entry.path, shown, kind).text)


def _of_their_kind(files: Iterator[File], name: str, shown: str, kind: str) -> Iterator[File]:
    """Yield the files of a folder within a kind's, without those that its name and they themselves call another kind.

    Any folder is read as its parent's kind; so is ``flags/early-access``, where ``flags/early_access`` was meant.
    """
    folder = _like_a_folder(name)
    meant = FOLDERS.get(folder, kind)
    strayed = False
    for each in files:
        if meant != kind and each.text and _fits(meant, each.text) > _fits(kind, each.text):
            strayed = True
        else:
            yield each
    if strayed:
        message = f"files in this folder are read as {KINDS[kind].words}s, and some define {KINDS[meant].words}s"
        yield _bad(shown, meant, message, f"move them to {folder}")


def _read(path: str, shown: str, kind: str) -> File:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # opening a FIFO would wait for a writer
            return _bad(shown, kind, "this is not a regular file", "replace it by a file with YAML in it")
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return _bad(shown, kind, "the link leads nowhere", "correct or remove it")
    except OSError as error:
        return _bad(shown, kind, f"the file cannot be read ({_reason(error)})", "correct its permissions or its link")
    if len(data) > MAX_BYTES:
        size = f"{max(status.st_size, len(data)) / MAX_BYTES:.1f} MB"
        message, fix = f"the file is too large ({size}; at most 1 MB)", "split it into definitions"
        return _bad(shown, kind, message, fix, data.decode("utf-8", "replace"))
    try:
        return File(shown, kind, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = data.decode("utf-8", "replace")
        return File(shown, kind, text, line, f"byte {error.start + 1} is not UTF-8", "save the file as UTF-8")


def _bad(shown: str, kind: str, message: str, fix: str, text: str | None = None) -> File:
    return File(shown, kind, text, 1, message, fix)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _printable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

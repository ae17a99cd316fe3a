"""Semantic versions and the requirements put on them, as Cargo's `semver` crate reads them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.evaluation.values import text

# An identifier's rank: numbers before words, numbers by value.
Identifier = tuple[int, int, str]

_NUMERIC = r"(0|[1-9][0-9]*)"
_IDENTIFIERS = r"([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)"
_VERSION = re.compile(rf"{_NUMERIC}\.{_NUMERIC}\.{_NUMERIC}(?:-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?", re.ASCII)
_WILDCARD = re.compile(rf"{_NUMERIC}(?:\.(?:{_NUMERIC}|[*xX]))?(?:\.[*xX])?|[*xX]", re.ASCII)
_LARGEST = 2**64 - 1


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version, ordered as the crate orders it: a pre-release before its release, build metadata last."""

    core: tuple[int, int, int]
    released: bool
    pre: tuple[Identifier, ...]
    build: tuple[Identifier, ...]


def version(value: Any) -> Version | None:
    """The version a value spells: one leading `v` dropped, padded to three parts, leading zeros dropped; else None.

    Source: to_semver_representation in PostHog's rust/feature-flags.
    """
    return _parsed(text(value))


@lru_cache(maxsize=10_000)
def _parsed(spelled: str) -> Version | None:
    match = _VERSION.fullmatch(_canonical(_without_v(spelled)))
    if match is None:
        return None
    core = (int(match[1]), int(match[2]), int(match[3]))
    pre = _identifiers(match[4])
    if max(core) > _LARGEST or any(_number_with_zeros(part) for part in (match[4] or "").split(".")):
        return None
    return Version(core, not pre, pre, _identifiers(match[5]))


def _number_with_zeros(part: str) -> bool:
    """Whether a pre-release identifier is a number with leading zeros, which semver forbids."""
    return len(part) > 1 and part.isdecimal() and part[0] == "0"


def in_tilde(found: Version, wanted: Any) -> bool:
    """`~1.2.3`: the same major and minor, at least that patch."""
    least = version(wanted)
    if least is None or not _allowed(found, least):
        return False
    return found.core[:2] == least.core[:2] and found >= _bare(least)


def in_caret(found: Version, wanted: Any) -> bool:
    """`^1.2.3`: at least that version, with the same left-most part that isn't zero."""
    least = version(wanted)
    return least is not None and _allowed(found, least) and _caret(found, least)


def in_wildcard(found: Version, wanted: Any) -> bool:
    """`1.*`, `1.2.*`, `*`: the same parts before the star; a version without a star means `^` (as Cargo reads it)."""
    pattern = ".".join(_without_zeros(part) for part in _without_v(text(wanted)).split("."))
    if "*" not in pattern and "x" not in pattern.lower():
        return in_caret(found, wanted)
    match = _WILDCARD.fullmatch(pattern)
    if match is None or not found.released:
        return False
    given = [int(part) for part in match.groups() if part is not None]
    return list(found.core[: len(given)]) == given


COMPARISONS: dict[str, Callable[[Version, Version], bool]] = {
    "semver_eq": lambda found, wanted: found == wanted,
    "semver_neq": lambda found, wanted: found != wanted,
    "semver_gt": lambda found, wanted: found > wanted,
    "semver_gte": lambda found, wanted: found >= wanted,
    "semver_lt": lambda found, wanted: found < wanted,
    "semver_lte": lambda found, wanted: found <= wanted,
}
REQUIREMENTS: dict[str, Callable[[Version, Any], bool]] = {
    "semver_tilde": in_tilde,
    "semver_caret": in_caret,
    "semver_wildcard": in_wildcard,
}


def _caret(found: Version, least: Version) -> bool:
    fixed = next((index for index, part in enumerate(least.core) if part), 2)
    return found.core[: fixed + 1] == least.core[: fixed + 1] and found >= _bare(least)


def _allowed(found: Version, least: Version) -> bool:
    # A pre-release only satisfies a requirement that names a pre-release of the very same version.
    return found.released or (found.core == least.core and not least.released)


def _bare(least: Version) -> Version:
    return Version(least.core, least.released, least.pre, ())


def _without_v(spelled: str) -> str:
    return (spelled[1:] if spelled.startswith("v") else spelled).strip()


def _canonical(spelled: str) -> str:
    end = next((index for index, char in enumerate(spelled) if char in "-+"), len(spelled))
    parts = [_without_zeros(part) for part in spelled[:end].split(".")]
    return ".".join(parts + ["0"] * (3 - len(parts))) + spelled[end:]


def _without_zeros(part: str) -> str:
    return (part.lstrip("0") or "0") if part.isascii() and part.isdecimal() else part


def _identifiers(spelled: str | None) -> tuple[Identifier, ...]:
    parts = spelled.split(".") if spelled else []
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)

"""The nearest known name to one that somebody mistyped."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like ``name``, or None when none is like enough to be meant."""
    return _nearest(name, tuple(each for each in known if isinstance(each, str)))


@lru_cache
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    from difflib import get_close_matches  # only when there is a problem to report

    folded = {_folded(each): each for each in sorted(known, reverse=True)}
    wanted = _folded(name)
    if wanted in folded:
        return folded[wanted]
    close = get_close_matches(wanted, folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")


def suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return ``write "<nearest>"``, or ``otherwise`` when nothing known is near."""
    near = nearest(name, known)
    return f'write "{near}"' if near else otherwise


def listed(names: Iterable[str], word: str = "or", most: int = 12) -> str:
    """Return names as a person lists them: ``a, b or c``; after ``most`` names, how many more there are."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[:most])} … ({len(names) - most} more)"
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "nothing"

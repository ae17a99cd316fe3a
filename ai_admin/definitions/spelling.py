"""The known name that a misspelt one means, and lists of names in messages.

The same for keys, values and references. It is strict on purpose: the wrong cohort in a release condition serves
another audience, so a name is proposed only for a clear typo; otherwise the message lists what exists.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from providers.posthog.kinds.phrases import printable as printable

_SEPARATORS = re.compile(r"[-_ ./]+")
_LEAST = 3
"""Shorter words differ in a letter because they are other words (``us``, ``eu``)."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is one typo away from ``name``, or None.

    A typo is a letter that is missing, too much, another one, or changed places with its neighbour. Case and
    separators do not count, and of a name of several words each may have one, but two at most. Digits are never
    taken for a typo: ``v3`` is not ``v4``.
    """
    return _closest(name, tuple(each for each in known if isinstance(each, str)))


@lru_cache
def _closest(name: str, known: tuple[str, ...]) -> str | None:
    near = [(typos, each) for each in known if (typos := _typos(name, each)) is not None]
    return min(near)[1] if near else None


def _typos(name: str, other: str) -> int | None:
    """Return how many typos make one name of the other, None where that is too many to be sure."""
    words, others = _words(name), _words(other)
    joined, wanted = "".join(words), "".join(others)
    if joined == wanted:
        return 0
    if _one_typo(joined, wanted):
        return 1
    if len(words) != len(others):
        return None
    wrong = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
    return len(wrong) if len(wrong) <= 2 and all(_one_typo(*pair) for pair in wrong) else None


def _words(name: str) -> list[str]:
    return _SEPARATORS.split(name.lower())


def _one_typo(word: str, other: str) -> bool:
    """Whether exactly one letter is missing, too much, another one, or has changed places with the next."""
    if abs(len(word) - len(other)) > 1 or min(len(word), len(other)) < _LEAST:
        return False
    start = next((n for n, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    left, right = word[start:], other[start:]
    if len(left) == len(right):
        swapped = left[:2] == right[1::-1] and left[2:] == right[2:]
        return left[:2].isalpha() if swapped else left[1:] == right[1:] and left[:1].isalpha() and right[:1].isalpha()
    longer, shorter = (left, right) if len(left) > len(right) else (right, left)
    return longer[1:] == shorter and longer[0].isalpha()


def alike(name: str, others: Iterable[str]) -> bool:
    """Return whether one of these names may be what ``name`` means: reason to report nothing, not to propose it."""
    from difflib import get_close_matches  # only when there is a problem to report

    return bool(get_close_matches("_".join(_words(name)), {"_".join(_words(each)) for each in others}, n=1, cutoff=0.6))


def suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return ``write "<closest>"``, or ``otherwise`` when no known name is close."""
    near = closest(name, known)
    return f'write "{near}"' if near else otherwise


def listed(names: Iterable[str], word: str = "or", most: int = 12) -> str:
    """Return names as a person lists them: ``a, b or c``; after ``most`` names, how many more there are."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[:most])} … ({len(names) - most} more)"
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "nothing"


def told_apart(name: str) -> str:
    """Return a name that may be anything so that it is told from others that look like it.

    A plain one is returned as it is. Any other is in quotes, so that spaces at its ends are seen; in it quotes are
    escaped, what terminals would act on, and beside Latin letters those of other alphabets, which may look like them.
    """
    if re.fullmatch(r"[\w.:@/+#-]+", name, re.ASCII):
        return name
    latin = any(char.isascii() and char.isalpha() for char in name)
    said = name.replace("\\", r"\\").replace('"', r"\"")
    shown = "".join(_escaped(char) if latin and _is_of_another_alphabet(char) else char for char in said)
    return printable(f'"{shown}"')


def _is_of_another_alphabet(char: str) -> bool:
    return char.isalpha() and not unicodedata.name(char, "").startswith("LATIN")


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()

"""The errors that people meet are one tree, which is drawn where they are."""

from __future__ import annotations

import importlib
import pkgutil
import re

import ai_admin
import providers
from providers.posthog import errors
from providers.posthog.errors import Problem


def tree(error: type[Exception], depth: int = 0) -> list[tuple[int, str]]:
    return [(depth, error.__name__), *(each for child in error.__subclasses__() for each in tree(child, depth + 1))]


def test_the_drawing_is_the_tree() -> None:
    for package in (ai_admin, providers):
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not each.name.endswith("__main__"):
                importlib.import_module(each.name)
    lines = re.findall(r"^    ((?:[│ ] {3})*)(?:[├└]── )?([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    drawn = [(0 if name == "Problem" else len(bars) // 4 + 1, name) for bars, name in lines]
    assert sorted(drawn) == sorted(tree(Problem))
    assert len(drawn) > 10

"""The shape of a value, as both packages describe it: the fields of an object, and the values of an enumeration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Scalar = str | int | float | bool


@dataclass(frozen=True)
class Shape:
    """What is known of a value. A list has the shape of its items, alternatives the shape of all together."""

    fields: dict[str, Shape] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    values: frozenset[Scalar] = frozenset()
    choices: tuple[Shape, ...] = ()  # the objects that it may be, where there are several

    def at(self, path: str) -> Shape:
        """Return the shape of the field at a path with dots.

        Raises:
            KeyError: there is none.
        """
        found = self
        for step in path.split(".") if path else ():
            found = found.fields[step]
        return found


ANYTHING = Shape()


def merged(shapes: Iterable[Shape]) -> Shape:
    """Return the shape of a value that has one of these shapes; it requires what all of those with fields require."""
    known = [each for each in shapes if each != ANYTHING]
    if len(known) < 2:
        return known[0] if known else ANYTHING
    names = sorted({name for each in known for name in each.fields})
    objects = [each.required for each in known if each.fields]
    return Shape(
        fields={name: merged(each.fields[name] for each in known if name in each.fields) for name in names},
        required=frozenset.intersection(*objects) if objects else frozenset(),
        values=frozenset().union(*(each.values for each in known)),
        choices=tuple(one for each in known if each.fields for one in each.choices or (each,)),
    )


def paths(shape: Shape, depth: int, before: str = "") -> Iterator[tuple[str, Shape]]:
    """Yield every field with its path, in alphabetical order, down to a depth.

    Of fields that are alike, the insides of the first count for all.
    """
    seen: list[Shape] = []
    for name, each in sorted(shape.fields.items()):
        path = f"{before}{name}"
        yield path, each
        if depth > 1 and each not in seen:
            yield from paths(each, depth - 1, f"{path}.")
            seen.append(each)


def ordered(values: Iterable[Scalar]) -> list[Scalar]:
    """Return values in an order that does not depend on where they come from."""
    return sorted(values, key=lambda value: (not isinstance(value, str), json.dumps(value)))

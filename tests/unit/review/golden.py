"""The golden sentences: canonical values of a field before and after a change, and what is said of it.

`python -m tests.unit.review.golden` writes down what is said now, to be read before it is committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ai_admin.review.sentences import sentences
from providers.posthog.kinds import KINDS, Field, Kind, Ref

FILE = Path(__file__).with_name("sentences.yaml")


class _Loader(yaml.CSafeLoader):
    pass


class _Dumper(yaml.SafeDumper):
    pass


_Loader.add_constructor("!ref", lambda loader, node: Ref.parse(str(node.value)))
_Dumper.add_representer(Ref, lambda dumper, ref: dumper.represent_scalar("!ref", str(ref)))


@dataclass(frozen=True)
class Case:
    """A change of one field."""

    kind: Kind
    field: Field
    written: dict[str, Any]
    """What the file has of it."""

    @property
    def before(self) -> dict[str, Any]:
        return self._canonical("before")

    @property
    def after(self) -> dict[str, Any]:
        return self._canonical("after")

    def _canonical(self, side: str) -> dict[str, Any]:
        return self.kind.canonical({self.field.name: self.written[side]} if side in self.written else {})

    def said(self) -> list[str]:
        return [each.text for each in sentences(self.kind, self.field, self.before, self.after)]

    def __str__(self) -> str:
        return f"{self.kind.name}.{self.field.name} {self.written.get('about', '')}".strip()


def read() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The cases as the file has them, by kind and field."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = yaml.load(FILE.read_text(encoding="utf-8"), _Loader)
    return found


def cases() -> list[Case]:
    """All of them."""
    tables = {kind.name: {field.name: field for field in kind.fields} for kind in KINDS.values()}
    return [
        Case(KINDS[kind], tables[kind][field], written)
        for kind, fields in read().items()
        for field, all_written in fields.items()
        for written in all_written
    ]


def main() -> None:
    """Write down what is said of each case."""
    text = FILE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("#")]
    last: tuple[str, str] = ("", "")
    for case in cases():
        name = (case.kind.name, case.field.name)
        lines += ["", f"{name[0]}:"] * (name[0] != last[0]) + [f"  {name[1]}:"] * (name != last)
        shown: dict[str, Any] = {key: case.written[key] for key in ("about", "before", "after") if key in case.written}
        shown["says"] = case.said()
        for key, value in shown.items():
            flat = yaml.dump(value, Dumper=_Dumper, width=100, default_flow_style=key != "says", allow_unicode=True)
            first, *more = flat.replace("\n...\n", "\n").rstrip("\n").split("\n")
            start = f"    {'-' if key == next(iter(shown)) else ' '} {key}:"
            if key == "says":
                lines += [start, *(f"        {line}" for line in (first, *more))]
            else:
                lines += [f"{start} {first}", *(f"        {line.strip()}" for line in more)]
        last = name
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

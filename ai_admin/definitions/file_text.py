"""Definitions as text: YAML as people of this repository write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

import yaml

from ai_admin.definitions import yaml_text
from ai_admin.definitions.forms.base import Written
from ai_admin.definitions.spelling import printable

WIDTH = 120
_SHORT = 90
_LINE_ENDS = re.compile(r"[\x85\u2028\u2029]")
_MOST = 4


class _Block(dict[str, Any]):
    """A mapping with a line for each key, however short it is."""


class _FlowDumper(yaml.SafeDumper):
    """Everything on one line."""


class _Dumper(yaml.SafeDumper):
    """Short mappings and lists on one line, texts of several lines as such, items of lists indented."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _mapping(dumper: _Dumper, value: dict[str, Any]) -> yaml.Node:
    flow = not isinstance(value, _Block) and _is_short(value)
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=flow)


def _sequence(dumper: _Dumper, value: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=_is_short(value))


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    style = _quotes(value) or ("|" if "\n" in value else None)
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _line(dumper: _FlowDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=_quotes(value))


def _quotes(value: str) -> str | None:
    """The quotes without which a text would be read as something else; PyYAML adds those that it would need itself.

    In double quotes the characters are escaped that end a line for some readers of YAML alone.
    """
    if not yaml_text.is_text(value):
        return "'"
    return '"' if _LINE_ENDS.search(value) else None


_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(_Block, _mapping)
_Dumper.add_representer(list, _sequence)
_Dumper.add_representer(str, _text)
_FlowDumper.add_representer(str, _line)


def _is_short(value: Any) -> bool:
    inside = list(value.values()) if isinstance(value, dict) else value
    flat = all(_is_line(item) or (isinstance(item, list) and all(map(_is_line, item))) for item in inside)
    return flat and (isinstance(value, list) or len(value) <= _MOST) and len(json.dumps(value)) <= _SHORT


def _is_line(value: Any) -> bool:
    return not isinstance(value, dict | list) and "\n" not in str(value)


def dumped(value: Any, flow: bool = False) -> str:
    """Return a value as YAML without the last line break; ``flow``: on one line, as inside of braces."""
    if flow:
        text = yaml.dump(value, Dumper=_FlowDumper, default_flow_style=True, sort_keys=False, allow_unicode=True,
                         width=10**9)  # fmt: skip
    else:
        text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    return text.removesuffix("\n").removesuffix("\n...")


def mapping(value: dict[str, Any]) -> str:
    """Return a mapping as YAML with a line for each key."""
    return dumped(_Block(value))


def text_of(file: Written, comments: Iterable[str] = ()) -> str:
    """Return the text of a file: its schema for editors, comments, and the definition."""
    up = "../" * len(PurePosixPath(file.path).parent.parts)
    head = [f"# yaml-language-server: $schema={up}schemas/{file.kind}.schema.json"]
    head += [f"# {printable(line)}" for each in comments for line in each.splitlines()]
    return "\n".join([*head, mapping(file.value)]) + "\n"

"""Where notifications go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.unreadable import at
from providers.posthog.kinds.address import host_of, in_the_clear


@rule("alert")
def safe_webhook(unit: Unit, _: Index) -> Iterator[Finding]:
    """A webhook's address is https, and http only on this machine; it carries no password."""
    url = at(unit.value, "notify", "webhook", "url")
    if not isinstance(url, str):
        return
    path = ("notify", "webhook", "url")
    host = host_of(url)
    if not host:
        yield Finding(
            path, f'"{url}" is not a web address', "write https://<host>/<path>, or {env: NAME_OF_A_VARIABLE}"
        )
    elif urlsplit(url).password is not None:
        yield Finding(path, "the address holds a password, for everybody to read", "write {env: NAME_OF_A_VARIABLE}")
    elif in_the_clear(url):
        yield Finding(path, f"http to {host} sends what it carries in the clear", f"write https{url[4:]}")


@rule("alert")
def templates_close(unit: Unit, _: Index) -> Iterator[Finding]:
    """Braces in messages come in pairs: PostHog compiles what is between them, and refuses what it can't."""
    for way in ("slack", "webhook"):
        inputs = at(unit.value, "notify", way, default={})
        for name in ("text", "username", "blocks", "url", "headers", "body"):
            for path, text in _texts(inputs.get(name), ("notify", way, name)):
                plain = _ESCAPED.sub("", text)
                if plain.count("{") != plain.count("}"):
                    more, fix = ("opened", "close it") if plain.count("{") > plain.count("}") else ("closed", "open it")
                    message = f"a brace is {more} and has no partner, and PostHog reads a template between braces"
                    yield Finding(path, message, f"{fix}, or write \\{{ for a brace that is only text")


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield from _texts(item, (*path, step))


_ESCAPED = re.compile(r"\\[{}]")

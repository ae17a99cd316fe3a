"""Where notifications go."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ai_admin.definitions.holes import at
from ai_admin.definitions.model import Finding
from ai_admin.definitions.world import Rule, Unit, World

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def safe_webhook(unit: Unit, _: World) -> Iterator[Finding]:
    """A webhook's address is https, and http only on this machine; it carries no password."""
    url = at(unit.value, "notify", "webhook", "url")
    if not isinstance(url, str):
        return
    path = ("notify", "webhook", "url")
    try:
        parts = urlsplit(url)
        host, password = parts.hostname, parts.password
    except ValueError:
        host, password, parts = None, None, urlsplit("")
    if not host:
        yield Finding(
            path, f'"{url}" is not a web address', "write https://<host>/<path>, or {env: NAME_OF_A_VARIABLE}"
        )
    elif password is not None:
        yield Finding(path, "the address holds a password, for everybody to read", "write {env: NAME_OF_A_VARIABLE}")
    elif parts.scheme == "http" and host not in _LOOPBACK:
        yield Finding(path, f"http to {host} sends what it carries in the clear", f"write https{url[4:]}")


RULES = (Rule("alert", safe_webhook),)

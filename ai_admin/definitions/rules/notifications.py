"""Where notifications go."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ai_admin.definitions.holes import at
from ai_admin.definitions.model import Finding
from ai_admin.definitions.world import Rule, Unit, World
from providers.posthog.kinds.address import host_of, in_the_clear


def safe_webhook(unit: Unit, _: World) -> Iterator[Finding]:
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


RULES = (Rule("alert", safe_webhook),)

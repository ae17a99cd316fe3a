"""Web addresses that something is sent to, such as a webhook's."""

from __future__ import annotations

from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def host_of(address: str) -> str | None:
    """Return the host that a web address names, or None where it is none."""
    try:
        parts = urlsplit(address)
        return parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        return None


def in_the_clear(address: str) -> bool:
    """Whether what is sent there can be read on its way: over http, to another machine."""
    return address.startswith("http://") and host_of(address) not in _LOOPBACK


def wrong_with(secret: str) -> str:
    """Return what is wrong with an address that is a secret, in words that show nothing of it; empty if nothing is.

    PostHog stores any text, and fails on it when the first message is due.
    """
    if secret != secret.strip():
        return "begins or ends with a blank or a line break"
    if any(char.isspace() for char in secret):
        return "has a blank or a line break inside"
    if host_of(secret) is None:
        return "is no web address that starts with https://"
    return "starts with http://, which sends what it carries in the clear" if in_the_clear(secret) else ""

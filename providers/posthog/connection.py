"""Where PostHog is and with which key: the stack's configuration, filled in and cross-checked by the environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from providers.posthog.errors import ConnectionProblem, KeyRefused
from providers.posthog.settings import KEY_VARIABLE, NAMESPACE, VARIABLES, Settings

CLIENT = "ai-admin"
"""How this program names itself to PostHog."""

_PORTS = {"https": 443, "http": 80}
_ALSO_CALLED = {
    "app.posthog.com": "us.posthog.com",
    "us.i.posthog.com": "us.posthog.com",
    "eu.i.posthog.com": "eu.posthog.com",
}


@dataclass(frozen=True)
class Connection:
    """A PostHog project and the personal API key for it; the key is in no ``repr``."""

    host: str
    """The address of its API and pages, as :func:`same_host` spells it."""
    project_id: str
    organization_id: str | None
    api_key: str = field(repr=False)
    moved_from: str = ""
    """The address at which this PostHog was before; empty where it did not move."""

    def misses(self, host: str, project_id: str) -> str:
        """Return why objects that were applied to a project do not belong to this connection; "" if they do.

        Ids are valid in one PostHog only: elsewhere they belong to other objects, or to none, and all objects would
        seem to be deleted. ``host`` and ``project_id`` are what the state says, empty if it says nothing.
        """
        if project_id and same_project(project_id) != self.project_id:
            return (
                f"this stack's objects live in PostHog project {project_id}, but the connection is to project "
                f"{self.project_id}; set {VARIABLES['project_id']} or the stack's configuration to {project_id}"
            )
        if host and _installation(host) not in (_installation(self.host), _installation(self.moved_from)):
            return (
                f"this stack's objects live in the PostHog at {host}, but the connection is to {self.host}; set "
                f"{VARIABLES['host']} or the stack's configuration to {host}; only if it is the same PostHog, with a "
                f"new address, `pulumi config set {NAMESPACE}:moved_from {host}`"
            )
        return ""


def resolve(settings: Settings) -> Connection:
    """Return the connection that the stack's settings and the environment give together.

    An environment variable fills in what the stack leaves open; where both are set they must agree, so that no
    forgotten variable sends a stack's files to another project. The key is taken from the environment first, else from
    the stack's secret.

    Raises :class:`ConnectionProblem` that names every problem.
    """
    problems: list[str] = []
    found = {name: _one(name, variable, settings, problems) for name, variable in VARIABLES.items()}
    host, project_id = found["host"], found["project_id"]
    problems += host_problems(host) + project_problems(project_id)
    api_key = (settings.environ.get(KEY_VARIABLE) or settings.stack.get("api_key") or "").strip()
    if not api_key:
        problems.append(
            f"no personal API key: set {KEY_VARIABLE}, or store it in the stack with "
            f"`pulumi config set --secret {NAMESPACE}:api_key`"
        )
    elif not re.fullmatch(r"[\x21-\x7e]+", api_key):
        problems.append(f"{KEY_VARIABLE} holds spaces or characters that no key has; copy the key again")
    if problems:
        if not (host and project_id and api_key):
            problems += unknown_variables(settings.environ)
        raise (ConnectionProblem if api_key else KeyRefused)("\n".join(problems))
    organization_id = found["organization_id"]
    host, project_id = same_host(host or ""), same_project(project_id or "")
    return Connection(host, project_id, organization_id, api_key, settings.moved_from)


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence that names the variables which look like ours and are not; none where there are none."""
    known = (KEY_VARIABLE, *VARIABLES.values())
    found = sorted(name for name in environ if name.startswith("POSTHOG_") and name not in known)
    return [f"{', '.join(found)} is read by nobody; ours are {', '.join(known)}"] if found else []


def contradicted(settings: Settings) -> bool:
    """Return whether the environment says another host, project or organisation than the stack's settings."""
    problems: list[str] = []
    for name, variable in VARIABLES.items():
        _one(name, variable, settings, problems)
    return bool(problems)


def _one(name: str, variable: str, settings: Settings, problems: list[str]) -> str | None:
    ours = (settings.stack.get(name) or "").strip().rstrip("/")
    theirs = settings.environ.get(variable, "").strip().rstrip("/")
    same = spelling(name)
    if ours and theirs and same(ours) != same(theirs):
        problems.append(
            f"{variable}={theirs} contradicts {NAMESPACE}:{name}={ours} of this stack; "
            f"unset {variable}, or choose the stack that belongs to it"
        )
    return ours or theirs or None


def _missing(name: str) -> str:
    return f"no {name}: set it with `pulumi config set {NAMESPACE}:{name} VALUE`, or set {VARIABLES[name]}"


def host_problems(host: str | None) -> list[str]:
    """Return what is wrong with an address of PostHog, a sentence each; None: it is missing."""
    if not host:
        return [_missing("host")]
    parts = urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.path:
        return [f"host {host!r} is no address like https://us.posthog.com; write scheme and host alone"]
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return [f"host {host} would get the API key unencrypted; write https://{parts.netloc}"]
    return []


def same_host(host: str) -> str:
    """Return the one spelling of an address of PostHog, without a path; what is no address is returned as it is.

    PostHog Cloud has several names for one region: https://posthog.com/docs/api tells those of its API and of what
    takes events; ``app.posthog.com`` is an older one of the pages and API in the US. It is the API's that is returned.
    """
    try:
        parts = urlsplit(host.strip().rstrip("/"))
        name, port = parts.hostname, parts.port
    except ValueError:
        return host
    if not name:
        return host
    name = name.rstrip(".")
    port = None if port == _PORTS.get(parts.scheme) else port
    shown = f"[{name}]" if ":" in name else _ALSO_CALLED.get(name, name)
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")


def _installation(host: str) -> str:
    """Return what identifies a PostHog server: its address. The sandbox takes any free port."""
    return "this machine" if is_loopback(urlsplit(host).hostname or "") else same_host(host)


def same_project(project_id: str) -> str:
    """Return the one spelling of a project's id."""
    return project_id.strip().lstrip("0") or project_id


def spelling(setting: str) -> Callable[[str], str]:
    """Return what gives the one spelling of a setting's value."""
    return {"host": same_host, "moved_from": same_host, "project_id": same_project}.get(setting, str.strip)


def is_loopback(hostname: str) -> bool:
    """Return whether a host name or address is this machine."""
    try:
        return ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost" or hostname.endswith(".localhost")


def project_problems(project_id: str | None) -> list[str]:
    """Return what is wrong with a project's id, a sentence each; None: it is missing."""
    if not project_id:
        return [_missing("project_id")]
    if not re.fullmatch(r"[0-9]+", project_id):
        # `@current` would be whatever project the key's owner has open in the browser.
        return [f"project_id {project_id!r} is no number; PostHog shows it in the project's settings"]
    return []

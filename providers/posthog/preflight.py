"""Asks PostHog, before anything is written, whether the key and the project will do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set

from providers.posthog.client import Client
from providers.posthog.connection import Connection
from providers.posthog.errors import ApiError, ConnectionProblem, KeyRefused
from providers.posthog.kinds import KINDS, Kind


def preflight(client: Client, kind_names: Iterable[str], writing: bool) -> None:
    """Check the host, the key with its scopes, and the project, in two requests.

    ``kind_names`` are the kinds that are in use: the key must be able to read them, and to write them if
    ``writing``; so a pull request can be previewed with a key that changes nothing. A personal API key may always read
    itself (``personal_api_keys/@current``), which tells its scopes and the projects it is limited to.

    Raises :class:`ConnectionProblem` with one line.
    """
    connection = client.connection
    names = set(kind_names)
    kinds = [KINDS[name] for name in sorted(names)]
    try:
        key = client.get("/api/personal_api_keys/@current/")
        _check_scopes(connection, key, needed(kinds, writing))
        # Flags, where they are in use: no other collection may keep one from being switched off.
        looked_at = kinds[0] if names and "flag" not in names else KINDS["flag"]
        client.get(client.project_path(looked_at.collection), {"limit": "1"})
    except ApiError as error:
        raise _problem(connection, error) from None


def first_look(client: Client, kind: Kind, look: Callable[[], object]) -> None:
    """Carry out ``look``, the first thing that a process asks about a kind.

    The program has asked about the key, or will before anything is written. So where PostHog answers nothing more is
    asked; where it refuses, :func:`preflight` finds out why. A refusal that is about this kind alone, as flags can be
    read, is left to whoever asks about the kind: a flag that is to be off waits for no other kind.

    Raises :class:`ConnectionProblem` with one line.
    """
    try:
        look()
    except ApiError as error:
        if kind is not KINDS["flag"] and error.status is not None and _reads_flags(client):
            return
        if error.status in (403, 404):
            preflight(client, [kind.name], writing=False)
        raise _problem(client.connection, error) from None


def _reads_flags(client: Client) -> bool:
    try:
        client.get(client.project_path(KINDS["flag"].collection), {"limit": "1"})
    except ApiError:
        return False
    return True


def needed(kinds: Iterable[Kind], writing: bool) -> set[str]:
    """Return the scopes that a key needs to read, or write, objects of these kinds."""
    action = "write" if writing else "read"
    every = list(kinds)
    others = (need for kind in every for need in kind.needs if writing or not need.endswith(":write"))
    return {f"{kind.scope}:{action}" for kind in every}.union(others)


def given(key: Mapping[str, object]) -> set[str]:
    """Return the scopes that a key has, as PostHog describes it; ``*`` is all of them."""
    return set(_strings(key.get("scopes"))) or {"*"}  # keys from before scopes existed may do everything


def lacking(have: Set[str], wanted: Iterable[str]) -> list[str]:
    """Return which of these scopes a key lacks; who may write may read."""
    return sorted(
        scope
        for scope in wanted
        if "*" not in have and scope not in have and f"{scope.split(':')[0]}:write" not in have
    )


def _check_scopes(connection: Connection, key: Mapping[str, object], wanted: set[str]) -> None:
    if missing := lacking(given(key), wanted):
        raise ConnectionProblem(f"the personal API key lacks scopes: add {', '.join(missing)} to it in PostHog")
    projects = _strings(key.get("scoped_teams"))
    if projects and connection.project_id not in projects:
        raise ConnectionProblem(
            f"the personal API key is limited to project {', '.join(projects)}, but the connection is to project "
            f"{connection.project_id} of {connection.host}"
        )


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _problem(connection: Connection, error: ApiError) -> ConnectionProblem:
    if error.status in (403, 404):
        return ConnectionProblem(
            f"{connection.host} has no project {connection.project_id} that this personal API key may use; "
            f"check host and project_id ({error})"
        )
    return (KeyRefused if error.status == 401 else ConnectionProblem)(str(error))

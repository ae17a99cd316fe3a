"""Flags and cohorts in a sandbox, as the provider would make them, without an engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ai_admin.definitions.check import check
from ai_admin.evaluation import resources
from providers.posthog import reconcile
from providers.posthog.client import Client
from providers.posthog.connection import Connection
from providers.posthog.inventory import PostHogDirectory
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Directory, Kind
from providers.posthog.references import with_ids
from tests.support.sandbox import Sandbox


def client(sandbox: Sandbox) -> Client:
    """Return our client of a sandbox."""
    return Client(Connection(sandbox.url, str(sandbox.project_id), None, sandbox.api_key))


def create_body(kind: Kind, properties: Mapping[str, Any], directory: Directory) -> dict[str, Any]:
    """Return the body of the POST that creates an object."""
    return reconcile.body(kind, reconcile.created(kind, properties), properties, directory)


def apply_flags(root: Path, sandbox: Sandbox, stack: str | None = None) -> dict[str, int]:
    """Make the flags and cohorts of a checkout's stack in a sandbox; return the flags' ids by key."""
    ids: dict[Ref, int] = {}
    definitions = list(resources(check(root).indexes[stack]))
    for kind in ("cohort", "flag"):
        for each in definitions:
            if each.kind == kind:
                properties = with_ids(each.properties, ids.__getitem__)
                body = create_body(KINDS[kind], properties, PostHogDirectory(client(sandbox)))
                ids[Ref(kind, each.key)] = sandbox.call("POST", f"{KINDS[kind].collection}/", body)["id"]
    return {ref.key: made for ref, made in ids.items() if ref.kind == "flag"}

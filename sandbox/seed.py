"""What a new sandbox holds: organisation Acme, one project, two users, a Slack integration and a personal API key.

Everything random is drawn once and stored, so the same folder gives the same ids and keys again.
"""

import json
from typing import Any

from sandbox.auth.identity import MEMBER, OWNER, create_key
from sandbox.auth.users import new_user
from sandbox.resources.organization.tenancy import new_organization, new_project
from sandbox.storage.store import Data, Store
from sandbox.wire.context import timestamp


def seed(store: Store) -> None:
    """Fill a new store; a store that was filled before is left alone."""
    if store.fact("seeds") is not None:
        return
    organization = new_organization(store, "Acme")
    project = new_project(store, organization, "AI Admin sandbox")
    admin = new_user(store, "admin@example.com", "Ada", organization, OWNER, project["id"])
    new_user(store, "oncall@example.com", "Olu", organization, MEMBER, project["id"])
    _, value = create_key(store, admin, label="Seeded key", scopes=["*"])
    new_slack(store, project, admin, "acme")
    store.set_fact(
        "seeds",
        json.dumps(
            {
                "project_id": project["id"],
                "organization_id": organization["id"],
                "personal_api_key": value,
                "project_api_key": project["api_token"],
                "user_email": admin["email"],
            }
        ),
    )


def seeds(store: Store) -> dict[str, Any]:
    """The ready line's contents, but for the url."""
    facts: dict[str, Any] = json.loads(store.fact("seeds") or "{}")
    return facts


def new_slack(store: Store, project: Data, user: Data, name: str) -> Data:
    """A connected Slack workspace. PostHog makes one in the browser only, so the sandbox has to come with it."""
    integration: Data = {
        "id": store.next_id("integration"),
        "kind": "slack",
        "created_at": timestamp(),
        "created_by": user["id"],
        "config": {"team": {"id": "T0SANDBOX", "name": name}, "authed_user": {"id": "U0SANDBOX"}},
        "errors": "",
        "display_name": name,
        "channels": [
            {
                "id": f"C0{index:05d}",
                "name": channel,
                "is_private": False,
                "is_ext_shared": False,
                "is_member": True,
                "is_private_without_access": False,
            }
            for index, channel in enumerate(("general", "ai-alerts", "oncall"), 1)
        ],
    }
    store.put("integration", str(project["id"]), integration)
    return integration

"""Users and their memberships: how they are made, and how other objects show them."""

import uuid
from typing import Any

from sandbox.storage.store import Data, Store
from sandbox.wire.context import Context, timestamp

BASIC = tuple(
    "id uuid distinct_id first_name last_name email is_email_verified hedgehog_config role_at_organization".split()
)


def new_user(store: Store, email: str, first_name: str, organization: Data, level: int, project: int) -> Data:
    """Create a user who is a member of the organisation at `level` (1 member, 8 admin, 15 owner)."""
    user: Data = {
        "id": store.next_id("user"),
        "uuid": str(uuid.uuid4()),
        "distinct_id": uuid.uuid4().hex,
        "first_name": first_name,
        "last_name": "",
        "email": email.lower(),
        "is_email_verified": True,
        "hedgehog_config": None,
        "role_at_organization": None,
        "is_active": True,
        "is_staff": False,
        "date_joined": timestamp(),
        "current_organization": organization["id"],
        "current_project": project,
        "created_at": timestamp(),
        "last_login": None,
    }
    store.put("user", "", user, natural=user["email"])
    add_member(store, organization, user, level)
    return user


def add_member(store: Store, organization: Data, user: Data, level: int) -> Data:
    """Make a user a member of an organisation."""
    now = timestamp()
    member: Data = {
        "id": str(uuid.uuid4()),
        "user_id": user["id"],
        "user_uuid": user["uuid"],
        "level": level,
        "joined_at": now,
        "updated_at": now,
        "created_at": now,
    }
    store.put("membership", organization["id"], member, natural=f"{organization['id']}/{user['id']}")
    return member


def user_basic(user: Data) -> Data:
    """PostHog's UserBasic, as `created_by` and the like show it."""
    return {name: user[name] for name in BASIC}


def id_of(store: Store, identifier: str) -> int:
    """The number of the user with that uuid; one that nobody has where there is none."""
    found = store.select("user", None, "json_extract(data, '$.uuid') = ?", [identifier])
    return int(found[0]["id"]) if found else -1


def show_user(context: Context, identifier: Any) -> Data | None:
    """UserBasic of a stored user id, or None; looked up once per request."""
    if identifier is None:
        return None
    remembered = context.memo.get(("user", identifier))
    if remembered is None:
        user = context.store.get("user", identifier)
        remembered = context.memo["user", identifier] = user_basic(user) if user else None
    return remembered

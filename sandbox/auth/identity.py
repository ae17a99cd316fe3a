"""Who may do what: personal API keys, scopes, and access to projects and organisations.

The order is Django REST framework's: 401 (who), then the scope (403), then the object (404). Scope texts and their
order are those of PostHog's APIScopePermission.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from sandbox.storage.store import Data, Store
from sandbox.wire.context import Context, Identity, timestamp
from sandbox.wire.errors import Forbidden, NotFound, Unauthenticated

MEMBER, ADMIN, OWNER = 1, 8, 15


def hash_key(value: str) -> str:
    """What is stored of a key: PostHog keeps `sha256$<hex>` and shows the value once."""
    return "sha256$" + hashlib.sha256(value.encode()).hexdigest()


def mask(value: str) -> str:
    """`phx_...abcd`, as shown in lists and in the request log."""
    return value[:4] + "..." + value[-4:] if len(value) >= 16 else "*" * len(value)


def new_token(prefix: str) -> str:
    """A new key or token, of letters and digits behind its prefix."""
    return prefix + secrets.token_urlsafe(32).replace("-", "x").replace("_", "y")


def create_key(
    store: Store,
    user: Data,
    *,
    label: str,
    scopes: list[str] | None,
    scoped_teams: list[int] | None = None,
    scoped_organizations: list[str] | None = None,
    expires_at: str | None = None,
) -> tuple[Data, str]:
    """Store a personal API key of a user. Returns it and its value, which can't be read again."""
    value = new_token("phx_")
    key: Data = {
        "id": secrets.token_urlsafe(8),
        "label": label,
        "mask_value": mask(value),
        "created_at": timestamp(),
        "last_used_at": None,
        "last_rolled_at": None,
        "user_id": user["id"],
        "scopes": scopes,
        "scoped_teams": scoped_teams or [],
        "scoped_organizations": scoped_organizations or [],
        "expires_at": expires_at,
    }
    store.put("personal_api_key", str(user["id"]), key, natural=hash_key(value))
    return key, value


def authenticate(context: Context) -> Identity:
    """Find out who asks and note it in the context.

    Raises:
        Unauthenticated: no credentials, or ones that are unknown, of an inactive user, or expired.
    """
    value, source = _credentials(context)
    if value is None:
        raise Unauthenticated()
    context.identity = _key(context, value, source)
    return context.identity


def _credentials(context: Context) -> tuple[str | None, str]:
    header = context.request.headers.get("authorization", "")
    if header.startswith("Bearer "):
        return header[7:].strip(), "Authorization header"
    if "personal_api_key" in context.query:
        return context.query["personal_api_key"], "query string"
    return None, ""


def _key(context: Context, value: str, source: str) -> Identity:
    store = context.store
    key = store.find("personal_api_key", hash_key(value))
    user = store.get("user", key["user_id"]) if key else None
    if key is None or user is None or not user["is_active"] or _expired(key):
        raise Unauthenticated(f"Personal API key found in request {source} is invalid.")
    used = key["last_used_at"]
    # Hourly only, as in PostHog: a write per read would be dear.
    if used is None or datetime.now(UTC) - datetime.fromisoformat(used) > timedelta(hours=1):
        key["last_used_at"] = timestamp()
        store.put("personal_api_key", str(user["id"]), key, natural=hash_key(value))
    scopes = key["scopes"]
    return Identity(user, ["*"] if scopes is None else list(scopes), key)


def _expired(key: Data) -> bool:
    expiry = key.get("expires_at")
    return expiry is not None and datetime.fromisoformat(expiry) <= datetime.now(UTC)


def require_scope(context: Context, *scopes: str) -> None:
    """Refuse a key that lacks one of the scopes; write implies read. Without any scope no key may do it.

    Raises:
        Forbidden: with PostHog's text.
    """
    held = context.identity.scopes if context.identity else None
    if held is None:
        return
    if not scopes:
        raise Forbidden("This action does not support personal API key access")
    _check_scoped_places(context, scopes)
    if "*" in held:
        return
    for scope in scopes:
        accepted = {scope, scope.replace(":read", ":write")}
        if not accepted & set(held):
            raise Forbidden(f"API key missing required scope '{scope}'")


def throttle(context: Context) -> None:
    """Count the request against the limits of its personal API key; other identities have none.

    Raises:
        ApiError: 429.
    """
    if context.identity and context.identity.key and not context.again:
        value, _ = _credentials(context)
        context.services.limiter.check(context.request.url.path, hash_key(value or ""))


def _check_scoped_places(context: Context, scopes: tuple[str, ...]) -> None:
    key = context.identity.key if context.identity else None
    if key is None or scopes[0].startswith("user:"):
        return
    if key["scoped_teams"]:
        if not context.project:
            raise Forbidden("API keys with scoped projects are only supported on project-based endpoints.")
        if context.project["id"] not in key["scoped_teams"]:
            raise Forbidden(f"API key does not have access to the requested project: ID {context.project['id']}.")
    if key["scoped_organizations"] and context.organization:
        identifier = context.organization["id"]
        if identifier not in key["scoped_organizations"]:
            raise Forbidden(f"API key does not have access to the requested organization: ID {identifier}.")


def membership(store: Store, organization: Data, user: Data) -> Data | None:
    """The user's membership of an organisation."""
    return store.find("membership", f"{organization['id']}/{user['id']}")


def level(context: Context) -> int:
    """The asking user's level in the organisation at hand: 1 member, 8 admin, 15 owner."""
    found = membership(context.store, context.organization, context.user)
    return int(found["level"]) if found else 0


def enter_project(context: Context, identifier: str) -> None:
    """Note the project of the path, and its organisation. `@current` is the asking user's.

    Raises:
        NotFound: there is no such project. Forbidden: the user isn't a member of its organisation.
    """
    if identifier == "@current":
        identifier = str(context.user["current_project"])
    project = context.store.get("project", identifier)
    if project is None:
        raise NotFound("Project not found.")
    organization = context.store.get("organization", project["organization"])
    assert organization is not None
    context.project, context.organization = project, organization
    _check_member(context, "You don't have access to the project.")


def enter_organization(context: Context, identifier: str) -> None:
    """Note the organisation of the path. `@current` is the asking user's.

    Raises:
        NotFound: there is no such organisation, or the user isn't a member.
    """
    if identifier == "@current":
        identifier = context.user["current_organization"]
    organization = context.store.get("organization", identifier)
    if organization is None or membership(context.store, organization, context.user) is None:
        raise NotFound("Organization not found.")
    context.organization = organization
    _check_member(context, "Organization not found.")


def _check_member(context: Context, refusal: str) -> None:
    if level(context) == 0:
        raise Forbidden(refusal)
    organization = context.organization
    if (
        context.identity
        and context.identity.key
        and level(context) < ADMIN
        and not organization["members_can_use_personal_api_keys"]
    ):
        raise Forbidden(
            f"Organization '{organization['name']}' does not allow using personal API keys. "
            "Contact an admin to enable personal API keys for this organization."
        )

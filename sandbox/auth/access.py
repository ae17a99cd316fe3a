"""Access controls: what a user may do in a project, with a kind of things, and with one of them (PostHog:
products/access_control/backend/facade/user_access_control.py, posthog/user_permissions.py, posthog/permissions.py).

A rule gives a member, a role or everybody a level. Organisation admins and an object's author are exempt.

Traps: without a rule everybody is an admin of the project and an editor of its things; rules that name a user (or a
role of theirs) win over the default of an object, even when they allow less, and among them the highest counts; rules
about the kind win over the default of an object; being the author of an object doesn't help whom the kind is closed to;
hiding a kind leaves the objects visible that a rule names; the rules of an object go when it is deleted.
"""

from sandbox.auth.identity import ADMIN, level, membership
from sandbox.rest.listing import Condition, among, column
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Forbidden

KIND = "access_control"
NONE, VIEWER, EDITOR, MANAGER = OBJECT_LEVELS = ("none", "viewer", "editor", "manager")
PROJECT_LEVELS = ("none", "member", "admin")
# Declared by the kinds (`rest/resource.py`), which are looked up by name here.
INHERITED: dict[str, str] = {}  # kind -> the kind whose rules it obeys
GUARDED: set[str] = set()  # the kinds whose objects have rules that are obeyed; the others obey the kind's only
READ_ONLY = "activity_log"  # the kind that has no editors


def levels(resource: str) -> tuple[str, ...]:
    """The levels of a kind, lowest first."""
    return PROJECT_LEVELS if resource in ("project", "organization") else OBJECT_LEVELS


def usual(resource: str) -> str:
    """The level of a kind without any rule."""
    if resource == "project":
        return "admin"
    return {"organization": "member", READ_ONLY: VIEWER}.get(resource, EDITOR)


def lowest(resource: str) -> str:
    """The least a rule may give."""
    return VIEWER if resource == "action" else NONE


def highest(resource: str) -> str:
    """The most a rule may give, and what admins and authors have."""
    return VIEWER if resource == READ_ONLY else levels(resource)[-1]


def satisfied(resource: str, has: str, needed: str) -> bool:
    order = levels(resource)
    return order.index(has) >= order.index(needed)


def roles_of(context: Context, user: Data) -> set[str]:
    """The ids of the roles a user has."""
    rows = context.store.select("role_membership", None, "natural LIKE ?", [f"%/{user['id']}"])
    return {str(row["role_id"]) for row in rows}


def is_exempt(context: Context) -> bool:
    """Whether rules don't apply: to organisation admins, and to the server's own work."""
    if "exempt" not in context.memo:
        context.memo["exempt"] = context.identity is None or level(context) >= ADMIN
    return bool(context.memo["exempt"])


def _rules(context: Context, resource: str) -> list[Data]:
    """The rules about a kind and its objects that apply to the asking user; none without the paid feature."""
    if not context.settings.advanced_permissions:
        return []
    key = ("rules", resource)
    if key not in context.memo:
        rows = context.store.select(KIND, str(context.project["id"]), "natural = ?", [resource])
        mine = membership(context.store, context.organization, context.user) if rows else None
        roles = roles_of(context, context.user) if rows else set()
        context.memo[key] = [
            row
            for row in rows
            if (row["organization_member"], row["role"]) == (None, None)
            or (mine is not None and row["organization_member"] == mine["id"])
            or row["role"] in roles
        ]
    found: list[Data] = context.memo[key]
    return found


def _named(rules: list[Data]) -> list[Data]:
    return [rule for rule in rules if rule["organization_member"] or rule["role"]]


def _best(resource: str, rules: list[Data]) -> str:
    return max((str(rule["access_level"]) for rule in rules), key=levels(resource).index)


def project_level(context: Context, explicit: bool = False) -> str | None:
    """The user's level in the project; None when `explicit` and no rule says anything."""
    if is_exempt(context):
        return "admin"
    if not context.settings.advanced_permissions:
        return None if explicit else "member"
    project = str(context.project["id"])
    rules = [rule for rule in _rules(context, "project") if rule["resource_id"] == project]
    applying = _named(rules) or rules
    return _best("project", applying) if applying else None if explicit else usual("project")


def kind_level(context: Context, resource: str) -> str:
    """The user's level for a kind as a whole."""
    resource = INHERITED.get(resource, resource)
    if is_exempt(context):
        return highest(resource)
    rules = [rule for rule in _rules(context, resource) if rule["resource_id"] is None]
    return _best(resource, rules) if rules else usual(resource)


def object_level(context: Context, resource: str, row: Data, explicit: bool = False) -> str | None:
    """The user's level for an object; None when `explicit` and no rule says anything."""
    if is_exempt(context) or row.get("created_by") == context.user["id"]:
        return highest(resource)
    rules = [rule for rule in _rules(context, resource) if rule["resource_id"] == str(row["id"])]
    if named := _named(rules):
        return _best(resource, named)
    parent = INHERITED.get(resource, resource)
    if any(rule["resource_id"] is None for rule in _rules(context, parent)):
        return kind_level(context, resource)
    return _best(resource, rules) if rules else None if explicit else usual(resource)


def may_set_rules(context: Context, resource: str, row: Data) -> bool:
    """Whether the user may write an object's rules: its author, a manager of it, or an admin of the project."""
    return project_level(context, explicit=True) == "admin" or object_level(context, resource, row, True) == MANAGER


# Enforcement ------------------------------------------------------------------------------------------------


def _refuse(needed: str) -> None:
    raise Forbidden(f"You do not have {needed} access to this resource.")


def check_project(context: Context) -> None:
    """Refuse who has no access to the project at hand. Raises `Forbidden`."""
    if project_level(context) == NONE:
        raise Forbidden("You don't have access to the project.")


def check_kind(context: Context, resource: str, needed: str, creating: bool = False) -> None:
    """Refuse whose level for a kind is too low, unless a rule allows them some object of it.

    Raises:
        Forbidden: with PostHog's text.
    """
    if satisfied(resource, kind_level(context, resource), needed):
        return
    named = [rule for rule in _named(_rules(context, resource)) if rule["resource_id"] is not None]
    if creating or not any(satisfied(resource, rule["access_level"], needed) for rule in named):
        _refuse(needed)


def allows(context: Context, kind: str, row: Data, needed: str) -> bool:
    """Whether the user's level for an object suffices."""
    return kind not in GUARDED or satisfied(kind, object_level(context, kind, row) or NONE, needed)


def check_object(context: Context, kind: str, row: Data, needed: str) -> None:
    """Refuse whose level for an object is too low. Raises `Forbidden`."""
    if not allows(context, kind, row, needed):
        _refuse(needed)


def visible(context: Context, kind: str) -> list[Condition]:
    """What keeps the objects out of a list that the user may not see."""
    if kind not in GUARDED or is_exempt(context):
        return []
    grouped: dict[str, list[Data]] = {}
    for rule in _rules(context, kind):
        if rule["resource_id"] is not None:
            grouped.setdefault(rule["resource_id"], []).append(rule)
    shown = {
        name for name, rules in grouped.items() if any(rule["access_level"] != NONE for rule in _named(rules) or rules)
    }
    mine = f"{column('created_by')} = ?"
    if kind_level(context, kind) == NONE:
        allowed, values = among("id", [name for name in shown if _named(grouped[name])])
        return [(f"({allowed} OR {mine})", [*values, context.user["id"]])]
    blocked = [name for name in grouped if name not in shown]
    others, values = among("id", blocked, inverted=True)
    return [(f"({others} OR {mine})", [*values, context.user["id"]])] if blocked else []


def drop_rules(context: Context, kind: str, row: Data) -> None:
    """Remove the rules of an object that is deleted, for good or not."""
    if kind in GUARDED:
        prefix = f"{context.project['id']}/{kind}/{row['id']}/"
        end = prefix[:-1] + "0"  # what follows on a slash
        context.store.execute("DELETE FROM objects WHERE kind = ? AND id >= ? AND id < ?", (KIND, prefix, end))


def needed_for(scopes: tuple[str, ...], method: str) -> str:
    """The level an operation needs, which PostHog takes from the scopes it asks of keys."""
    writes = any(scope.endswith(":write") for scope in scopes) if scopes else method != "GET"
    return EDITOR if writes else VIEWER

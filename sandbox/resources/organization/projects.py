"""Projects and their settings: `/api/projects/`, `/api/projects/:id/`, `/api/environments/:id/`, and an organisation's
(PostHog: posthog/api/project.py and team.py, 2026-09).

Traps: an unknown column in a PATCH is ignored with a 200; some JSON columns are merged and the others replaced
(`MERGED`); URLs that are empty are dropped; the sample rate is a decimal string; DELETE only marks a project, which
answers on, and may be done once.
"""

from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.routing import BaseRoute

from sandbox.auth.guard import route
from sandbox.auth.identity import ADMIN, enter_project, level
from sandbox.events import people
from sandbox.resources.organization import tenancy
from sandbox.rest import activity, fields
from sandbox.rest.listing import whole
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Json, timestamp
from sandbox.wire.errors import Conflict, Forbidden, Invalid, NotFound

PROJECT_ONLY = frozenset({"is_pending_deletion", "product_description"})
URLS = frozenset({"app_urls", "recording_domains"})
MOST_WILDCARDS = 5  # in the host of one URL
# JSON columns whose keys are merged into the stored ones, unless null clears them.
MERGED = frozenset({"survey_config", "session_replay_config", "modifiers", "conversations_settings"})
BASIC = tuple(
    "id uuid organization api_token name completed_snippet_onboarding has_completed_onboarding_for ingested_event"
    " is_demo timezone".split()
)
BOOLEANS = frozenset({"anonymize_ips", "session_recording_opt_in", "is_demo", "completed_snippet_onboarding"})


def routes() -> list[BaseRoute]:
    """The routes of projects: by themselves, as environments, and below their organisation."""
    read, write = ("project:read",), ("project:write",)
    own = "/api/organizations/{organization}/projects"
    return [
        route("/api/projects", GET=(read, list_all), POST=(write, create_in_current)),
        *(
            route(path, GET=(read, retrieve), PATCH=(write, update), PUT=(write, update), DELETE=(write, remove))
            for path in ("/api/projects/{project}", "/api/environments/{project}")
        ),
        route(own, GET=(read, list_all), POST=(write, create)),
        route(
            own + "/{id}", GET=(read, within(retrieve)), PATCH=(write, within(update)), DELETE=(write, within(remove))
        ),
    ]


def within(run: Any) -> Any:
    """An operation on a project named below its organisation."""

    def handle(context: Context) -> Any:
        organization = context.organization["id"]
        enter_project(context, context.param("id"))
        if context.organization["id"] != organization:
            raise NotFound()
        return run(context)

    return handle


def project_basic(project: Data) -> Data:
    """A project inside the organisation and in lists."""
    return {**{name: project[name] for name in BASIC}, "project_id": project["id"], "access_control": False}


def visible_to(context: Context, organization: Data) -> list[Data]:
    """The projects of an organisation, which all its members see."""
    return context.store.select("project", organization["id"])


def show_project(context: Context, project: Data) -> Data:
    """The project, under both prefixes with the same columns but for two."""
    hidden = PROJECT_ONLY if "/environments/" in context.request.scope["sandbox.path"] else frozenset()
    types = people.group_types(context.store, project["id"])
    return {
        **{name: value for name, value in project.items() if name not in hidden},
        "project_id": project["id"],
        "default_modifiers": {},
        "access_control": False,
        "person_on_events_querying_enabled": True,
        "managed_viewsets": {"revenue_analytics": False},
        "available_setup_task_ids": [],  # steps of PostHog's web page
        "event_retention_months": None,
        "events_retention_enforced": False,
        "has_group_types": bool(types),
        "group_types": [],
        "live_events_token": None,
        "product_intents": [],
        "effective_membership_level": ADMIN,
        "user_access_level": "admin",
    }


def list_all(context: Context) -> Any:
    """The projects of the organisation in the path, else of the user's current one."""
    organization = context.organization.get("id") or context.user["current_organization"]
    rows = visible_to(context, context.store.get("organization", organization) or {})
    return whole([project_basic(row) for row in rows])


def retrieve(context: Context) -> Any:
    return show_project(context, context.project)


def update(context: Context) -> Any:
    """Write settings. Raises `Invalid` for a bad value."""
    project = context.project
    values = {
        name: _clean(name, value)
        for name, value in context.data.items()
        if name == "name" or name in tenancy.PROJECT_SETTINGS
    }
    if "name" in values and values["name"] != project["name"]:
        _check_name(context, values["name"])
    for name in MERGED & set(values):
        values[name] = _merged(name, project.get(name), values[name])
    return show_project(context, save(context, {**project, **values}))


def save(context: Context, after: Data) -> Data:
    """Store a project's new settings and log what has changed."""
    before = context.project
    names = ["name", *tenancy.PROJECT_SETTINGS]
    changes = activity.changes_between("Team", before, after, names, frozenset())
    if changes:
        after["updated_at"] = timestamp()
        activity.record(context, "Team", after["id"], "updated", after["name"], changes)
    tenancy.put_project(context.store, after)
    context.project = after
    return after


def _clean(name: str, value: Any) -> Any:
    if name == "name":
        return fields.text(200, blank=False)(value, name)
    if name == "session_recording_sample_rate" and value is not None:
        try:
            rate = Decimal(str(value)).quantize(Decimal("0.01"))
        except InvalidOperation as error:
            raise Invalid("A valid number is required.", name) from error
        if not 0 <= rate <= 1:
            raise Invalid(
                f"Ensure this value is {'greater' if rate < 0 else 'less'} than or equal to {0 if rate < 0 else 1}.",
                name,
                "min_value" if rate < 0 else "max_value",
            )
        return str(rate)
    if name in BOOLEANS:
        return fields.boolean(value, name)
    if name in URLS and value is not None:
        return _urls(name, fields.items()(value, name))
    if name in ("data_attributes", "test_account_filters") and value is not None:
        return fields.items()(value, name)
    return value


def _urls(name: str, sent: list[Any]) -> list[Any]:
    """The URLs that aren't empty. Raises `Invalid` for an authorised one with too many wildcards in its host."""
    found = [url for url in sent if url]
    for url in found if name == "app_urls" else []:
        try:
            host = urlsplit(str(url)).hostname or ""
        except ValueError as error:
            raise Invalid(f"Invalid URL: {url}", name) from error
        if host.count("*") > MOST_WILDCARDS:
            raise Invalid(f"A URL may have at most {MOST_WILDCARDS} wildcards: {url}", name)
    return found


def _merged(name: str, stored: Any, sent: Any) -> Any:
    """What a JSON column becomes; objects inside of the replay settings are merged too."""
    if not isinstance(stored, dict) or not isinstance(sent, dict):
        return sent
    if name == "session_replay_config":
        inner = {key: stored[key] for key in sent if isinstance(stored.get(key), dict) and isinstance(sent[key], dict)}
        sent = {**sent, **{key: {**value, **sent[key]} for key, value in inner.items()}}
    return {**stored, **sent}


def _check_name(context: Context, name: str) -> None:
    """Refuse the name of another project that isn't about to be deleted, whatever its case (2026-09; the PostHog of
    2026-07 takes it). Raises `Conflict`.
    """
    for other in context.store.select("project", context.organization["id"]):
        same = other["name"].strip().lower() == name.lower() and other["id"] != context.project.get("id")
        if same and not other.get("is_pending_deletion"):
            raise Conflict(f'There is already a project called "{name}" in this organization. Choose a different name.')


def create(context: Context) -> Any:
    """`POST /api/organizations/:id/projects/ {name, timezone?}`; for admins."""
    if level(context) < ADMIN:
        raise Forbidden("You need to be an organization admin or above to create new projects.")
    name = _clean("name", context.data.get("name", "Default project"))
    if "name" in context.data:
        _check_name(context, name)
    settings = {"timezone": context.data["timezone"]} if "timezone" in context.data else None
    context.project = tenancy.new_project(context.store, context.organization, name, settings)
    activity.record(context, "Project", context.project["id"], "created", name, [])
    return Json(show_project(context, context.project), 201)


def create_in_current(context: Context) -> Any:
    context.organization = context.store.get("organization", context.user["current_organization"]) or {}
    return create(context)


def remove(context: Context) -> Any:
    """Mark a project as about to be deleted, which PostHog's workers then do; here it stays.

    Raises:
        Invalid: it is marked already.
    """
    project = context.project
    if project.get("is_pending_deletion"):
        raise Invalid("This project is already being deleted.")
    tenancy.put_project(context.store, {**project, "is_pending_deletion": True})
    for scope in ("Team", "Project"):
        activity.record(context, scope, project["id"], "deleted", project["name"])
    return Response(status_code=204)

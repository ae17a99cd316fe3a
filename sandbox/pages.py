"""The page for people: what the sandbox holds, on one screen, without any asset from outside."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Route

from sandbox import activity, people, requestlog
from sandbox.errors import NotFound
from sandbox.resources import tiles
from sandbox.resources.flag_dependencies import describe
from sandbox.resources.queries import source_of
from sandbox.seed import seeds
from sandbox.store import Data
from sandbox.web import Context, endpoint

LATEST = 25
MOST = 200  # rows of a table; the API has the rest

PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)


def routes() -> list[BaseRoute]:
    return [
        Route("/", endpoint(overview), methods=["GET"]),
        Route("/project/{project}", endpoint(overview), methods=["GET"]),
    ]


def overview(context: Context) -> HTMLResponse:
    """`GET /` (the first project) and `GET /project/:id`."""
    store, facts = context.store, seeds(context.store)
    identifier = context.request.path_params.get("project", facts["project_id"])
    project = store.get("project", identifier)
    if project is None:
        raise NotFound()
    context.project = project
    scope = str(project["id"])
    shown = {
        "facts": facts,
        "url": context.url(""),
        "project": project,
        "projects": store.select("project", None),
        "counts": _counts(context, scope),
        "flags": [_flag(context, row) for row in store.select("feature_flag", scope, order="natural", limit=MOST)],
        "cohorts": [_cohort(context, row) for row in store.select("cohort", scope, limit=MOST)],
        "dashboards": [_dashboard(context, row) for row in store.select("dashboard", scope, limit=MOST)],
        "alerts": [_alert(context, row) for row in store.select("alert", scope, limit=MOST)],
        "activity": activity.select(context, "project = ?", [scope], LATEST),
        "requests": requestlog.entries()[-LATEST:][::-1],
    }
    return HTMLResponse(PAGES.get_template("overview.html").render(shown))


def _counts(context: Context, project: str) -> Data:
    store = context.store
    persons = store.execute("SELECT count(*) FROM persons WHERE project = ?", (int(project),)).fetchone()[0]
    events = store.execute("SELECT count(*) FROM events WHERE project = ?", (int(project),)).fetchone()[0]
    kinds = {
        "flags": "feature_flag",
        "cohorts": "cohort",
        "dashboards": "dashboard",
        "insights": "insight",
        "alerts": "alert",
    }
    return {**{name: store.count(kind, project) for name, kind in kinds.items()}, "persons": persons, "events": events}


def _flag(context: Context, row: Data) -> Data:
    filters = row["filters"]
    conditions = []
    for group in filters.get("groups") or []:
        who = " and ".join(_property(context, prop) for prop in group.get("properties") or []) or "everybody"
        rollout = 100 if group.get("rollout_percentage") is None else group["rollout_percentage"]
        conditions.append(
            {"who": who, "rollout": rollout, "variant": group.get("variant"), "description": group.get("description")}
        )
    return {
        **row,
        "conditions": conditions,
        "variants": (filters.get("multivariate") or {}).get("variants") or [],
        "payloads": filters.get("payloads") or {},
    }


def _property(context: Context, prop: Data) -> str:
    cohort = context.store.get("cohort", prop.get("value")) if prop.get("type") == "cohort" else None
    if cohort is None:
        return describe(prop)
    return ("not " if prop.get("operator") == "not_in" else "") + f"in “{cohort['name']}”"


def _cohort(context: Context, row: Data) -> Data:
    members = people.members(context.store, row["id"])[:5]
    names = [(people.distinct_ids(context.store, person.id) or ["?"])[0] for person in members]
    return {**row, "members": names}


def _dashboard(context: Context, row: Data) -> Data:
    """A dashboard with its tiles as they lie in the grid of twelve columns."""
    shown = []
    for tile in tiles.of_dashboard(context.store, row["id"]):
        insight = context.store.get("insight", tile["insight"]) if tile["insight"] else None
        layout = (tile["layouts"] or {}).get("sm") or {}
        source: Any = source_of(insight["query"]) if insight else None
        shown.append(
            {
                "title": (insight["name"] or insight["derived_name"] or "Untitled")
                if insight
                else (tile["text"] or {}).get("body", "button"),
                "kind": (source or {}).get("kind", "text"),
                "width": layout.get("w", 6),
                "height": layout.get("h", 5),
                "x": layout.get("x"),
                "y": layout.get("y"),
            }
        )
    return {**row, "tiles": shown}


def _alert(context: Context, row: Data) -> Data:
    insight = context.store.get("insight", row["insight"])
    users = [context.store.get("user", each) for each in row["subscribed_users"]]
    bounds = row["threshold"]["configuration"].get("bounds") or {}
    return {
        **row,
        "insight_name": insight["name"] if insight else "?",
        "emails": [user["email"] for user in users if user],
        "bounds": ", ".join(f"{name} {value}" for name, value in bounds.items() if value is not None),
    }

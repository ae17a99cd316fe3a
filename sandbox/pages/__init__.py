"""The pages for people: what the sandbox holds, readable, without any asset from outside.

A page is a function `Context -> Data` (what its template shows) in a module of this folder, listed once in `PAGES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Route

from sandbox.pages import alerts, cohorts, dashboards, deliveries, experiments, flags, logs, overview, persons, things
from sandbox.pages.render import render
from sandbox.seed import seeds
from sandbox.storage.store import Data
from sandbox.wire.context import Context, endpoint
from sandbox.wire.errors import NotFound

# Nothing is loaded from anywhere, and no script runs, whatever somebody has put into a name.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'"
View = Callable[[Context], Data]


@dataclass(frozen=True)
class Page:
    """A page below `/project/:id`; `title` is its name in the navigation, "" for none."""

    path: str
    template: str
    view: View
    title: str = ""


PAGES = (
    Page("", "overview.html", overview.overview, "Overview"),
    Page("/flags", "flags.html", flags.all_flags, "Flags"),
    Page("/flags/{id}", "flag.html", flags.one_flag),
    Page("/cohorts", "cohorts.html", cohorts.all_cohorts, "Cohorts"),
    Page("/cohorts/{id}", "cohort.html", cohorts.one_cohort),
    Page("/dashboards", "dashboards.html", dashboards.all_dashboards, "Dashboards"),
    Page("/dashboards/{id}", "dashboard.html", dashboards.one_dashboard),
    Page("/alerts", "alerts.html", alerts.all_alerts, "Alerts"),
    Page("/deliveries", "deliveries.html", deliveries.all_deliveries, "Deliveries"),
    Page("/experiments", "experiments.html", experiments.all_experiments, "Experiments"),
    Page("/persons", "persons.html", persons.all_persons, "Persons"),
    Page("/persons/{id}", "person.html", persons.one_person),
    Page("/groups", "groups.html", persons.all_groups, "Groups"),
    Page("/things", "kinds.html", things.kinds, "Everything else"),
    Page("/things/{kind}", "things.html", things.of_kind),
    Page("/activity", "activity.html", logs.all_activity, "Activity"),
    Page("/requests", "requests.html", logs.all_requests, "Requests"),
)


def routes() -> list[BaseRoute]:
    """`/` is the first project's overview."""
    paths = [("/", PAGES[0]), *(("/project/{project}" + page.path, page) for page in PAGES)]
    return [Route(path, endpoint(_shown(page)), methods=["GET"]) for path, page in paths]


def _shown(page: Page) -> Callable[[Context], Any]:
    def handle(context: Context) -> HTMLResponse:
        store, facts = context.store, seeds(context.store)
        project = store.get("project", context.request.path_params.get("project", facts["project_id"]))
        if project is None:
            raise NotFound()
        context.project = project
        shown = {
            "url": context.url(""),
            "project": project,
            "projects": store.select("project", None),
            "pages": [each for each in PAGES if each.title],
            "here": page,
            "base": f"/project/{project['id']}",
        }
        text = render(page.template, {**shown, **page.view(context)})
        return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})

    return handle

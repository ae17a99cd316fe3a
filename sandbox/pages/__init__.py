"""The pages for people: what the sandbox holds, readable, without any asset from outside.

A page is a function `Context -> Data` (what its template shows) in a module of this folder, listed once in `PAGES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response
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
    Page("/things/{kind}/{id}", "things.html", things.one),
    Page("/activity", "activity.html", logs.all_activity, "Activity"),
    Page("/requests", "requests.html", logs.all_requests, "Requests"),
)

POSTHOGS = {
    "/feature_flags": "/flags",
    "/feature_flags/{id}": "/flags/{id}",
    "/dashboard": "/dashboards",
    "/dashboard/{id}": "/dashboards/{id}",
    "/dashboard/{dashboard}/subscriptions/{id}": "/things/subscriptions/{id}",
    "/experiments/shared-metrics/{id}": "/things/experiment_saved_metrics/{id}",
    "/experiments/{id}": "/experiments#{id}",
    "/insights": "/things/insights",
    "/insights/{id}": "/things/insights/{id}",
    "/insights/{insight}/alerts": "/alerts",
    "/insights/{insight}/subscriptions/{id}": "/things/subscriptions/{id}",
    "/early_access_features/{id}": "/things/early_access_feature/{id}",
    "/surveys/{id}": "/things/surveys/{id}",
    "/replay/playlists/{id}": "/things/session_recording_playlists/{id}",
    "/functions/{id}": "/things/hog_functions/{id}",
    "/approvals/{id}": "/things/change_requests/{id}",
    "/data-management/actions/{id}": "/things/actions/{id}",
    "/data-management/annotations/{id}": "/things/annotations/{id}",
    "/data-management/events/{id}": "/things/event_definitions/{id}",
    "/data-management/properties/{id}": "/things/property_definitions/{id}",
    "/data-management/variables": "/things/insight_variables",
}
"""The addresses of PostHog's pages, which clients print, and the sandbox's page for each."""

TABS = {("/experiments", "holdouts"): "/things/experiment_holdouts", ("/insights", "alerts"): "/alerts"}
"""The same for what `?tab=` names on a page of PostHog's."""


def routes() -> list[BaseRoute]:
    """`/` is the first project's overview. PostHog's own addresses lead to the pages here."""
    paths = [("/", PAGES[0]), *(("/project/{project}" + page.path, page) for page in PAGES)]
    return [
        *(Route(path, endpoint(_shown(page)), methods=["GET"]) for path, page in paths),
        *(Route("/project/{project}" + path, endpoint(_elsewhere(path)), methods=["GET"]) for path in POSTHOGS),
    ]


def _elsewhere(path: str) -> Callable[[Context], Response]:
    def handle(context: Context) -> Response:
        own = TABS.get((path, context.query.get("tab", ""))) or POSTHOGS[path]
        return RedirectResponse(("/project/{project}" + own).format_map(context.request.path_params))

    return handle


def _shown(page: Page) -> Callable[[Context], Any]:
    def handle(context: Context) -> Response:
        if (page.path, context.query.get("tab", "")) in TABS:
            return _elsewhere(page.path)(context)
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

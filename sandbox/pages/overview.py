"""The first page: how much there is of what, and what happened last."""

from sandbox.pages import things
from sandbox.rest import activity
from sandbox.seed import seeds
from sandbox.storage.store import Data
from sandbox.wire import requestlog
from sandbox.wire.context import Context

LATEST = 8
KINDS = {
    "flags": "feature_flag",
    "cohorts": "cohort",
    "dashboards": "dashboard",
    "alerts": "alert",
    "experiments": "experiment",
}


def overview(context: Context) -> Data:
    """What there is, and what happened last."""
    project = str(context.project["id"])
    counts = [(title, title, context.store.count(kind, project)) for title, kind in KINDS.items()]
    for table in ("persons", "groups"):
        row = context.store.execute(f"SELECT count(*) FROM {table} WHERE project = ?", (int(project),)).fetchone()
        counts.append((table, table, row[0]))
    counts += [(f"things/{each['collection']}", each["title"], each["count"]) for each in things.used(context)]
    events = context.store.execute("SELECT count(*) FROM events WHERE project = ?", (int(project),)).fetchone()
    return {
        "facts": seeds(context.store),
        "counts": counts,
        "events": events[0],
        "activity": activity.select(context, "project = ?", [project], LATEST),
        "requests": requestlog.latest(LATEST),
    }

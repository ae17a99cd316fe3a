"""The activity log and the request log, newest first."""

from sandbox import activity, requestlog
from sandbox.pages.render import MOST, paging
from sandbox.store import Data
from sandbox.web import Context


def all_activity(context: Context) -> Data:
    """Who changed what, before and after."""
    project = str(context.project["id"])
    row = context.store.execute("SELECT count(*) FROM activity WHERE project = ?", (project,)).fetchone()
    pages = paging(context, row[0])
    return {"activity": activity.select(context, "project = ?", [project], MOST, pages["offset"]), **pages}


def all_requests(context: Context) -> Data:
    """What was asked of any project, with the faults that struck."""
    pages = paging(context, len(requestlog.ENTRIES))
    return {"requests": requestlog.latest(MOST, pages["offset"]), **pages}

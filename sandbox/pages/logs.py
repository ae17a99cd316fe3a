"""The activity log and the request log, newest first."""

from sandbox.pages.render import MOST, paging
from sandbox.rest import activity
from sandbox.storage.store import Data
from sandbox.wire import requestlog
from sandbox.wire.context import Context


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

"""When flags were last called: read from the `$feature_flag_called` events by a worker, some time after they came.

Source: PostHog's sync_feature_flag_last_called. Trap: `last_called_at` moves by itself, and neither the flag's version
nor the activity log says so.
"""

from sandbox.rest.resource import Resource
from sandbox.wire.context import Services, worker_context

DONE = "flag_calls"  # the fact: up to which event


def note(flags: Resource, services: Services) -> None:
    """Take over the times of the events that came since the last look."""
    store = services.store
    last = int(store.fact(DONE) or 0)
    newest = int(store.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])
    if newest <= last:
        return
    calls = store.execute(
        "SELECT project, json_extract(data, '$.properties.\"$feature_flag\"') AS flag, max(timestamp) FROM events"
        " WHERE seq > ? AND event = '$feature_flag_called' GROUP BY project, flag",
        (last,),
    ).fetchall()
    for project, key, called in calls:
        row = store.find(flags.kind, str(key), str(project)) if store.get("project", project) else None
        if row is not None and (row["last_called_at"] is None or row["last_called_at"] < called):
            flags.store(worker_context(services, project), {**row, "last_called_at": called})
    store.set_fact(DONE, str(newest))

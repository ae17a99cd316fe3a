"""Runs of hog functions: which ones an internal event starts, what they send, and their logs and metrics (PostHog:
nodejs/src/cdp, posthog/api/log_entries.py and app_metrics2.py).

Only the code of the two templates runs, and nothing of Hog: another program ends with an error in the log.
"""

import asyncio
import uuid
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.evaluation.dates import Clock
from sandbox.evaluation.properties import Filter, match_property
from sandbox.messages import outbox, transport
from sandbox.resources.analytics import relative_dates
from sandbox.resources.pipelines import hog_texts
from sandbox.resources.pipelines.hog_templates import SLACK_CODE, WEBHOOK_CODE
from sandbox.resources.pipelines.hog_texts import NotRenderedError
from sandbox.rest.fields import choice, items
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Json, timestamp
from sandbox.wire.errors import Invalid, Required

FUNCTION = "hog_function"
CHANNELS = {SLACK_CODE.strip(): "slack", WEBHOOK_CODE.strip(): "webhook"}
LEVELS = ("DEBUG", "LOG", "INFO", "WARN", "ERROR")
STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
MOST_BUCKETS = 10_000  # PostHog has no bound
NO_SLACK = "Sent nowhere, as the setting slack_url is empty."
NO_PROGRAMS = "The sandbox runs the code of template-slack and template-webhook only."
# What a run's state counts as: the name and the kind of PostHog's metric.
ENDS = {outbox.DELIVERED: ("succeeded", "success"), outbox.LOGGED: ("succeeded", "success"),
        outbox.FAILED: ("failed", "failure")}  # fmt: skip


# Running -----------------------------------------------------------------------------------------------------


def trigger(context: Context, name: str, properties: Data, now: datetime) -> list[Data]:
    """Run the functions that listen to an internal event of the project; those that were started.

    Args:
        context: the project's. name, properties: the event's. now: when it happens.
    """
    project = str(context.project["id"])
    condition = "listed = 1 AND json_extract(data, '$.enabled') AND json_extract(data, '$.type') = ?"
    enabled = context.store.select(FUNCTION, project, condition, ["internal_destination"])
    started = [each for each in enabled if _listens(each["filters"] or {}, name, properties, now)]
    for each in started:
        _run(context, each, _scope(context, name, properties, now))
    return started


def _listens(filters: Data, name: str, properties: Data, now: datetime) -> bool:
    """Whether an event passes a function's filters: one of the events, and all of the properties."""
    events = filters.get("events") or []
    named = [each for each in events if each.get("id") in (name, None)]
    if events and not any(_matches(each.get("properties"), properties, now) for each in named):
        return False
    return _matches(filters.get("properties"), properties, now)


def _matches(conditions: Any, properties: Data, now: datetime) -> bool:
    clock = Clock(now, UTC)
    return all(
        match_property(
            Filter(str(each.get("key")), each.get("operator") or "exact", each.get("value")), properties, clock
        )
        for each in (conditions if isinstance(conditions, list) else [])
        if isinstance(each, dict)
    )


def _scope(context: Context, name: str, properties: Data, now: datetime) -> Data:
    project = context.project
    url = f"{context.services.url}/project/{project['id']}"
    event = {
        "uuid": str(uuid.uuid4()),
        "event": name,
        "distinct_id": f"team_{project['id']}",
        "properties": properties,
        "timestamp": timestamp(now),
        "elements_chain": "",
        "url": "",
    }
    return {"event": event, "project": {"id": project["id"], "name": project["name"], "url": url}}


def _run(context: Context, function: Data, scope: Data) -> None:
    store, project = context.store, str(context.project["id"])
    channel = CHANNELS.get(function["hog"].strip(), "program")
    about = {
        "channel": channel,
        "target": function["name"],
        "function": function["id"],
        "alert": scope["event"]["properties"].get("alert_id"),
    }
    scope["source"] = {"name": function["name"], "url": f"{scope['project']['url']}/functions/{function['id']}"}
    try:
        message, inputs = _message(context, function, scope)
    except NotRenderedError as error:
        row = outbox.put(store, project, message=None, about=about)
        return outbox.conclude(store, project, row, outbox.FAILED, "ERROR", str(error))
    row = outbox.put(store, project, message=message, about=about)
    if message is None:
        text = f"{NO_SLACK} To {_channel(inputs)}: {inputs.get('text') or ''}"
        outbox.conclude(store, project, row, outbox.LOGGED, "WARN", text)
    return None


def _message(context: Context, function: Data, scope: Data) -> tuple[Data | None, Data]:
    """What a function sends, None for nowhere, and its inputs. Raises NotRenderedError."""
    channel = CHANNELS.get(function["hog"].strip())
    if channel is None:
        raise NotRenderedError(NO_PROGRAMS)
    inputs = hog_texts.inputs(function, scope)
    if channel == "webhook":
        return _request(inputs["url"], inputs), inputs
    return _slack_request(context.settings.slack_url, inputs), inputs


def _request(url: str, inputs: Data) -> Data:
    given = inputs.get("headers")
    headers = list(given.items()) if isinstance(given, dict) else []
    method = str(inputs.get("method") or "POST")
    return {"by": "http", "method": method, "url": url, "headers": headers, "body": inputs.get("body"), "slack": False}


def _channel(inputs: Data) -> str:
    """The channel's id, which its name may follow."""
    return str(inputs["channel"]).split("|")[0]


def _slack_request(address: str, inputs: Data) -> Data | None:
    """The call of Slack's API; None without an address of it."""
    if not address:
        return None
    body = {
        "channel": _channel(inputs),
        "icon_emoji": inputs.get("icon_emoji"),
        "username": inputs.get("username"),
        "blocks": inputs.get("blocks"),
        "text": inputs.get("text"),
    }
    headers = [("Content-Type", "application/json"), ("Authorization", "Bearer xoxb-sandbox")]
    return {"by": "http", "method": "POST", "url": f"{address.rstrip('/')}/api/chat.postMessage",
            "headers": headers, "body": body, "slack": True}  # fmt: skip


# Testing -----------------------------------------------------------------------------------------------------


def invoke(context: Context, function: Data) -> Any:
    """`POST :id/invocations/ {configuration, globals, mock_async_functions?}`: run a function once, as a test of it.

    Traps: unless `mock_async_functions` is false nothing is sent, and that is a success too; an event that the function
    doesn't listen to is `skipped`; the answer is a 200 whatever became of the message; it is in no log. Run is what is
    stored: a changed `configuration` is not.
    """
    if not isinstance(context.data.get("configuration"), dict):
        raise Required("configuration")
    sent = context.data.get("globals")
    event = sent.get("event") if isinstance(sent, dict) else None
    if not isinstance(event, dict):
        return Json({"status": "error"}, 400)
    properties, now = event.get("properties") or {}, datetime.now(UTC)
    if not _listens(function["filters"] or {}, str(event.get("event")), properties, now):
        return _ended("skipped", [("info", "Mapping trigger not matching filters was ignored.")])
    try:
        message, _ = _message(context, function, _scope(context, str(event.get("event")), properties, now))
    except NotRenderedError as error:
        return _ended("error", [], [str(error)])
    if context.data.get("mock_async_functions") is not False:
        return _ended("success", [("info", "Async function 'fetch' was mocked.")])
    if message is None:
        return _ended("error", [], [NO_SLACK])
    return _sent(message)


def _ended(status: str, logs: list[tuple[str, str]], errors: list[str] | None = None) -> Json:
    lines = [{"timestamp": timestamp(), "level": level, "message": text} for level, text in logs]
    return Json({"result": None, "status": status, "errors": errors or [], "logs": lines})


async def _sent(message: Data) -> Json:
    """The answer about a message that is sent once."""
    try:
        text = await asyncio.to_thread(transport.send, message, "", Path())
    except transport.UndeliveredError as error:
        return _ended("error", [("error", error.text)], [error.text])
    return _ended("success", [("info", text)])


# Logs --------------------------------------------------------------------------------------------------------


def logs(context: Context, function: Data) -> Data:
    """`GET :id/logs/?limit&level&search&instance_id&after&before`: the newest first."""
    query = context.query
    levels = [each.upper() for each in query.get("level", "").split(",") if each]
    items(choice(*LEVELS))(levels, "level")
    now = datetime.now(UTC)
    after, before = (
        timestamp(relative_dates.parse(query[name], now)) if query.get(name) else usual
        for name, usual in (("after", ""), ("before", "~"))
    )
    found = [
        {"log_source_id": function["id"], "instance_id": run["id"], **line}
        for run in outbox.of_function(context.store, str(context.project["id"]), function["id"])
        for line in run["lines"]
        if (not levels or line["level"] in levels)
        and query.get("search", "").lower() in line["message"].lower()
        and query.get("instance_id", run["id"]) == run["id"]
        and after < line["timestamp"] < before
    ]
    found.sort(key=lambda line: line["timestamp"], reverse=True)
    limit = query.get("limit", "50")
    if not limit.isdecimal() or not 1 <= int(limit) <= 500:
        raise Invalid("Ensure this value is between 1 and 500.", "limit")
    shown = found[: int(limit)]
    return {"count": len(shown), "next": None, "previous": None, "results": shown}


# Metrics -----------------------------------------------------------------------------------------------------


def metrics(context: Context, function: Data) -> Data:
    """`GET :id/metrics/?after&before&interval&breakdown_by&name&kind`: runs by hour, day or week."""
    query, now = context.query, datetime.now(UTC)
    interval = choice(*STEPS)(query.get("interval", "day"), "interval")
    after = relative_dates.parse(query.get("after") or "-7d", now)
    before = relative_dates.parse(query["before"], now) if query.get("before") else now
    form = "%Y-%m-%dT%H:%M" if interval == "hour" else "%Y-%m-%d"
    first = _start(after, interval)
    buckets = max(0, (before - first) // STEPS[interval] + 1)
    if buckets > MOST_BUCKETS:
        text = f"There are {buckets:,} times of {interval} in the range; at most {MOST_BUCKETS:,} are counted."
        raise Invalid(text, "after")
    labels = [(first + each * STEPS[interval]).strftime(form) for each in range(buckets)]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, at in _counted(context, function):
        if after <= at <= before:
            counts[name][_start(at, interval).strftime(form)] += 1
    shown = [{"name": name, "values": [found[each] for each in labels]} for name, found in counts.items()]
    return {"labels": labels, "series": shown}


def _start(at: datetime, interval: str) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    if interval == "hour":
        return hour
    return hour.replace(hour=0) - timedelta(days=at.weekday() if interval == "week" else 0)


def _counted(context: Context, function: Data) -> list[tuple[str, datetime]]:
    """Each metric of each run with its time, by what the request asks for."""
    query = context.query
    by_name = query.get("breakdown_by", "kind") == "name"
    names = [each for each in query.get("name", "").split(",") if each]
    kinds = [each for each in query.get("kind", "").split(",") if each]
    return [
        (name if by_name else kind, datetime.fromisoformat(at))
        for run in outbox.of_function(context.store, str(context.project["id"]), function["id"])
        for name, kind, at in _of_run(run)
        if (not names or name in names) and (not kinds or kind in kinds)
    ]


def _of_run(run: Data) -> list[tuple[str, str, str]]:
    ended = [(*ENDS[run["state"]], run["finished_at"])] if run["state"] in ENDS else []
    return [("triggered", "other", run["created_at"]), *ended]

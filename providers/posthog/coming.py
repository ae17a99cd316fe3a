"""What will change a flag in PostHog by itself: scheduled changes, and changes that wait for an approval."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from providers.posthog.advice import explained
from providers.posthog.approvals import APART, Approvals, Request
from providers.posthog.client import Client
from providers.posthog.errors import ApiError
from providers.posthog.inputs import WAITING
from providers.posthog.inventory import Live
from providers.posthog.kinds.flag import FLAG
from providers.posthog.kinds.phrases import moment_text

NO_CHANGE = (AttributeError, KeyError, TypeError, ValueError)
"""What :attr:`Coming.applied_to` raises for what PostHog can't carry out; it is not looked at before it is due."""


@dataclass(frozen=True)
class Coming:
    """Something that will change a flag, or make it. ``str`` says what, when and by whom; :attr:`fix` what to do."""

    flag: str
    """The flag's id; a provisional one (``inputs.WAITING``) of a flag that it makes."""
    switch: bool | None
    """Whether the flag is on then; None where this does not say."""
    cause: str
    """When and by whom, in words."""
    fix: str
    """How to prevent it, with the address."""
    applied_to: Callable[[Mapping[str, Any]], Live]
    """Returns what a live flag would be afterwards. Raises :data:`NO_CHANGE`."""
    data: Mapping[str, str | None]
    """The same for machines: ``how``, ``at``, ``again``, ``by`` and ``url``."""
    version: int | None = None
    """The only version of the flag that it changes; None where it changes any."""

    @property
    def waits(self) -> bool:
        """Whether it waits until somebody approves it."""
        return self.data["how"] == APPROVAL

    @property
    def makes(self) -> bool:
        """Whether the flag is made by it."""
        return self.flag.startswith(WAITING)

    def __str__(self) -> str:
        switched = {True: "be switched on", False: "be switched off", None: "change"}[self.switch]
        return f"{'would' if self.waits else 'will'} {'be made' if self.makes else switched} {self.cause}"


SCHEDULE, APPROVAL = "schedule", "approval"
"""How a flag changes by itself."""


def coming(client: Client, approvals: Approvals, flags: Collection[str], does: str) -> Iterator[Coming | str]:
    """Yield what will change these flags (ids), and a sentence for what PostHog does not say; ``does`` is its verb.

    Asks for one list of each of the two, and for none where there are no flags.
    """
    asked = {"scheduled change": scheduled(client, flags), "change that waits for approval": waiting(approvals, flags)}
    for what, found in asked.items():
        try:
            yield from found
        except ApiError as problem:
            yield f"whether a {what} {does} is not known: {explained(problem)}"


def scheduled(client: Client, flags: Collection[str]) -> Iterator[Coming]:
    """Yield the scheduled changes of these flags (ids), but for those that were made or are paused.

    Raises ``ApiError``; the key needs ``feature_flag:read``.
    """
    if not flags:
        return
    only = {"record_id": next(iter(flags))} if len(flags) == 1 else {}
    where = f"{client.connection.host}/project/{client.connection.project_id}/{FLAG.collection}"
    for row in client.pages(client.project_path("scheduled_changes"), {"model_name": "FeatureFlag", **only}):
        if str(row["record_id"]) in flags and (found := from_row(row, where)):
            yield found


def from_row(row: Mapping[str, Any], where: str) -> Coming | None:
    """Return a scheduled change as PostHog lists it; None where it is not made any more. Pure.

    ``where`` is the address of the flags' pages. One that recurs stays in the list with the time of its next run
    (posthog/tasks/process_scheduled_changes.py); one that is paused keeps how it would.
    """
    recurs = row.get("recurrence_interval") or row.get("cron_expression")
    ended = row.get("end_date") and str(row["end_date"]) < str(row["scheduled_at"])
    if row.get("executed_at") or (recurs and (not row.get("is_recurring") or ended)):
        return None
    id_, by, payload = str(row["record_id"]), (row.get("created_by") or {}).get("email"), row.get("payload")
    switch = payload.get("value") if isinstance(payload, Mapping) and payload.get("operation") == STATUS else None
    cron = f"by cron {recurs} ({row.get('timezone') or 'UTC'})" if row.get("cron_expression") else recurs
    until = f" until {moment_text(row['end_date'])}" if row.get("end_date") else ""
    again = f", and then {cron}{until}," if recurs else ""
    return Coming(
        id_,
        switch if isinstance(switch, bool) else None,
        f"at {moment_text(row['scheduled_at'])}{again} by a scheduled change of {by or 'somebody'}",
        f"cancel it there: {where}/{id_}",
        lambda live: {**live, **_body(payload, live)},
        {"how": SCHEDULE, "at": row["scheduled_at"], "again": recurs, "by": by, "url": f"{where}/{id_}"},
    )


STATUS = "update_status"
"""PostHog's name of a scheduled change of the switch."""


def _body(payload: Any, live: Mapping[str, Any]) -> Live:
    """Return what a scheduled change writes (``scheduled_changes_dispatcher`` of PostHog's feature_flag.py)."""
    value, filters = payload["value"], live.get("filters") or {}
    if payload["operation"] == STATUS:
        return {APART: value}
    if payload["operation"] == "add_release_condition":
        return {"filters": {**filters, "groups": [*(filters.get("groups") or ()), *map(dict, value["groups"])]}}
    if payload["operation"] == "update_variants":
        split = {**(filters.get("multivariate") or {}), "variants": [*map(dict, value["variants"])]}
        return {"filters": {**filters, "multivariate": split, "payloads": value.get("payloads") or {}}}
    raise ValueError(f"PostHog has no such operation: {payload['operation']}")


def waiting(approvals: Approvals, flags: Collection[str]) -> Iterator[Coming]:
    """Yield the changes of these flags (ids) that wait for an approval.

    Raises ``ApiError``; the key needs ``approvals:read``.
    """
    found = approvals.open(FLAG) if flags else ()
    yield from (_of_request(each) for each in found if each.target in flags)


def _of_request(request: Request) -> Coming:
    switch = request.data.get(APART)
    return Coming(
        request.target,
        True if request.switches_on else switch if isinstance(switch, bool) else None,
        f"by a change of {request.by or 'somebody'} that waits for approval since {request.since}",
        f"reject it there: {request.link}",
        request.applied_to,
        {"how": APPROVAL, "at": None, "again": None, "by": request.by or None, "url": request.link},
        request.version,
    )

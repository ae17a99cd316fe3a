"""What a change of one object means before anything is sent: what differs, and why it is held or refused.

The provider asks at ``check`` and ``diff``, and so does `ai-admin plan`, which has no engine: what is announced and
what is applied are one comparison.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from providers.posthog import reconcile
from providers.posthog.adoption import Match
from providers.posthog.advice import explained
from providers.posthog.approvals import Request
from providers.posthog.consents import LEFT, OFF, how_to_switch_on
from providers.posthog.errors import ApiError, NotRead, Refused, Stopped, Unreachable, Unsafe
from providers.posthog.inputs import Metadata
from providers.posthog.kinds import KINDS
from providers.posthog.kinds.base import Field, Properties
from providers.posthog.kinds.flag import FLAG, NOT_MANAGED, is_encrypted, misfits

if TYPE_CHECKING:
    from providers.posthog.session import Session


@dataclass(frozen=True)
class Difference:
    """What an update of an object is about."""

    fields: tuple[Field, ...] = ()
    """The fields that differ."""
    options: bool = False
    """What the definition says of how it is applied differs."""
    taken_back: str = ""
    """What waits for an approval and has to be taken back, since it would switch on a flag that is to be off."""
    held: str = ""
    """Why the object is left as it is; empty where it is not."""

    @property
    def replaces(self) -> list[str]:
        """The names of the fields of which a change makes a new object."""
        return [field.name for field in self.fields if field.immutable]

    def __bool__(self) -> bool:
        return not self.held and bool(self.fields or self.options or self.taken_back)


class Judge:
    """Judges the changes of one kind's objects."""

    def __init__(self, kind_name: str, session: Session) -> None:
        self.kind = KINDS[kind_name]
        self._session = session

    def change(self, olds: Properties, properties: Properties, meta: Metadata) -> str:
        """Return why a change of an object in the state is refused; "" if it isn't.

        ``olds`` is what PostHog holds.
        """
        guard = self._session.guard
        fields = self._changed(olds, properties)
        if not fields or meta.refused:
            return ""
        try:
            if meta.adopt and self.replaces(olds, properties):  # what replaces it is going to adopt that
                lifecycle = self._session.lifecycle(self.kind.name, lists=True)[0]
                with OneLine(meta):
                    lifecycle.find(properties, meta)
            live = self.seen(meta.id, olds, properties, meta)
            if not self._holds(live, properties, meta):
                with OneLine(meta):
                    self._check_readable(live)
                    self._session.reviewed.check(meta.name, olds, properties)
                    self._check_dates(meta.id, live, properties, meta)
                    anew = [field.name for field in fields if field.immutable]
                    if anew and self.kind.name == "experiment":
                        guard.anew(meta.name, self.seen(meta.id, olds, {}, meta), anew)
                    sides = self._with_left(meta.id, live, properties)
                    guard.change(self.kind.name, meta.name, *sides, meta.unchanged, meta.targeting)
                    self._check_kept_out(meta.id, live, properties)
                    self._check_left(meta.id, properties, fields)
                    sent = reconcile.created(self.kind, properties) if anew else fields
                    self._check_names(properties, reconcile.with_always_sent(self.kind, sent))
        except Refused as problem:
            return str(problem)
        return ""

    def addition(self, properties: Properties, meta: Metadata) -> tuple[Match | None, str]:
        """Return what a definition that is new to the state adopts, and why it can't be applied; "" if it can be.

        What it adopts is a change of what is live, and is measured as one. Raises :class:`NotRead` where PostHog can't
        be asked what is there.
        """
        match: Match | None = None
        try:
            lifecycle = self._session.lifecycle(self.kind.name, lists=True)[0]
            with OneLine(meta):
                match = lifecycle.find(properties, meta)
                self._session.reviewed.check(meta.name, match.live if match else None, properties)
                if match:
                    self._check_readable(match.live)
                    self._session.guard.adopt(self.kind.name, match.live, match.wanted)
                    self._check_dates(match.id, match.live, match.wanted, meta)
                else:
                    self._check_startable(properties)
                    if meta.id and self.kind.name == "flag":
                        who = partial(self._session.history.deleted_by, self.kind, meta.id)
                        guard = self._session.guard
                        guard.create(meta.id, properties, meta.switch, who, self._experiments_on(meta.id))
                if match and match.changes and not meta.refused:
                    sides = self._with_left(match.id, match.live, match.wanted)
                    self._session.guard.change(self.kind.name, meta.name, *sides)
                    self._check_left(match.id, match.wanted, self._changed(match.live, match.wanted))
                sent = self._changed(match.live, match.wanted) if match else reconcile.created(self.kind, properties)
                if sent and not meta.refused:
                    wanted = match.wanted if match else properties
                    self._check_kept_out(match.id if match else "", match.live if match else {}, wanted)
                    self._check_names(wanted, reconcile.with_always_sent(self.kind, sent))
        except NotRead:
            raise
        except Refused as problem:
            return match, str(problem)
        return match, ""

    def _check_readable(self, live: Properties) -> None:
        """Refuse a definition that says the payloads of a flag whose payloads are encrypted."""
        if self.kind == FLAG and is_encrypted(live):
            raise Stopped(f"its payloads are not the file's to say: {NOT_MANAGED}; write `unmanaged: [payloads]`")

    def _check_startable(self, properties: Properties) -> None:
        for field in self.kind.fields:
            lacks = field.required and field.default is None and field.start is None
            if lacks and field.name in properties.get("unmanaged", ()):
                raise Unsafe(
                    f"PostHog makes none without {field.name}, which is left to its pages (unmanaged): write it into "
                    "the file for the first up"
                )

    def _check_names(self, properties: Properties, fields: Iterable[Field]) -> None:
        """Refuse the names of people and integrations that PostHog does not have: of what is sent they become ids.

        Where a list can't be read, or PostHog not reached, what sends the names says so. What a definition refers to
        may not be there yet.
        """
        for field in fields:
            value = properties.get(field.name)
            if value is not None and not field.refers_to and field.name not in properties.get("unmanaged", ()):
                with suppress(ApiError, Unreachable):
                    field.write(value, self._session.directory)

    def deletion(self, id_: str, live: Properties, project: str, meta: Metadata) -> str:
        """Return why an object that no definition has any more is not deleted; "" if it is.

        ``live`` is what PostHog holds, and ``project`` the one that the object is in.
        """
        try:
            self._session.lifecycle(self.kind.name)
            with OneLine(meta):
                self._session.reviewed.check(meta.name, live)
                if self.kind.name == "experiment":
                    self._session.guard.ends(meta.name, id_, partial(self.seen, id_, live, {}, meta))
                is_on = partial(self._session.switch_history.is_on, id_)
                self._session.guard.delete(self.kind.name, id_, live, project, is_on)
                self._check_kept_out(id_, live, {})
        except Refused as problem:
            return str(problem)
        return ""

    def difference(self, id_: str, olds: Properties, news: Properties, meta: Metadata) -> Difference:
        """Return how an object in the state differs from its definition. ``olds`` is what PostHog holds.

        Raises :class:`Refused`.
        """
        fields, options = tuple(self._changed(olds, news)), self._options_differ(olds, news)
        if fields and self.kind == FLAG and self._stays_off(self.seen(id_, olds, news, meta), news, meta.switch, meta):
            return Difference(fields, options, held=self._held(id_, news["key"], fields, meta))
        return Difference(fields, options, taken_back=self._taken_back(id_, news))

    def differs(self, id_: str, olds: Properties, news: Properties) -> bool:
        """Return whether an update of an object in the state has anything to do, if nothing holds it.

        ``id_`` is empty where the program does not know it.
        """
        return bool(self._changed(olds, news)) or self._options_differ(olds, news) or bool(self._taken_back(id_, news))

    def replaces(self, olds: Properties, news: Properties) -> bool:
        """Return whether an object in the state is replaced by another one."""
        return any(field.immutable for field in self._changed(olds, news))

    def _options_differ(self, olds: Properties, news: Properties) -> bool:
        return any(olds.get(name) != news.get(name) for name in ("unmanaged", *self.kind.options))

    def remind(self, id_: str, wanted: Properties, meta: Metadata) -> None:
        """Warn of what an update of an object in the state is to be told with.

        What can't be read is no error here, which would end the whole run, or leave it without a plan: the update says
        so.
        """
        lifecycle, _ = self._session.lifecycle(self.kind.name)
        with suppress(ApiError, Stopped):
            lifecycle.remind(id_, wanted, meta)

    def seen(self, id_: str, olds: Properties, news: Properties, meta: Metadata) -> Properties:
        """Return what PostHog holds of an object, with the fields that were left to its pages and that ``news`` takes
        back: ``olds``, which is as it was applied last or refreshed, says nothing of them.

        ``id_`` is empty where the object was not applied. Raises :class:`Refused`.
        """
        left = set(olds.get("unmanaged", ()))
        still = left.intersection(news.get("unmanaged", ()))
        if not id_ or left == still:
            return olds
        lifecycle, _ = self._session.lifecycle(self.kind.name, lists=True)
        with OneLine(meta):
            found = lifecycle.read(id_, {**olds, "unmanaged": sorted(still)}, meta)
        return found[1] if found else olds

    def _changed(self, olds: Properties, news: Properties) -> list[Field]:
        """Return the fields that differ.

        An id that is not known yet (in a preview) is that of an object which is new to the state: where that adopts the
        very object that is referred to now, nothing is going to differ.
        """

        def stays(field: Field) -> bool:
            unknown = field.immutable and field.ref and not reconcile.known(news.get(field.name))
            return bool(unknown) and self._session.adopts(field.ref, str(olds.get(field.name)))

        return [field for field in reconcile.changed(self.kind, olds, news) if not stays(field)]

    def _experiments_on(self, flag_id: str) -> list[str]:
        """Return the experiments that are about a flag which was deleted, in words. Raises ``ApiError``."""
        client = self._session.inventory.client
        try:
            flag = client.get(client.project_path(f"{self.kind.collection}/{flag_id}"))
        except ApiError as error:
            if error.status == 404:  # one of which nothing is left can't be restored either
                return []
            raise
        return [f"the experiment {each['name']!r} ({each['id']})" for each in flag.get("experiment_set_metadata") or ()]

    def _left(self, id_: str, wanted: Properties) -> tuple[Properties, Properties]:
        """Return what PostHog holds of a flag of which something is left to its pages, and what of it is left there."""
        left = wanted.get("unmanaged", ())
        live = self._session.inventory.get(FLAG, id_) if self.kind == FLAG and left and id_ else None
        held = FLAG.project(live, {}, self._session.directory) if live else {}
        return held, {name: held[name] for name in left if name in held}

    def _with_left(self, id_: str, live: Properties, wanted: Properties) -> tuple[Properties, Properties]:
        """Return both sides of a change with what is left to PostHog's pages: it decides as well on who is served."""
        _, theirs = self._left(id_, wanted)
        return {**live, **theirs}, {**wanted, **theirs}

    def _check_left(self, id_: str, wanted: Properties, fields: list[Field]) -> None:
        """Refuse a change of a flag that does not fit what is left to PostHog's pages, which `check` can't see.

        PostHog would answer 400 in the middle of the run; later versions take some of it, and serve what nobody meant.
        """
        held, theirs = self._left(id_, wanted)
        changed = [field.name for field in fields]
        before = misfits(held, changed)  # this PostHog has taken it
        problems = [said for what, said in misfits({**wanted, **theirs}, changed).items() if what not in before]
        if held and problems:
            raise Stopped(
                f"it does not fit what is left to PostHog's pages ({', '.join(theirs)}): {'; '.join(problems)}; change "
                "the one or the other"
            )

    def _check_dates(self, id_: str, live: Properties, wanted: Properties, meta: Metadata) -> None:
        def by(field: str) -> str:
            self._session.lifecycle(self.kind.name)
            return self._session.history.by(self.kind, id_, field)

        if self.kind.name in ("experiment", "survey"):
            self._session.guard.dates(self.kind, meta.name, live, wanted, by)
        if self.kind.name == "experiment" and wanted.get("start_date") and not live.get("start_date"):
            self._check_start(wanted, meta)

    def _check_kept_out(self, id_: str, live: Properties, wanted: Properties) -> None:
        if self.kind.name in ("holdout", "experiment"):
            self._session.guard.keeps_out(self.kind.name, id_, live, wanted, self._session.inventory)

    def _check_start(self, wanted: Properties, meta: Metadata) -> None:
        """Refuse to start an experiment whose flag is off and stays off: PostHog would switch it on with the start."""
        id_ = wanted["flag"]
        flag = self._session.inventory.fetch(FLAG, str(id_)) if reconcile.known(id_) else None
        if flag is None:
            return
        off, on = ({"key": flag["key"], "active": active} for active in (False, True))
        if meta.flag_switch == OFF:
            why = "whose file says `active: false`"
        elif not flag["active"] and (meta.flag_switch == LEFT or self._stays_off(off, on, meta.flag_switch, meta)):
            why = f"which is off in PostHog {self._session.switch_history.last(str(id_))}"
        else:
            return
        raise Unsafe(
            f"it would be started, and with that PostHog would switch on its flag {flag['key']}, {why}; "
            "remove start_date, and start it when the flag is on"
        )

    def _holds(self, olds: Properties, news: Properties, meta: Metadata) -> bool:
        return self.kind == FLAG and self._stays_off(olds, news, meta.switch, meta)

    def _stays_off(self, flag: Properties, wanted: Properties, switch: str, meta: Metadata) -> bool:
        def on_since(when: str) -> bool:
            self._session.lifecycle(FLAG.name, lists=True)
            with OneLine(meta):
                return self._session.switch_history.on_since(flag["key"], when)

        return self._session.guard.holds(FLAG.name, flag, wanted, switch, on_since)

    def _taken_back(self, id_: str, wanted: Properties) -> str:
        if self.kind != FLAG or wanted.get("active") is not False:
            return ""
        found: list[Request] = []
        with suppress(Unreachable):
            self._session.lifecycle(FLAG.name)
            found = self._session.approvals.switching_on(FLAG, id_)
        return "; ".join(f"it would be switched on by a change that {each}, which is taken back" for each in found)

    def _held(self, id_: str, key: str, fields: tuple[Field, ...], meta: Metadata) -> str:
        self._session.lifecycle(FLAG.name)
        who = self._session.switch_history.last(id_)
        waiting = [field.name for field in fields if field.name != "active"]
        return (
            f"left as it is, since it is off in PostHog {who}, and nothing switches it on again in passing; "
            + (f"what else its file changes waits as well: {', '.join(waiting)}; " if waiting else "")
            + f"to keep it off, write `active: false`; to switch it on, {how_to_switch_on(key, meta.switch)}"
        )


def unknown(reason: str) -> str:
    """Return what becomes of an object that PostHog could not be asked about, and why."""
    return f"left as it is, as what PostHog holds is not known: {reason}"


class OneLine:
    """Turns the errors that a user can cause into one line about the definition, without a traceback's chain."""

    def __init__(self, meta: Metadata) -> None:
        self._meta = meta

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ApiError):
            made = NotRead if error.reading else Refused
            raise made(self._meta.line(explained(error))) from None
        if isinstance(error, Stopped):
            raise Refused(self._meta.line(str(error))) from None

"""The Pulumi dynamic provider: every quirk of the engine is handled here, once.

The provider classes live in this importable module and have no attributes of their own. Pulumi then pickles them by
reference (a module path and a class name, the same on every machine and commit), which is also what keeps programs with
more than about 180 dynamic resources from an endless recursion in the SDK's serialiser. The module path and the
class names are in every state: they are a contract.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

from pulumi.dynamic import (
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from providers.posthog import reconcile
from providers.posthog.adoption import Match
from providers.posthog.advice import explained
from providers.posthog.connection import Connection
from providers.posthog.engine import engine_log, engine_watch
from providers.posthog.errors import ApiError, NotRead, Refused, Stopped, Unreachable
from providers.posthog.inputs import (
    HOST,
    NAME,
    PROBLEM,
    PROJECT,
    UNREAD,
    Metadata,
    metadata,
    resolved,
    switched_off,
    to_inputs,
    to_properties,
)
from providers.posthog.judge import Judge, OneLine, unknown
from providers.posthog.kinds import KINDS, Kind
from providers.posthog.kinds.base import APPLIED, OWN, UNKEPT, Properties
from providers.posthog.kinds.flag import FLAG
from providers.posthog.lifecycle import Lifecycle
from providers.posthog.lifecycle.discovered import PENDING
from providers.posthog.matching import as_mappings, unchanged_lists
from providers.posthog.session import Session
from providers.posthog.settings import NAMES, Settings
from providers.posthog.stackfile import StackFile


def _stack_file() -> StackFile | None:
    """Return the file of the stack that the engine asks about: each request names the stack in its URN, which the SDK
    keeps to itself. The engine starts this process in the checkout.
    """
    frame: FrameType | None = sys._getframe()
    while frame:
        urn = getattr(frame.f_locals.get("request"), "urn", None)
        if isinstance(urn, str) and urn.startswith("urn:pulumi:"):
            return StackFile(Path.cwd(), urn.split("::")[0].removeprefix("urn:pulumi:"))
        frame = frame.f_back
    return None


_SESSION = Session(engine_log(sys.argv[1:]), before_write=engine_watch(sys.argv[1:]), stack_file=_stack_file)

# The engine waits for the end of the processes that it started, this module's program and providers among them. Python
# would look through all that was imported for what is not in use any more, which takes it longer than importing ours.
atexit.register(gc.freeze)


class PostHogProvider(ResourceProvider):
    """Check, diff, create, read, update and delete of any kind, driven by the kind's field table.

    No method can tell a preview from an update: the engine asks for ``check``, ``diff`` and ``read`` in both, and does
    not call ``create``, ``update`` and ``delete`` in a preview.
    """

    kind_name: ClassVar[str]
    # What is serialised is a class name; there is no secret in it.
    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        """Take the stack's configuration; connects at the first request, since this runs under a global lock.

        The SDK sends an exception to the engine with its whole traceback; people get the one line, unless they set
        ``AI_ADMIN_TRACEBACK``.
        """
        settings = Settings({name: req.config.get(name) for name in NAMES}, os.environ)
        if not settings.shows_tracebacks:
            sys.tracebacklimit = 0
        _SESSION.configure(settings)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs in canonical form: numbers arrive as doubles, and nulls in objects not at all.

        A resource that is new to the state has no old inputs. What it is going to adopt is told here, as this is asked
        in a preview too; why an object can't be adopted goes along with the inputs (see ``inputs.PROBLEM``).
        """
        _SESSION.guard.program_runs()
        inputs, missing = resolved(news)
        if self._goes_off(inputs):
            inputs = switched_off(inputs)  # beside it a refused run has the `unmanaged` of the last one
        meta = replace(metadata(inputs), missing=missing)
        properties = to_properties(self.kind_name, inputs)
        checked = self._inputs(
            properties, self._passed_on(_olds, properties, meta), unchanged_lists(self.kind_name, _olds, properties)
        )
        problem = "" if missing else self._problem(_olds, properties, meta)
        more = {UNREAD: _olds.get(UNREAD), PROBLEM: problem}
        return CheckResult({**checked, **{name: said for name, said in more.items() if said}}, [])

    def _passed_on(self, _olds: dict[str, Any], properties: Properties, meta: Metadata) -> Metadata:
        """Return the metadata that go along with the inputs: none of what stays as it is.

        Old inputs that have any may not be what PostHog holds, which `diff` compares with.
        """
        stays = _olds and NAME not in _olds
        if stays and not self._judge.differs(meta.id, to_properties(self.kind_name, _olds), properties):
            return Metadata()
        return meta.passed_on()

    def _problem(self, _olds: dict[str, Any], properties: Properties, meta: Metadata) -> str:
        """Return why the definition can't be applied; "" if it can be.

        Here and not in ``diff``, of which an error ends the whole run: a flag that goes off would wait for it.
        """
        if _olds:
            olds = to_properties(self.kind_name, _olds)
            if meta.adopt and meta.id and meta.adopt != meta.id and not self._judge.replaces(olds, properties):
                type_ = KINDS[self.kind_name].type
                _SESSION.warn(meta, f"is {type_} {meta.id} already, so `adopt: {meta.adopt}` has no effect; remove it")
            if unread := _olds.get(UNREAD):
                return self._unread_problem(unread, olds, properties, meta)
            return self._judge.change(olds, properties, meta)
        try:
            match, problem = self._judge.addition(properties, meta)
        except NotRead as unread:
            return str(unread)
        if match and not problem:
            _SESSION.warn(meta, str(match))
        return problem

    def _unread_problem(self, unread: str, olds: Properties, properties: Properties, meta: Metadata) -> str:
        """Return why an object that could not be read is not changed.

        Of those that nothing changes, the first of each reason has the problem, so that the run fails; "" for the rest.
        """
        new = _SESSION.is_new(f"problem {unread}")
        return meta.line(unread) if new or self._judge.differs(meta.id, olds, properties) else ""

    @property
    def _judge(self) -> Judge:
        return Judge(self.kind_name, _SESSION)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare the last outputs (what PostHog holds, after a refresh) with the inputs.

        ``changes`` is None where an input differs and not True: the engine then shows which do. What waits for an
        approval and is taken back is in none of them.
        """
        kind = KINDS[self.kind_name]
        before = metadata(_olds)
        _SESSION.claim(self.kind_name, _id, before.name)
        olds, news = to_properties(self.kind_name, _olds), to_properties(self.kind_name, _news)
        # A refresh compares with the inputs of the last run; this run's are known once its program has spoken.
        program = _SESSION.guard.program
        meta = metadata(_news) if program and NAME in _news else before
        if _news.get(PROBLEM) and _olds.get(UNREAD):
            return DiffResult(changes=True)  # an update, which is refused
        try:
            difference = self._judge.difference(_id, olds, news, meta)
        except Refused:
            if _news.get(PROBLEM) or meta.refused:
                return DiffResult(changes=True)
            raise
        if difference.held:
            _SESSION.warn(meta, difference.held)
        if difference.taken_back and program:
            _SESSION.warn(meta, difference.taken_back)
        if not difference:
            return DiffResult(changes=False)
        # What is refused is planned as an update, which says so: a replacement may begin with the deletion.
        replaces = [] if _news.get(PROBLEM) else difference.replaces
        if replaces:
            _SESSION.guard.replace(self.kind_name, _id, meta.source)
        elif program:
            self._judge.remind(_id, news, meta)
        # A replacement is made first, and the old object removed last, unless PostHog allows only one of its name: an
        # engine that goes on after errors waits for ever where it can't delete the old one first (Pulumi 3.259.0).
        unique = kind.unique or any(field.distinct for field in kind.fields)
        changes = None if difference.fields or difference.options else True
        return DiffResult(changes, replaces=replaces, delete_before_replace=bool(replaces) and unique)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create the object in PostHog, or adopt the one that is there already.

        Of a flag that is adopted to go off, the switch is sent although the rest is refused, as by ``update``.
        """
        lifecycle, connection = self._lifecycle()
        meta = metadata(props)
        properties = to_properties(self.kind_name, props)
        if problem := _missing(meta) or props.get(PROBLEM):
            match = self._goes_off_with_adoption(lifecycle, properties, meta)
            raise Refused(problem + (_only_off(lifecycle, match.id, match.live, meta) if match else ""))
        with OneLine(meta):
            id_, applied = lifecycle.create(properties, meta)
        return CreateResult(id_, self._outputs(applied, meta, _place(connection), props))

    def _goes_off_with_adoption(self, lifecycle: Lifecycle, properties: Properties, meta: Metadata) -> Match | None:
        """Return the flag that is adopted to go off; None where there is none, or it may not be adopted."""
        with suppress(ApiError, Stopped):
            return lifecycle.find(properties, meta) if self._goes_off(properties) else None
        return None

    def _goes_off(self, properties: Mapping[str, Any]) -> bool:
        return self.kind_name == "flag" and properties.get("active") is False

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return what PostHog holds, as outputs and as inputs: the engine shows drift by comparing inputs.

        A refresh asks for every resource, whatever went wrong with the one before. When nothing can be reached the
        first is refused, which fails the run, and the rest stay as they were: one line, and not one per resource.

        An object that can't be read stays as it was, too, and is told. A refusal here would end the run before the
        program, and with it every switch-off; ``check``, ``update`` and ``delete`` refuse it instead.

        So does what the reviewed plan leaves alone: the engine neither puts it back nor forgets what was applied.

        What was applied last of fields that are otherwise now goes along: the object may not be updated in this run.
        """
        known, meta = to_properties(self.kind_name, props), metadata(props)
        try:
            lifecycle, connection = self._lifecycle(props, lists=True)
        except Unreachable as problem:
            if _SESSION.is_new(str(problem)):
                raise
            return self._as_known(id_, known, meta, props)
        props = {**props, **_place(connection)}  # also of what is not read: the state says where it was before it moved
        if _SESSION.reviewed.leaves(meta.name):
            return self._as_known(id_, known, meta, props)
        try:
            found = lifecycle.read(id_, known, meta)
        except (ApiError, Stopped) as problem:
            reason = explained(problem) if isinstance(problem, ApiError) else str(problem)
            if _SESSION.is_new(reason):
                _SESSION.warn(meta, f"taken to be as it was: {reason}")
            return self._as_known(id_, known, meta, props, unknown(reason))
        if found is None:
            return ReadResult("", {})
        live_id, live = found
        kind = KINDS[self.kind_name]
        before = reconcile.applied_last(kind, known, props.get(APPLIED) or {})
        # Of what had a provisional id nothing was sent, so that nobody else changed it.
        record = {} if id_.startswith(PENDING) else reconcile.record(kind, before, live)
        outputs = _recorded(self._outputs(live, meta, _place(connection), props), record)
        return ReadResult(live_id, outputs, self._inputs(live, Metadata(), props))

    def _as_known(
        self, id_: str, known: Properties, meta: Metadata, props: Mapping[str, Any], unread: str = ""
    ) -> ReadResult:
        place = {name: props[name] for name in (PROJECT, HOST) if name in props}
        outputs = _recorded(self._outputs(known, meta, place, props), props.get(APPLIED) or {})
        why = {UNREAD: unread} if unread else {}
        return ReadResult(id_, {**outputs, **why}, {**self._inputs(known, Metadata(), props), **why})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Send the fields that differ from the last outputs, in one PATCH.

        Of a flag that goes off the switch is sent before, and also where the rest is refused.
        """
        lifecycle, connection = self._lifecycle(_olds)
        meta = metadata(_news)
        olds, news = to_properties(self.kind_name, _olds), to_properties(self.kind_name, _news)
        if problem := _missing(meta) or _news.get(PROBLEM):
            raise Refused(problem + (_only_off(lifecycle, _id, olds, meta) if self._goes_off(news) else ""))
        with OneLine(meta):
            applied = lifecycle.update(_id, olds, news, meta)
        # What waits for an approval is as it was.
        waits = {field.name for field in reconcile.changed(KINDS[self.kind_name], applied, news)}
        record = {name: text for name, text in (_olds.get(APPLIED) or {}).items() if name in waits}
        return UpdateResult(_recorded(self._outputs(applied, meta, _place(connection), _news), record))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Remove the object; one that is gone already is no error."""
        lifecycle, connection = self._lifecycle(_props)
        properties = to_properties(self.kind_name, _props)
        # The engine gives no inputs here.
        meta = replace(metadata(_props), source=_SESSION.guard.replaced_by(self.kind_name, _id))
        if unread := _props.get(UNREAD):
            raise Refused(meta.line(unread))
        if problem := self._judge.deletion(_id, properties, connection.project_id, meta):
            raise Refused(problem)
        with OneLine(meta):
            lifecycle.delete(_id, properties)

    def _lifecycle(self, props: Mapping[str, Any] | None = None, lists: bool = False) -> tuple[Lifecycle, Connection]:
        """Return the kind's lifecycle, unless the state belongs to another project than the connection.

        ``lists`` says that the caller goes on to look through the kind's list.

        ``refresh`` and ``destroy`` don't run the program, so this is what keeps them from taking every object of a
        stack for gone when a variable points somewhere else.
        """
        place = (str((props or {}).get(name) or "") for name in (HOST, PROJECT))
        return _SESSION.lifecycle(self.kind_name, lists, *place)

    def _inputs(self, properties: Properties, meta: Metadata, like: Mapping[str, Any]) -> dict[str, Any]:
        return as_mappings(self.kind_name, to_inputs(properties, meta), like)

    def _outputs(
        self, properties: Properties, meta: Metadata, place: Mapping[str, Any], like: Mapping[str, Any]
    ) -> dict[str, Any]:
        found = {name: properties[name] for name in (UNKEPT, OWN) if properties.get(name)}
        named = {NAME: meta.name} if meta.name else {}
        return {**self._inputs(properties, Metadata(), like), **named, **found, **place}


def _place(connection: Connection) -> dict[str, str]:
    """Return the outputs that say where an object lives: ids are PostHog's own, and say nothing elsewhere."""
    return {PROJECT: connection.project_id, HOST: connection.host}


def _only_off(lifecycle: Lifecycle, id_: str, live: Properties, meta: Metadata) -> str:
    """Switch off a flag of which something else is refused, and return what became of it, to be said after that.

    One that is off is kept from coming on by what waits for an approval.
    """
    off = switched_off(live)
    try:
        held = lifecycle.update(id_, live, off, meta)
    except (ApiError, Stopped) as problem:
        return f"; {problem}"
    if not reconcile.changed(FLAG, live, off):
        return ""
    return "; it is off in PostHog" if held.get("active") is False else "; its switch-off waits for approval"


def _missing(meta: Metadata) -> str:
    """Return why a definition that refers to what does not exist is not applied; "" if all exists."""
    return meta.line(f"left out, as it refers to {meta.missing}; run again once that is there") if meta.missing else ""


def _recorded(outputs: dict[str, Any], record: Mapping[str, str]) -> dict[str, Any]:
    """Return outputs with the record of what was applied last, where there is any."""
    return {**outputs, APPLIED: dict(record)} if record else outputs


def _provider(kind: Kind) -> type[PostHogProvider]:
    name = f"{kind.type}Provider"
    return type(name, (PostHogProvider,), {"__module__": __name__, "__doc__": f"{kind.type}.", "kind_name": kind.name})


PROVIDERS: dict[str, type[PostHogProvider]] = {kind.name: _provider(kind) for kind in KINDS.values()}

# A state names a class by this module and its own name, so that is where the engine looks for it.
globals().update({provider.__name__: provider for provider in PROVIDERS.values()})

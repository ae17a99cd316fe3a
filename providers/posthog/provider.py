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
from functools import partial
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
from providers.posthog.advice import explained
from providers.posthog.engine import engine_log
from providers.posthog.errors import ApiError, ConnectionProblem, Refused, Stopped, Unreachable
from providers.posthog.inputs import PROBLEM, Metadata, resolved, to_inputs, to_properties
from providers.posthog.kinds import KINDS, Kind
from providers.posthog.kinds.base import OWN, UNKEPT, Properties
from providers.posthog.lifecycle import Lifecycle
from providers.posthog.matching import as_mappings, standing_lists
from providers.posthog.safety import how_to_switch_on
from providers.posthog.session import Session
from providers.posthog.settings import NAMES, VARIABLES, Settings

PROJECT = "project_id"
"""The one computed output: the PostHog project the object lives in."""

_SESSION = Session(engine_log(sys.argv[1:]))

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
        inputs, lacks = resolved(news)
        meta = _SESSION.metadata.keep(inputs, lacks)
        properties = to_properties(self.kind_name, inputs)
        standing = standing_lists(self.kind_name, _olds, properties)
        checked = self._inputs(properties, meta, standing)
        problem = "" if lacks else self._judge(_olds, properties, meta) if _olds else self._meet(properties, meta)
        return CheckResult({**checked, PROBLEM: problem} if problem else checked, [])

    def _judge(self, _olds: dict[str, Any], properties: Properties, meta: Metadata) -> str:
        """Return why a change of an object in the state is refused; "" if it isn't.

        Here and not in ``diff``, of which an error ends the whole run: a flag that goes off would wait for it.
        """
        olds = to_properties(self.kind_name, _olds)
        guard = _SESSION.guard
        fields = reconcile.changed(KINDS[self.kind_name], olds, properties)
        if not fields or meta.refused:
            return ""
        try:
            if meta.adopt and any(field.immutable for field in fields):  # what replaces it is going to adopt that
                lifecycle, _ = self._lifecycle(lists=True)
                with _OneLine(meta):
                    lifecycle.find(properties, meta)
            if not self._holds(olds, properties, meta):
                with _OneLine(meta):
                    self._check_dates(meta.id, olds, properties, meta)
                    guard.change(self.kind_name, meta.name, olds, properties, meta.unchanged, meta.targeting)
        except Refused as problem:
            return str(problem)
        return ""

    def _meet(self, properties: Properties, meta: Metadata) -> str:
        """Return why a definition that is new to the state can't be applied; "" if it can be.

        What it adopts is a change of what is live, and is measured as one.
        """
        try:
            lifecycle, _ = self._lifecycle(lists=True)
            with _OneLine(meta):
                match = lifecycle.find(properties, meta)
                if match:
                    _SESSION.guard.adopt(self.kind_name, match.live, match.wanted)
                    self._check_dates(match.id, match.live, match.wanted, meta)
                elif meta.id and self.kind_name == "flag":
                    who = partial(_SESSION.history.deleted_by, KINDS[self.kind_name], meta.id)
                    _SESSION.guard.create(properties, meta.switch, who)
                if match and match.changes and not meta.refused:
                    _SESSION.guard.change(self.kind_name, meta.name, match.live, match.wanted)
        except Refused as problem:
            return str(problem)
        if match:
            _SESSION.warn(meta, str(match))
        return ""

    def _check_dates(self, id_: str, live: Properties, wanted: Properties, meta: Metadata) -> None:
        def by(field: str) -> str:
            self._lifecycle()
            return _SESSION.history.by(KINDS[self.kind_name], id_, field)

        if self.kind_name == "experiment":
            _SESSION.guard.dates(meta.name, live, wanted, by)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare the last outputs (what PostHog holds, after a refresh) with the inputs.

        ``changes`` is None where something differs and not True: the engine then shows which fields do.
        """
        kind = KINDS[self.kind_name]
        olds, news = to_properties(self.kind_name, _olds), to_properties(self.kind_name, _news)
        meta = _SESSION.metadata.of(_news)
        if meta.adopt not in (None, _id):
            _SESSION.warn(meta, f"is {kind.type} {_id} already, so `adopt: {meta.adopt}` has no effect; remove it")
        fields = reconcile.changed(kind, olds, news)
        if not fields and all(olds.get(name) == news.get(name) for name in ("unmanaged", *kind.options)):
            return DiffResult(changes=False)
        if self._holds(olds, news, meta):
            self._hold(_id, news["key"], [field.name for field in fields if field.name != "active"], meta)
            return DiffResult(changes=False)
        # What is refused is planned as an update, which says so: a replacement may begin with the deletion.
        replaces = [] if _news.get(PROBLEM) else [field.name for field in fields if field.immutable]
        if replaces:
            _SESSION.guard.replace(self.kind_name, _id)
        else:
            self._remind(_id, news, meta)
        # A replacement is made first and removed last, unless PostHog allows only one object of its name.
        unique = any(field.immutable for field in kind.fields if field.name in kind.natural_key)
        return DiffResult(changes=None, replaces=replaces, delete_before_replace=bool(replaces) and unique)

    def _holds(self, olds: Properties, news: Properties, meta: Metadata) -> bool:
        def on_since(when: str) -> bool:
            self._lifecycle(lists=True)
            with _OneLine(meta):
                return _SESSION.switch_history.on_since(olds["key"], when)

        return _SESSION.guard.holds(self.kind_name, olds, news, meta.switch, on_since)

    def _hold(self, id_: str, key: str, waiting: list[str], meta: Metadata) -> None:
        self._lifecycle()
        with _OneLine(meta):
            who = _SESSION.switch_history.last(id_)
        _SESSION.warn(
            meta,
            f"left as it is, since it is off in PostHog {who}, and nothing switches it on again in passing; "
            + (f"what else its file changes waits as well: {', '.join(waiting)}; " if waiting else "")
            + f"to keep it off, write `active: false`; to switch it on, {how_to_switch_on(key, meta.switch)}",
        )

    def _remind(self, id_: str, news: Properties, meta: Metadata) -> None:
        # The refresh compares with what was applied last; the source is known once the program has spoken.
        if meta.source:
            lifecycle, _ = self._lifecycle()
            with _OneLine(meta):
                lifecycle.remind(id_, news, meta)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create the object in PostHog, or adopt the one that is there already."""
        lifecycle, project = self._lifecycle()
        meta = _SESSION.metadata.of(props)
        _refuse_lacking(meta)
        if props.get(PROBLEM):
            raise Refused(props[PROBLEM])
        with _OneLine(meta):
            id_, standing = lifecycle.create(to_properties(self.kind_name, props), meta)
        return CreateResult(id_, self._outputs(standing, meta, project, props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return what PostHog holds, as outputs and as inputs: the engine shows drift by comparing inputs.

        A refresh asks for every resource, whatever went wrong with the one before. When nothing can be reached the
        first is refused, which fails the run, and the rest stay as they were: one line, and not one per resource.
        """
        known, meta = to_properties(self.kind_name, props), _SESSION.metadata.of(props)
        try:
            lifecycle, project = self._lifecycle(props, lists=True)
        except Unreachable as problem:
            if _SESSION.is_new(str(problem)):
                raise
            outputs = self._outputs(known, meta, props.get(PROJECT), props)
            return ReadResult(id_, outputs, self._inputs(known, meta, props))
        with _OneLine(meta):
            found = lifecycle.read(id_, known, meta)
        if found is None:
            return ReadResult("", {})
        live_id, live = found
        return ReadResult(live_id, self._outputs(live, meta, project, props), self._inputs(live, meta, props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Send the fields that differ from the last outputs, in one PATCH."""
        lifecycle, project = self._lifecycle(_olds)
        meta = _SESSION.metadata.of(_news)
        olds, news = to_properties(self.kind_name, _olds), to_properties(self.kind_name, _news)
        _refuse_lacking(meta)
        if _news.get(PROBLEM):
            raise Refused(_news[PROBLEM])
        with _OneLine(meta):
            standing = lifecycle.update(_id, olds, news, meta)
        return UpdateResult(self._outputs(standing, meta, project, _news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Remove the object; one that is gone already is no error."""
        lifecycle, project = self._lifecycle(_props)
        properties = to_properties(self.kind_name, _props)
        with _OneLine(_SESSION.metadata.of(_props)):
            is_on = partial(_SESSION.switch_history.is_on, _id)
            _SESSION.guard.delete(self.kind_name, _id, properties, project, is_on)
            lifecycle.delete(_id, properties)

    def _lifecycle(self, props: Mapping[str, Any] | None = None, lists: bool = False) -> tuple[Lifecycle, str]:
        """Return the kind's lifecycle, unless the state belongs to another project than the connection.

        ``lists`` says that the caller goes on to look through the kind's list.

        ``refresh`` and ``destroy`` don't run the program, so this is what keeps them from taking every object of a
        stack for gone when a variable points somewhere else.
        """
        try:
            lifecycle, project = _SESSION.lifecycle(self.kind_name, lists)
        except ConnectionProblem as problem:
            raise Unreachable(str(problem)) from None
        standing = (props or {}).get(PROJECT)
        if standing is not None and str(standing) != project:
            raise Unreachable(
                f"this stack's objects live in PostHog project {standing}, but the connection is to project "
                f"{project}; set {VARIABLES['project_id']} or the stack's configuration to {standing}"
            )
        return lifecycle, project

    def _inputs(self, properties: Properties, meta: Metadata, like: Mapping[str, Any]) -> dict[str, Any]:
        return as_mappings(self.kind_name, to_inputs(properties, Metadata(meta.name)), like)

    def _outputs(
        self, properties: Properties, meta: Metadata, project: str | None, like: Mapping[str, Any]
    ) -> dict[str, Any]:
        found = {name: properties[name] for name in (UNKEPT, OWN) if properties.get(name)}
        return {**self._inputs(properties, meta, like), **found, PROJECT: project}


class _OneLine:
    """Turns the errors that a user can cause into one line about the definition, without a traceback's chain."""

    def __init__(self, meta: Metadata) -> None:
        self._meta = meta

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ApiError):
            raise Refused(self._meta.line(explained(error))) from None
        if isinstance(error, Stopped):
            raise Refused(self._meta.line(str(error))) from None


def _refuse_lacking(meta: Metadata) -> None:
    if meta.lacks:
        raise Refused(meta.line(f"left out, as it refers to {meta.lacks}; run again once that is there"))


def _provider(kind: Kind) -> type[PostHogProvider]:
    name = f"{kind.type}Provider"
    return type(name, (PostHogProvider,), {"__module__": __name__, "__doc__": f"{kind.type}.", "kind_name": kind.name})


PROVIDERS: dict[str, type[PostHogProvider]] = {kind.name: _provider(kind) for kind in KINDS.values()}

# A state names a class by this module and its own name, so that is where the engine looks for it.
globals().update({provider.__name__: provider for provider in PROVIDERS.values()})

"""The Pulumi dynamic provider: every quirk of the engine is handled here, once.

The provider classes live in this importable module and have no attributes of their own. Pulumi then pickles them by
reference (a module path and a class name, the same on every machine and commit), which is also what keeps programs with
more than about 180 dynamic resources from an endless recursion in the SDK's serialiser. The module path and the
class names stand in every state: they are a contract.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
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
from providers.posthog.client import ApiError, Client
from providers.posthog.connection import VARIABLES, Connection, ConnectionProblem, resolve
from providers.posthog.engine import engine_watch
from providers.posthog.inventory import Inventory, LookupProblem, PostHogDirectory
from providers.posthog.kinds import KINDS
from providers.posthog.kinds.base import Properties
from providers.posthog.lifecycle import LIFECYCLES, AmbiguousMatch, Collection, Conflict
from providers.posthog.preflight import preflight

TRACEBACK_VARIABLE = "AI_ADMIN_TRACEBACK"
PROJECT = "project_id"
"""The one computed output: the PostHog project the object lives in."""


class Refused(Exception):
    """A request of the engine can't be carried out; the text is one line for the person who must act."""


class Unreachable(Refused):
    """The connection can't be used for this stack, so no request of this run can be carried out."""


class _Workplace:
    """What all provider objects of this process share: one connection, one inventory, one set of look-ups."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._config: dict[str, str | None] = {}
        self._connection: Connection | None = None
        self._problem: ConnectionProblem | None = None
        self._lifecycles: dict[str, Collection] = {}
        self._told: set[str] = set()

    def configure(self, config: Mapping[str, str | None]) -> None:
        with self._lock:
            self._config = dict(config)

    def lifecycle(self, kind_name: str) -> tuple[Collection, str]:
        """Return a kind's lifecycle and the id of the project it works in.

        Connects at the first call. What stood in the way then stands in the way of every later call: a host that does
        not answer is not waited for once per resource. Raises ``ConnectionProblem``.
        """
        with self._lock:
            if self._problem:
                raise self._problem
            if self._connection is None:
                try:
                    self._connection = self._connect(kind_name)
                except ConnectionProblem as problem:
                    self._problem = problem
                    raise
            return self._lifecycles[kind_name], self._connection.project_id

    def _connect(self, kind_name: str) -> Connection:
        connection = resolve(self._config, os.environ)
        preflight(connection, [kind_name], writing=False)
        client = Client(connection, before_write=engine_watch(sys.argv[1:]))
        inventory, directory = Inventory(client), PostHogDirectory(client)
        self._lifecycles = {
            kind.name: LIFECYCLES[kind.lifecycle](kind, inventory, directory) for kind in KINDS.values()
        }
        return connection

    def first_to_tell(self, message: str) -> bool:
        """Say whether nobody in this process told the engine this yet."""
        with self._lock:
            told = message in self._told
            self._told.add(message)
            return not told


_WORKPLACE = _Workplace()


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
        if not os.environ.get(TRACEBACK_VARIABLE):
            sys.tracebacklimit = 0
        _WORKPLACE.configure({name: req.config.get(name) for name in (*VARIABLES, "api_key")})

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs in canonical form: numbers arrive as doubles, and nulls in objects not at all."""
        return CheckResult(_own(self.kind_name, news), [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare the last outputs (what PostHog holds, after a refresh) with the inputs.

        ``changes`` is None where something differs and not True: the engine then shows which fields do.
        """
        kind = KINDS[self.kind_name]
        olds, news = _own(self.kind_name, _olds), _own(self.kind_name, _news)
        fields = reconcile.changed(kind, olds, news)
        if not fields and olds.get("unmanaged") == news.get("unmanaged"):
            return DiffResult(changes=False)
        replaces = [field.name for field in fields if field.immutable]
        # A replacement is made first and removed last, unless PostHog lets only one object of its name stand.
        unique = any(field.immutable for field in kind.fields if field.name in kind.natural_key)
        return DiffResult(changes=None, replaces=replaces, delete_before_replace=bool(replaces) and unique)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create the object in PostHog, or adopt the one that is there already."""
        lifecycle, project = self._lifecycle()
        properties = _own(self.kind_name, props)
        with _OneLine():
            return CreateResult(lifecycle.create(properties), {**properties, PROJECT: project})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return what PostHog holds, as outputs and as inputs: the engine shows drift by comparing inputs.

        A refresh asks for every resource, whatever went wrong with the one before. When nothing can be reached the
        first is refused, which fails the run, and the rest stay as they were: one line, and not one per resource.
        """
        try:
            lifecycle, project = self._lifecycle(props)
        except Unreachable as problem:
            if _WORKPLACE.first_to_tell(str(problem)):
                raise
            known = _own(self.kind_name, props)
            return ReadResult(id_, {**known, PROJECT: props.get(PROJECT)}, known)
        with _OneLine():
            found = lifecycle.read(id_, _own(self.kind_name, props))
        if found is None:
            return ReadResult("", {})
        live_id, live = found
        return ReadResult(live_id, {**live, PROJECT: project}, dict(live))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Send the fields that differ from the last outputs, in one PATCH."""
        lifecycle, project = self._lifecycle(_olds)
        news = _own(self.kind_name, _news)
        with _OneLine():
            lifecycle.update(_id, _own(self.kind_name, _olds), news)
        return UpdateResult({**news, PROJECT: project})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Remove the object; one that is gone already is no error."""
        lifecycle, _ = self._lifecycle(_props)
        with _OneLine():
            lifecycle.delete(_id)

    def _lifecycle(self, props: Mapping[str, Any] | None = None) -> tuple[Collection, str]:
        """Return the kind's lifecycle, unless the state belongs to another project than the connection.

        ``refresh`` and ``destroy`` don't run the program, so this is what keeps them from taking every object of a
        stack for gone when a variable points somewhere else.
        """
        try:
            lifecycle, project = _WORKPLACE.lifecycle(self.kind_name)
        except ConnectionProblem as problem:
            raise Unreachable(str(problem)) from None
        standing = (props or {}).get(PROJECT)
        if standing is not None and str(standing) != project:
            raise Unreachable(
                f"this stack's objects live in PostHog project {standing}, but the connection is to project "
                f"{project}; set {VARIABLES['project_id']} or the stack's configuration to {standing}"
            )
        return lifecycle, project


class _OneLine:
    """Turns the errors that a user can cause into one line without a traceback's chain."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ApiError | LookupProblem | AmbiguousMatch | Conflict):
            raise Refused(str(error)) from None


def _own(kind_name: str, props: Mapping[str, Any]) -> Properties:
    """Return canonical properties without the engine's own (``__provider``) and ours (the project)."""
    return KINDS[kind_name].canonical(props)


class EventDefinitionProvider(PostHogProvider):
    """Event definitions."""

    kind_name = "event"


class PropertyDefinitionProvider(PostHogProvider):
    """Property definitions."""

    kind_name = "property"


class CohortProvider(PostHogProvider):
    """Cohorts."""

    kind_name = "cohort"


class FeatureFlagProvider(PostHogProvider):
    """Feature flags."""

    kind_name = "flag"


class DashboardProvider(PostHogProvider):
    """Dashboards."""

    kind_name = "dashboard"


class InsightProvider(PostHogProvider):
    """Insights."""

    kind_name = "insight"


class DashboardTilesProvider(PostHogProvider):
    """Tiles of dashboards."""

    kind_name = "tiles"


class AlertProvider(PostHogProvider):
    """Alerts."""

    kind_name = "alert"


class HogFunctionProvider(PostHogProvider):
    """Notifications."""

    kind_name = "notification"


class ActionProvider(PostHogProvider):
    """Actions."""

    kind_name = "action"


class ExperimentProvider(PostHogProvider):
    """Experiments."""

    kind_name = "experiment"


class SubscriptionProvider(PostHogProvider):
    """Subscriptions."""

    kind_name = "subscription"


class AnnotationProvider(PostHogProvider):
    """Annotations."""

    kind_name = "annotation"


PROVIDERS: dict[str, type[PostHogProvider]] = {
    provider.kind_name: provider
    for provider in (
        EventDefinitionProvider,
        PropertyDefinitionProvider,
        CohortProvider,
        FeatureFlagProvider,
        DashboardProvider,
        InsightProvider,
        DashboardTilesProvider,
        AlertProvider,
        HogFunctionProvider,
        ActionProvider,
        ExperimentProvider,
        SubscriptionProvider,
        AnnotationProvider,
    )
}

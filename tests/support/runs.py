"""Runs of the provider without the engine: they apply single definitions to a sandbox, in this process.

They call the provider's methods in the engine's order: check and create; or read, check, diff, and then update, or
delete and create. Each run starts with a new provider session, as each run of the engine does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from providers.posthog import provider as provider_module
from providers.posthog import reconcile
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.limits import Clock
from providers.posthog.provider import PROVIDERS, PostHogProvider
from providers.posthog.session import Session
from providers.posthog.settings import Settings
from tests.support.samples.base import Body
from tests.support.sandbox import Sandbox

Properties = dict[str, Any]
World = Mapping[Ref, Any]
"""The ids of objects in the sandbox, by the references of definitions."""


def placed(value: Any, world: World) -> Any:
    """Return a value with its references replaced by ids, as the program hands it to the provider."""
    if isinstance(value, Ref):
        return world[value]
    if isinstance(value, dict):
        return {name: placed(item, world) for name, item in value.items()}
    return [placed(item, world) for item in value] if isinstance(value, list | tuple) else value


class Runs:
    """Makes runs on one sandbox."""

    def __init__(self, sandbox: Sandbox, world: World, clock: Clock | None = None) -> None:
        self.sandbox = sandbox
        self.world = world
        self.clock = clock
        self.warnings: list[str] = []

    def new_run(self, kind: str, warn: Callable[[str], None] | None = None, **config: str) -> PostHogProvider:
        """Return a kind's provider at the beginning of a run; ``warn`` (else ``warnings``) gets its warnings."""
        session = Session(warn or self.warnings.append, self.clock)
        # No program asks for these deletions, and a definition without a name may lose its dates.
        consented = {"disposable": "true", "consent": "reset/ resume/"}
        session.configure(Settings({**consented, **config}, self.sandbox.environ))
        provider_module._SESSION = session
        return PROVIDERS[kind]()

    def made(self, kind: str, definitions: Mapping[str, Properties]) -> dict[str, Applied]:
        """Create an object of a kind for each definition, in one run; return them by the definitions' names."""
        provider = self.new_run(kind)
        return {name: Applied(self, kind, properties, provider) for name, properties in definitions.items()}

    def shown(self, objects: Mapping[str, Applied], definitions: Mapping[str, Properties]) -> dict[str, list[str]]:
        """The fields that one preview shows for the definitions of objects of one kind."""
        provider = self._refreshed(objects)
        return {name: each.compared(provider, definitions[name])[0] for name, each in objects.items()}

    def applied(self, objects: Mapping[str, Applied], definitions: Mapping[str, Properties]) -> dict[str, list[str]]:
        """Bring objects of one kind to what their definitions say, in one run; return the fields that had to change."""
        provider = self._refreshed(objects)
        return {name: each.brought_to(provider, definitions[name]) for name, each in objects.items()}

    def _refreshed(self, objects: Mapping[str, Applied]) -> PostHogProvider:
        [kind] = {each.kind.name for each in objects.values()}
        provider = self.new_run(kind)
        for each in objects.values():
            each.refresh(provider)
        return provider


class Applied:
    """One object that was applied: its kind, its id, and what the engine's state says of it."""

    def __init__(self, runs: Runs, kind: str, properties: Properties, provider: PostHogProvider | None = None) -> None:
        """Create it, in a run of its own where no ``provider`` is given."""
        self.runs = runs
        self.kind = KINDS[kind]
        self.id = ""
        self.state: Properties = {}
        provider = provider or runs.new_run(kind)
        self._create(provider, self._checked(provider, {}, properties))

    @property
    def path(self) -> str:
        return f"{self.kind.collection}/{self.id}/"

    def live(self) -> Properties:
        """What PostHog shows of the object."""
        return dict(self.runs.sandbox.call("GET", self.path))

    def by_hand(self, body: Body) -> None:
        """Change the object as PostHog's pages do, past all of our code: a flag's filters are sent whole."""
        live = self.live() if callable(body) or self.kind.whole else {}
        sent = placed(body(live) if callable(body) else body, self.runs.world)
        sent |= {column: {**live[column], **sent[column]} for column in self.kind.whole if column in sent}
        self.runs.sandbox.call("PATCH", self.path, sent)

    def shown(self, properties: Properties) -> list[str]:
        """The fields that a preview shows for a definition."""
        return self.runs.shown({"": self}, {"": properties})[""]

    def apply(self, properties: Properties) -> list[str]:
        """Bring the object to what a definition says, and return the fields that had to change."""
        return self.runs.applied({"": self}, {"": properties})[""]

    def compared(self, provider: PostHogProvider, properties: Properties) -> tuple[list[str], Properties]:
        """The fields in which a definition differs from the object after a run's refresh, and the run's inputs."""
        inputs = self._checked(provider, self.state, properties)
        return self._differing(provider, inputs), inputs

    def brought_to(self, provider: PostHogProvider, properties: Properties) -> list[str]:
        """Change the object as a run does after its refresh, and return the fields that had to change."""
        differing, inputs = self.compared(provider, properties)
        if provider.diff(self.id, self.state, inputs).replaces:
            provider.delete(self.id, self.state)
            self._create(provider, inputs)
        elif differing or self._options(self.state) != self._options(inputs):
            self.state = {**(provider.update(self.id, self.state, inputs).outs or {})}
        return differing

    def remove(self) -> None:
        """Remove the object, as an `up` without its definition does."""
        provider = self.runs.new_run(self.kind.name)
        self.refresh(provider)
        provider.delete(self.id, self.state)

    def _create(self, provider: PostHogProvider, inputs: Properties) -> None:
        created = provider.create(inputs)
        self.id, self.state = created.id or "", {**(created.outs or {})}

    def refresh(self, provider: PostHogProvider) -> None:
        """Take in what PostHog has, as a run's refresh does."""
        found = provider.read(self.id, self.state)
        assert found.id, f"{self.kind.name} {self.id} is gone"
        self.id, self.state = found.id, {**(found.outs or {})}

    def _checked(self, provider: PostHogProvider, olds: Properties, properties: Properties) -> Properties:
        checked = provider.check(olds, placed(properties, self.runs.world))
        assert not checked.failures, checked.failures
        return dict(checked.inputs)

    def _differing(self, provider: PostHogProvider, inputs: Properties) -> list[str]:
        """The fields in which state and inputs differ; the provider says so of the same ones."""
        olds, news = self.kind.canonical(self.state), self.kind.canonical(inputs)
        fields = [field.name for field in reconcile.changed(self.kind, olds, news)]
        said = provider.diff(self.id, self.state, inputs).changes is not False
        assert said == (bool(fields) or self._options(olds) != self._options(news))
        return fields

    def _options(self, properties: Properties) -> list[Any]:
        return [properties.get(name) for name in ("unmanaged", *self.kind.options)]

"""Resources of a Pulumi program: one type per kind, registered from definitions, with references as dependencies."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pulumi
from pulumi import dynamic
from pulumi.runtime.stack import ResourceRegistrationFailed

from providers.posthog.inputs import MISSING, NAME, PROBLEM, PROJECT, UNREAD, Metadata, to_inputs, with_digests
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Definition, refs
from providers.posthog.limits import Rate, rates
from providers.posthog.provider import PROVIDERS
from providers.posthog.references import readable, with_ids
from providers.posthog.registrations import FEW, Window, interleaved
from providers.posthog.settings import Settings


def _resource_type(kind_name: str) -> type[dynamic.Resource]:
    """Return the Pulumi resource class of a kind; its type reads ``pulumi-python:dynamic/posthog:FeatureFlag``."""
    type_name = KINDS[kind_name].type

    def create(
        self: dynamic.Resource, name: str, properties: dict[str, Any], options: pulumi.ResourceOptions | None = None
    ) -> None:
        # An output that is not among the inputs must be named here, or the program never sees it.
        props = {**properties, PROJECT: None, PROBLEM: None}
        dynamic.Resource.__init__(self, PROVIDERS[kind_name](), name, props, options)

    return type(type_name, (dynamic.Resource,), {"__init__": create}, module="posthog", name=type_name)


RESOURCES: dict[str, type[dynamic.Resource]] = {kind_name: _resource_type(kind_name) for kind_name in KINDS}


def register(
    definitions: Iterable[Definition],
    settings: Settings,
    known: Mapping[Ref, str],
    off: Collection[Ref],
    metadata: Mapping[Ref, Metadata],
) -> dict[Ref, pulumi.CustomResource]:
    """Register every definition, referenced ones first, and return the resources by kind and key.

    A :class:`Ref` in the properties becomes the id of that resource, so that Pulumi knows the dependency. The name of a
    variable that holds a secret is completed by a digest of its value (see ``kinds.notification``).

    Args:
        definitions: all that this run registers.
        settings: the stack's settings.
        known: the ids of the objects that were applied last. Where the engine continues after a failure, an object
            that refers to the failed one keeps its id and so has no change.
        off: the flags among them that this run switches off. They come last, and after what depends on them: PostHog
            does not switch a flag off while a flag that is on depends on it.
        metadata: what the provider must know of each definition in addition to its properties.

    A run that may have to wait for PostHog's rate limits is registered in an order of its own, see ``registrations``.
    """
    if not settings.shows_tracebacks:
        # Only `pulumi --debug` would show these. The SDK has four of them for each resource, and waits each time until
        # the engine has it: a fifth of all processor time of a run of 500 flags.
        pulumi.log.debug = lambda *_, **__: None
    resources: dict[Ref, pulumi.CustomResource] = {}

    def id_of(ref: Ref) -> Any:
        return readable(ref, known[ref]) if ref in off else _id(ref, resources[ref], known.get(ref))

    every = tuple(definitions)
    last = [each for each in every if _ref(each) in off]
    users = _users(last)
    others = [each for each in every if _ref(each) not in off]
    window = None
    if len(every) > FEW and not pulumi.runtime.is_dry_run():  # a preview writes nothing, so nothing waits
        others, window = _interleaved(others), Window()
    for definition in (*others, *reversed(last)):
        ref = _ref(definition)
        properties = with_digests(definition.kind, definition.properties, settings.environ)
        first = users.get(ref, []) if ref in off else KINDS[ref.kind].first(properties)
        options: dict[str, Any] = {"depends_on": _after(resources[each] for each in first)} if first else {}
        shown = with_ids(properties, id_of)
        resources[ref] = _resource(definition, shown, metadata[ref], window, **options)
    return resources


def _after(resources: Iterable[pulumi.CustomResource]) -> list[pulumi.Output[Any]]:
    """Return resources to wait for; the SDK would end the whole program at one that failed."""

    async def registered(resource: pulumi.CustomResource) -> pulumi.CustomResource | None:
        try:
            await resource.urn.future()
        except ResourceRegistrationFailed:
            return None
        return resource

    return [pulumi.Output.from_input(registered(each)) for each in resources]


def _interleaved(definitions: list[Definition]) -> list[Definition]:
    """Return definitions in the order in which PostHog's limits are used at the same time."""
    by_ref = {_ref(each): each for each in definitions}

    def limits(ref: Ref) -> tuple[Rate, ...]:
        return rates(f"/api/projects/1/{KINDS[ref.kind].collection}/")

    def first(ref: Ref) -> list[Ref]:
        properties = by_ref[ref].properties
        return [each for each in (*refs(properties), *KINDS[ref.kind].first(properties)) if each in by_ref]

    return [by_ref[ref] for ref in interleaved(list(by_ref), limits, first)]


async def problems(resources: Iterable[pulumi.CustomResource]) -> list[str]:
    """Return why definitions that are new to the state can't be applied, a line each.

    In a preview nothing calls ``create``, so nobody else says it.
    """
    outputs = (getattr(resource, PROBLEM).future() for resource in resources)
    found = await asyncio.gather(*outputs, return_exceptions=True)  # of an exception the engine itself has told
    return [problem for problem in found if isinstance(problem, str) and problem]


def switch_off(flags: Iterable[Definition], names: Mapping[str, str]) -> dict[str, pulumi.CustomResource]:
    """Register flags with nothing but their switch, which is off: whatever else differs stays as it was applied.

    ``names`` are the Pulumi names under which they were applied last, by those that they have now: another key is not
    applied here, and a state that said so would hide from the next run that it has to be. Returns the resources by
    the former.
    """
    others = [field.name for field in KINDS["flag"].fields if field.name != "active"]
    off = tuple(flags)
    users, resources = _users(off), dict[Ref, pulumi.CustomResource]()
    for flag in reversed(off):
        first = [resources[user] for user in users.get(_ref(flag), ())]
        only_off = {"key": flag.key, "active": False}
        last = names[str(_ref(flag))]
        meta = Metadata(last, str(flag.source), flag.adopt)
        resources[_ref(flag)] = _resource(
            flag, only_off, meta, ignore_changes=[*others, "unmanaged"], depends_on=_after(first)
        )
    return {names[str(ref)]: resource for ref, resource in resources.items()}


def _users(flags: Iterable[Definition]) -> dict[Ref, list[Ref]]:
    """Return by reference which of these flags name it."""
    users: dict[Ref, list[Ref]] = {}
    for flag in flags:
        for ref in refs(flag.properties):
            users.setdefault(ref, []).append(_ref(flag))
    return users


def _ref(definition: Definition) -> Ref:
    return Ref(definition.kind, definition.key)


def _resource(
    definition: Definition,
    properties: dict[str, Any],
    meta: Metadata,
    window: Window | None = None,
    **options: Any,
) -> pulumi.CustomResource:
    name = meta.name
    former = str(Ref(definition.kind, definition.renamed_from or definition.key))
    if former != name and definition.renamed_from:
        # The engine then finds the flag under its old name, and changes its key: id and history stay.
        options["aliases"] = [pulumi.Alias(name=former)]
    options["hide_diffs"] = [NAME, UNREAD]
    inputs = to_inputs(properties, meta)
    slot = window.next(inputs[NAME]) if window else None
    if slot:
        inputs[NAME] = slot  # the last one
    resource_type: Any = RESOURCES[definition.kind]
    resource: pulumi.CustomResource = resource_type(name, inputs, pulumi.ResourceOptions(**options))
    if slot:
        slot.ends_with(asyncio.ensure_future(resource.urn.future()))
    return resource


def _id(ref: Ref, resource: pulumi.CustomResource, known: str | None) -> pulumi.Output[Any]:
    # The SDK gives no id of a failed resource, and would end the whole program.
    id_ = resource.id.recover(lambda _: f"{MISSING}{ref}" + (f"={known}" if known else ""))
    return id_.apply(lambda text: readable(ref, text))

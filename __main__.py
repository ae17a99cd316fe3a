"""The Pulumi program: reads the definitions, refuses bad and unsafe ones, and registers the rest."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pulumi

from ai_admin import record
from ai_admin.adopted import live_audiences
from ai_admin.definitions import Definition, load
from ai_admin.definitions.stacks import configurations
from ai_admin.safety import (
    Followed,
    Manifest,
    Reach,
    Refusal,
    Values,
    ahead,
    grown,
    manifest,
    name_of,
    refusals,
    renamed,
    shared,
    switched_off,
    switches,
    unfinished,
)
from providers.posthog.blockers import blockers
from providers.posthog.brake import CAREFUL, CONSENT
from providers.posthog.client import ApiError, Client
from providers.posthog.connection import VARIABLES, ConnectionProblem, resolve
from providers.posthog.kinds import Ref
from providers.posthog.members import lost_members
from providers.posthog.preflight import preflight
from providers.posthog.resources import missing_variables, problems, register, switch_off, wrong_variables
from providers.posthog.safety import consents
from providers.posthog.switch import leaving

CHECKOUT = Path(__file__).parent

PUBLIC_PASSPHRASE = "sandbox"
"""The passphrase of the sandbox's stack, which `. ./activate` sets with the local backend."""

EXPLAINED = 32
"""The exit code by which Pulumi's Python host knows that the reason was shown, and adds no line of its own."""


def main() -> None:
    """Register every definition of this stack; when anything is wrong, only what switches a flag off.

    A preview registers all of them also then: what is refused stands beside the plan, not in its place.
    """
    last = last_manifest()
    # Until everything is registered: a refused run that exported nothing would forget what was applied last, and pass
    # the second time.
    record.keep(last)
    definitions = load(CHECKOUT, pulumi.get_stack())
    if definitions.problems:
        off_alone = with_former_keys(definitions.off, last)
        refuse_all_but_off(["the definitions have problems:", *map(str, definitions.problems)], last, off_alone)
    resources = with_former_keys(definitions.resources, last)
    try:
        client = check_connection({definition.kind for definition in resources})
    except ConnectionProblem as problem:
        refuse_all_but_off(str(problem).splitlines(), last, resources)
    before = renamed(last, resources)
    try:
        after, found = judge(client, resources, definitions.values, before)
    except ApiError as problem:
        unknown = f"it is not known what this run would change: {problem}; run again"
        refuse_all_but_off([unknown], last, resources)
    refused = [*unset_secrets(resources), *map(str, found), *blockers(client, before, after.keys())]
    showing = pulumi.runtime.is_dry_run()
    if refused and not showing:
        refuse_all_but_off(refused, last, resources)
    known = {Ref(*name.split("/", 1)): entry["id"] for name, entry in before.items() if entry.get("id")}
    off = switched_off(before, after)
    off_refs = {ref for ref in known if f"{ref.kind}/{ref.key}" in off}
    unset = dict.fromkeys((name for _, name in missing_variables(resources, os.environ)), "")
    about = {name for refusal in found for name in refusal.about}
    registered = register(resources, {**unset, **os.environ}, known, off_refs, switches(before, after), about)
    if not refused:
        record.keep(record.applied(before, after, resources, registered, consents(pulumi.Config().get(CONSENT))))
    if showing:
        refused += map(off_all_the_same, off) if refused else []
        pulumi.run(lambda: end_of_preview(refused, registered.values()))


def with_former_keys(definitions: Iterable[Definition], last: Manifest) -> tuple[Definition, ...]:
    """Return definitions that name the key they stand under also where they come back from a rename not applied."""
    every = tuple(definitions)
    keys = unfinished(last, every)
    return tuple(replace(each, renamed_from=keys.get(name_of(each), each.renamed_from)) for each in every)


def off_all_the_same(name: str) -> str:
    """Say that a refused run switches a flag off; a preview ends `pulumi up` before its update begins."""
    if not pulumi.runtime.is_dry_run():
        return f"{name} is switched off all the same"
    key, stack = name.partition("/")[2], pulumi.get_stack()
    return (
        f"{name} is not off yet: `pulumi up --skip-preview` switches it off in spite of this, and "
        f"`ai-admin off {key} --stack {stack}` does at once"
    )


async def end_of_preview(refused: list[str], resources: Iterable[pulumi.CustomResource]) -> None:
    """Show what would not be applied, once the whole plan is known, and fail if there is anything."""
    found = ["\n".join(refused)] if refused else []
    found += dict.fromkeys(await problems(resources))
    for each in found:
        pulumi.log.error(each)
    if found:
        # Not yet: the engine plans the deletions only after a program that did not fail, and asks for its exit code
        # once it has them. Pulumi's Python host offers no other way to fail then.
        atexit.register(os._exit, EXPLAINED)


def last_manifest() -> Manifest:
    """Return what was applied to this stack last; empty on the first run."""
    try:
        return record.applied_last(pulumi.get_stack()) or {}
    except record.UnreadableState as problem:
        return refuse([f"it is not known what was applied to this stack last: {problem}; run again"])


def judge(
    client: Client, definitions: Iterable[Definition], values: Values, before: Manifest
) -> tuple[Manifest, list[Refusal]]:
    """Return the manifest that this run would leave behind, and what the gates refuse of it. Raises ``ApiError``.

    ``values`` are all values of properties of persons for which the catalogue lists them.
    """
    config = pulumi.Config()
    careful, follows = config.get_bool(CAREFUL) or False, config.get("follows")
    live = live_audiences(client, definitions, before) if careful or follows else {}
    base = {**live, **before}
    after = manifest(definitions, base)
    members, gone = lost_members(client, before, after), leaving(client, before, after)
    followed, reach = followed_stack(follows, base, after), Reach(definitions, values)
    given = consents(config.get(CONSENT))
    return after, refusals(before, after, given, careful, followed, live, members, gone, reach)


def followed_stack(stack: str | None, before: Manifest, after: Manifest) -> Followed | None:
    """Return what this run is compared with, if this stack follows another one and serves anything more widely.

    A preview is compared with what the followed stack has once these files are applied to it: a merge is, before it
    comes to this one. What that stack lacks until then is told.
    """
    if not stack or not grown(before, after):
        return None
    now = record.followed(stack)
    if now.manifest is None or not pulumi.runtime.is_dry_run():
        return now
    then = Followed(stack, manifest(load(CHECKOUT, stack).resources, {}))
    refused_then = list(ahead(before, after, then))
    for refusal in ahead(before, after, now):
        if refusal not in refused_then:
            pulumi.log.warn(f"{refusal.what}: {', '.join(refusal.about)}; its files have it, so apply {stack} first")
    return then


def unset_secrets(definitions: Iterable[Definition]) -> list[str]:
    """Return the variables that hold a secret and are not set, or are no address, a line each; never a value."""
    unset = [
        f"{definition.source}: {definition.kind}/{definition.key}: the environment variable {name} is not set; "
        "export it with the secret that PostHog needs"
        for definition, name in missing_variables(definitions, os.environ)
    ]
    wrong = [
        f"{definition.source}: {definition.kind}/{definition.key}: the value of the environment variable {name} "
        f"{what}; export the address as it was given, on one line"
        for definition, name, what in wrong_variables(definitions, os.environ)
    ]
    return [*unset, *wrong]


def check_connection(kinds: set[str]) -> Client:
    """Return what asks PostHog.

    Raises :class:`ConnectionProblem` when stack and environment contradict each other, or the key is not let in.
    """
    config = pulumi.Config()
    if config.get("api_key") and os.environ.get("PULUMI_CONFIG_PASSPHRASE") == PUBLIC_PASSPHRASE:
        refuse(
            [
                f"{pulumi.get_stack()}: the API key in Pulumi.{pulumi.get_stack()}.yaml is encrypted with the "
                "sandbox's passphrase, which everybody knows; unset PULUMI_CONFIG_PASSPHRASE, choose one of your own "
                "with `pulumi stack change-secrets-provider passphrase`, and put a new key into the stack"
            ]
        )
    connection = resolve({name: config.get(name) for name in (*VARIABLES, "api_key")}, os.environ)
    others = shared(pulumi.get_stack(), connection.host, connection.project_id, configurations(CHECKOUT))
    if others:
        raise ConnectionProblem("\n".join(others))
    client = Client(connection, tell=pulumi.log.warn)
    preflight(client, kinds, writing=not pulumi.runtime.is_dry_run())
    return client


def refuse_all_but_off(lines: Iterable[str], last: Manifest, definitions: Iterable[Definition]) -> NoReturn:
    """Switch off those of these flags that stand in PostHog and are to be off, and refuse the rest of the run.

    A flag that was off before as well is among them: somebody may have switched it on in PostHog since.
    """
    flags = [each for each in definitions if each.kind == "flag" and each.properties.get("active") is False]
    before = renamed(last, flags)
    after = manifest(flags, before)
    names = dict(zip(before, last, strict=True))  # a refused run renames nothing
    resources = switch_off((flag for flag in flags if name_of(flag) in before), names)
    record.keep(record.all_but_off(last, resources))
    refuse([*lines, *map(off_all_the_same, switched_off(before, after))])


def refuse(lines: Iterable[str]) -> NoReturn:
    """Show the reason as an error of the stack and end the program."""
    pulumi.log.error("\n".join(lines))
    sys.exit(EXPLAINED)


main()

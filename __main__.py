"""The Pulumi program: reads the definitions, refuses bad and unsafe ones, and registers the rest."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pulumi

from ai_admin import record
from ai_admin.definitions import Definition, Definitions, load
from ai_admin.safety import (
    Followed,
    Manifest,
    ahead,
    grown,
    manifest,
    name_of,
    refusals,
    renamed,
    still_on,
    switched_off,
)
from providers.posthog.blockers import blockers
from providers.posthog.brake import CAREFUL, CONSENT
from providers.posthog.client import Client
from providers.posthog.connection import VARIABLES, ConnectionProblem, resolve
from providers.posthog.kinds import Ref
from providers.posthog.preflight import preflight
from providers.posthog.resources import missing_variables, register, switch_off, wrong_variables
from providers.posthog.safety import consents

CHECKOUT = Path(__file__).parent

PUBLIC_PASSPHRASE = "sandbox"
"""The passphrase of the sandbox's stack, which `. ./activate` sets with the local backend."""

EXPLAINED = 32
"""The exit code by which Pulumi's Python host knows that the reason was shown, and adds no line of its own."""


def main() -> None:
    """Register every definition of this stack; when anything is wrong, only what switches a flag off."""
    before = last_manifest()
    # Until everything is registered: a refused run that exported nothing would forget what was applied last, and pass
    # the second time.
    record.keep(before)
    definitions = load(CHECKOUT, pulumi.get_stack())
    if definitions.problems:
        refuse_all_but_off(["the definitions have problems:", *map(str, definitions.problems)], before, definitions.off)
    try:
        client = check_connection({definition.kind for definition in definitions.resources})
    except ConnectionProblem as problem:
        refuse_all_but_off(str(problem).splitlines(), before, definitions.resources)
    before = renamed(before, definitions.resources)
    after = manifest(definitions.resources, before)
    refused = [*unset_secrets(definitions), *unsafe(client, before, after)]
    if refused:
        refuse_all_but_off(refused, before, definitions.resources)
    known = {Ref(*name.split("/", 1)): entry["id"] for name, entry in before.items() if entry.get("id")}
    off, on = switched_off(before, after), still_on(before, after)
    off_refs = {ref for ref in known if f"{ref.kind}/{ref.key}" in off}
    resources = register(definitions.resources, os.environ, known, off_refs, on)
    named = {f"{ref.kind}/{ref.key}": resource for ref, resource in resources.items()}
    record.keep(record.applied(before, after, named))


def last_manifest() -> Manifest:
    """Return what was applied to this stack last; empty on the first run."""
    try:
        return record.applied_last(pulumi.get_stack()) or {}
    except record.UnreadableState as problem:
        return refuse([f"it is not known what was applied to this stack last: {problem}; run again"])


def unsafe(client: Client, before: Manifest, after: Manifest) -> list[str]:
    """Return why this run may not be: what the gates refuse, and what stands in the way of what it would delete."""
    config = pulumi.Config()
    careful = config.get_bool(CAREFUL) or False
    followed = followed_stack(config.get("follows"), before, after)
    refused = refusals(before, after, consents(config.get(CONSENT)), careful, followed)
    return [*map(str, refused), *blockers(client, before, after.keys())]


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


def unset_secrets(definitions: Definitions) -> list[str]:
    """Return the variables that hold a secret and are not set, or are no address, a line each; never a value."""
    unset = [
        f"{definition.source}: {definition.kind}/{definition.key}: the environment variable {name} is not set; "
        "export it with the secret that PostHog needs"
        for definition, name in missing_variables(definitions.resources, os.environ)
    ]
    wrong = [
        f"{definition.source}: {definition.kind}/{definition.key}: the value of the environment variable {name} "
        f"{what}; export the address as it was given, on one line"
        for definition, name, what in wrong_variables(definitions.resources, os.environ)
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
    client = Client(connection, tell=pulumi.log.warn)
    preflight(client, kinds, writing=not pulumi.runtime.is_dry_run())
    return client


def refuse_all_but_off(lines: Iterable[str], before: Manifest, definitions: Iterable[Definition]) -> NoReturn:
    """Switch off those of these flags that stand in PostHog and are to be off, and refuse the rest of the run.

    A flag that was off before as well is among them: somebody may have switched it on in PostHog since.
    """
    flags = [each for each in definitions if each.kind == "flag" and each.properties.get("active") is False]
    last, before = before, renamed(before, flags)
    after = manifest(flags, before)
    resources = switch_off(flag for flag in flags if name_of(flag) in before)
    names = dict(zip(before, last, strict=True))  # a refused run renames nothing
    record.keep(record.all_but_off(last, {names[name]: resource for name, resource in resources.items()}))
    refuse([*lines, *(f"{name} is switched off all the same" for name in switched_off(before, after))])


def refuse(lines: Iterable[str]) -> NoReturn:
    """Show the reason as an error of the stack and end the program."""
    pulumi.log.error("\n".join(lines))
    sys.exit(EXPLAINED)


main()

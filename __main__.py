"""The Pulumi program: reads the definitions, refuses bad ones, and registers the rest."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pulumi

from ai_admin.definitions import Definitions, load
from ai_admin.safety import Manifest, manifest, refusals
from providers.posthog.connection import VARIABLES, ConnectionProblem, resolve
from providers.posthog.preflight import preflight
from providers.posthog.resources import missing_variables, register

PUBLIC_PASSPHRASE = "sandbox"
"""The passphrase of the sandbox's stack, which `. ./activate` sets with the local backend."""

MANIFEST = "manifest"

READS, PAUSE = 50, 0.1
"""How often the stack's own state is read while it is being written, and the seconds between."""

EXPLAINED = 32
"""The exit code by which Pulumi's Python host knows that the reason was shown, and adds no line of its own."""


def main() -> None:
    """Register every definition of this stack; nothing is registered when anything is wrong."""
    before = applied_last()
    # Until everything is registered: a refused run that exported nothing would forget what was applied last, and pass
    # the second time.
    export(before)
    definitions = load(Path(__file__).parent, pulumi.get_stack())
    if definitions.problems:
        refuse(["the definitions have problems:", *map(str, definitions.problems)])
    check_secrets(definitions)
    after = manifest(definitions.resources)
    refused = refusals(pulumi.get_stack(), before, after, (pulumi.Config().get("consent") or "").split())
    if refused:
        refuse(map(str, refused))
    check_connection({definition.kind for definition in definitions.resources})
    register(definitions.resources, os.environ)
    export(after)


def applied_last() -> Manifest:
    """Return the manifest among this stack's own outputs, which an `up` wrote; empty on the first run."""
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    for _ in range(READS):
        try:
            outputs = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value["outputs"]
        except Exception as problem:  # the SDK raises nothing more specific
            # Pulumi's file backend writes the state in place, and just now it may be at it.
            if "failed to load checkpoint" not in str(problem):
                raise
            time.sleep(PAUSE)
        else:
            found: Manifest = outputs.get(MANIFEST) or {}
            return found
    return refuse(["the stack's own state can't be read, so it is not known what was applied last; run again"])


def export(entries: Manifest) -> None:
    """Put a manifest among the stack's outputs; as a secret, so that no plan prints it."""
    pulumi.export(MANIFEST, pulumi.Output.secret(entries))


def check_secrets(definitions: Definitions) -> None:
    """Refuse when a variable that holds a secret is not set."""
    unset = missing_variables(definitions.resources, os.environ)
    if unset:
        refuse(
            f"{definition.source}: {definition.kind}/{definition.key}: the environment variable {name} is not set; "
            "export it with the secret that PostHog needs"
            for definition, name in unset
        )


def check_connection(kinds: set[str]) -> None:
    """Refuse when the stack and the environment contradict each other, or PostHog does not let this key in."""
    config = pulumi.Config()
    if config.get("api_key") and os.environ.get("PULUMI_CONFIG_PASSPHRASE") == PUBLIC_PASSPHRASE:
        refuse(
            [
                f"{pulumi.get_stack()}: the API key in Pulumi.{pulumi.get_stack()}.yaml is encrypted with the "
                "sandbox's passphrase, which everybody knows; unset PULUMI_CONFIG_PASSPHRASE, choose one of your own "
                "with `pulumi stack change-secrets-provider passphrase`, and put a new key into the stack"
            ]
        )
    try:
        connection = resolve({name: config.get(name) for name in (*VARIABLES, "api_key")}, os.environ)
        preflight(connection, kinds, writing=not pulumi.runtime.is_dry_run())
    except ConnectionProblem as problem:
        refuse(str(problem).splitlines())


def refuse(lines: Iterable[str]) -> NoReturn:
    """Show the reason as an error of the stack and end the program."""
    pulumi.log.error("\n".join(lines))
    sys.exit(EXPLAINED)


main()

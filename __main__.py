"""The Pulumi program: reads the definitions, refuses bad ones, and registers the rest."""

from __future__ import annotations

import os
from pathlib import Path

import pulumi

from ai_admin.definitions import load
from providers.posthog.connection import VARIABLES, ConnectionProblem, resolve
from providers.posthog.preflight import preflight
from providers.posthog.resources import missing_variables, register


def main() -> None:
    """Register every definition of this stack; nothing is registered when anything is wrong."""
    definitions = load(Path(__file__).parent, pulumi.get_stack())
    if definitions.problems:
        raise pulumi.RunError("\n".join(["the definitions have problems:", *map(str, definitions.problems)]))
    unset = missing_variables(definitions.resources, os.environ)
    if unset:
        raise pulumi.RunError(
            "\n".join(
                f"{definition.source}: {definition.kind}/{definition.key}: the environment variable {name} is not set; "
                "export it with the secret that PostHog needs"
                for definition, name in unset
            )
        )
    config = pulumi.Config()
    try:
        connection = resolve({name: config.get(name) for name in (*VARIABLES, "api_key")}, os.environ)
        kinds = {definition.kind for definition in definitions.resources}
        preflight(connection, kinds, writing=not pulumi.runtime.is_dry_run())
    except ConnectionProblem as problem:
        raise pulumi.RunError(str(problem)) from None
    register(definitions.resources, os.environ)


main()

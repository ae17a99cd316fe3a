"""A small checkout to break: every definition in it is good."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from ai_admin.definitions import Definition, Definitions, load

STACKS = ("sandbox", "staging", "production")
GOOD = {
    "events/used.yaml": """
        key: ai_used
        properties:
          model: {type: String, values: [r1, v3]}
          tokens: {type: Numeric}
          success: {type: Boolean}
          at: {type: DateTime}
        """,
    "events/installation.yaml": """
        key: installation
        type: person
        properties:
          version: {type: String}
          usage: {type: Numeric}
          health: {type: String, values: [healthy, warning, error]}
          seen: {type: DateTime}
        """,
    "cohorts/internal.yaml": """
        key: internal
        name: Internal
        properties: [{key: version, value: dev}]
        """,
    "flags/enabled.yaml": """
        key: enabled
        release_conditions: [{cohort: internal}]
        """,
    "dashboards/usage.yaml": """
        key: usage
        name: Usage
        tiles:
          - insight: {key: runs, name: Runs, trends: {series: [{event: ai_used}]}}
        """,
    "alerts/spike.yaml": """
        key: spike
        name: Spike
        insight: runs
        condition: absolute_value
        threshold: {upper: 5}
        notify: {email: [oncall@example.com]}
        """,
}

FLAG_AND_ACTION = {
    "flags/ab.yaml": """
        key: ab
        variants: [{key: control, rollout_percentage: 50}, {key: test, rollout_percentage: 50}]
        release_conditions: [{}]
        """,
    "actions/failed.yaml": """
        key: failed
        name: Failed
        steps: [{event: ai_used, properties: [{type: event, key: success, value: false}]}]
        """,
}
"""What experiments stand on."""


class Checkout:
    """A folder with Pulumi.yaml, three stacks, and the good definitions."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "Pulumi.yaml").write_text("name: test\n")
        for stack in STACKS:
            (root / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
        for path, text in GOOD.items():
            self.write(path, text)

    def with_flag_and_action(self) -> Checkout:
        """Put a flag with variants and an action into it."""
        for path, text in FLAG_AND_ACTION.items():
            self.write(path, text)
        return self

    def write(self, path: str, text: str) -> None:
        """Write a file, dedented."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), "utf-8")

    def load(self, stack: str | None = None) -> Definitions:
        """Load the definitions."""
        return load(self.root, stack)

    def problems(self) -> list[str]:
        """Return the lines that a person reads."""
        return [str(problem) for problem in self.load().problems]

    def resources(self, stack: str | None = None) -> dict[str, Definition]:
        """Return the resources by ``kind/key``; there must be no problem."""
        loaded = self.load(stack)
        assert loaded.problems == ()
        return {f"{each.kind}/{each.key}": each for each in loaded.resources}

"""What a stack can set under ``ai-admin:`` in its ``Pulumi.<stack>.yaml``, and the environment variables beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.posthog.consents import consents

NAMESPACE = "ai-admin"

VARIABLES = {
    "host": "POSTHOG_HOST",
    "project_id": "POSTHOG_PROJECT_ID",
    "organization_id": "POSTHOG_ORGANIZATION_ID",
}
"""The settings that an environment variable can fill in, each with its variable."""

KEY_VARIABLE = "POSTHOG_API_KEY"
"""The variable with the personal API key; it wins over the stack's secret ``api_key``."""

TRACEBACK_VARIABLE = "AI_ADMIN_TRACEBACK"
"""The variable that shows people the tracebacks of unexpected errors, and Pulumi's own debug messages."""

PLAN_VARIABLE = "AI_ADMIN_PLAN"
"""The variable with the path of the reviewed plan, which `ai-admin apply` sets: then nothing else is applied."""

PASSPHRASE_VARIABLE = "PULUMI_CONFIG_PASSPHRASE"
"""Pulumi's variable with the passphrase that the stack's secrets are encrypted with."""

NAMES = (*VARIABLES, "moved_from", "api_key", "careful", "follows", "consent", "disposable", "adoption", "ask_again")
"""Every setting of a stack."""

FORBIDDEN = "forbidden"
"""The value of ``adoption`` that allows none."""


@dataclass(frozen=True)
class Settings:
    """The settings of one stack, as text by name (None or absent: not set), and the environment.

    Pulumi hands over the same texts to the program and to the provider. Without a program (`pulumi destroy`, `pulumi
    refresh`) the provider gets those of the last `pulumi up`. Neither the texts nor the environment are in a ``repr``,
    as there are secrets among them.
    """

    stack: Mapping[str, str | None] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)

    @property
    def careful(self) -> bool:
        """Whether rollouts grow in steps only, and changes of who is served ask for consent."""
        return self._is_true("careful")

    @property
    def disposable(self) -> bool:
        """Whether the stack may be destroyed without consent; a careful stack may not, whatever it says."""
        return self._is_true("disposable") and not self.careful

    @property
    def follows(self) -> str | None:
        """The stack that this one may not be ahead of."""
        return self._text("follows") or None

    @property
    def consents(self) -> frozenset[str]:
        """The words of ``consent``."""
        return consents(self._text("consent"))

    @property
    def may_adopt(self) -> bool:
        """Whether what is in PostHog already may be adopted."""
        return self._text("adoption") != FORBIDDEN

    @property
    def ask_again(self) -> list[str]:
        """The ids of rejected change requests that may be made once more."""
        return self._text("ask_again").split()

    @property
    def moved_from(self) -> str:
        """The address at which this PostHog was before; empty where it did not move."""
        return self._text("moved_from").strip()

    @property
    def passphrase(self) -> str | None:
        """The passphrase of the stack's secrets, where the environment has it."""
        return self.environ.get(PASSPHRASE_VARIABLE)

    @property
    def shows_tracebacks(self) -> bool:
        """Whether people want to see the tracebacks of unexpected errors."""
        return bool(self.environ.get(TRACEBACK_VARIABLE))

    @property
    def reviewed_plan(self) -> str | None:
        """The path of the plan that alone may be applied; None where there is none."""
        return self.environ.get(PLAN_VARIABLE) or None

    def _text(self, name: str) -> str:
        return self.stack.get(name) or ""

    def _is_true(self, name: str) -> bool:
        return self._text(name).lower() == "true"

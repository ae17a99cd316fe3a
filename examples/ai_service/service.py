"""The service: what one run of an AI enhancement does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from posthog import Posthog

from examples.ai_service.ai_admin_client import AiAdmin, AiEnhancementUsedError, Person
from examples.ai_service.budgets import Budgets
from examples.ai_service.deepseek import DOLLARS_PER_TOKEN, DeepSeek, NoAnswer


class Run(NamedTuple):
    """What came of a run."""

    prompt_tokens: int
    completion_tokens: int
    error: AiEnhancementUsedError | None

    @property
    def total_tokens(self) -> int:
        """What counts for the budget."""
        return self.prompt_tokens + self.completion_tokens


def connected(project_api_key: str, host: str, secret_key: str, poll_interval: float = 60) -> Posthog:
    """Return PostHog's SDK as the service uses it.

    Args:
        project_api_key: to whose project events go (``phc_…``).
        host: PostHog's address.
        secret_key: a personal or secret key that may read the project's flags; with it flags are evaluated here.
        poll_interval: how many seconds may go by until a changed flag is noticed. Each fetch of changed definitions
            is billed (docs/clients.md).
    """
    return Posthog(
        project_api_key,
        host=host,
        secret_key=secret_key,
        poll_interval=poll_interval,
        # Events wait here for a PostHog that can't be reached: as many as this, and each batch three minutes.
        max_queue_size=100_000,
        max_retries=10,
    )


class AiService:
    """Runs AI enhancements for installations. Any number of threads may use it."""

    def __init__(self, posthog: Posthog, client: AiAdmin, model: DeepSeek, budgets: Budgets) -> None:
        self._posthog = posthog
        self._client = client
        self._model = model
        self._budgets = budgets
        self._told: dict[str, Mapping[str, object]] = {}

    def run(self, installation: str, person: Person, prompt_tokens: int) -> Run | None:
        """Run an AI enhancement within what the flags allow, and report it.

        Args:
            installation: the installation's id.
            person: what is known of it, by which flags are released.
            prompt_tokens: how long the prompt is.

        Returns None where AI is off for the installation; nothing is reported then.
        """
        flags = self._client.flags(installation, person)
        if not flags.ai_enhancement_enabled():
            return None
        model, of_request = flags.ai_model_version(), flags.ai_max_request_tokens()
        grant = self._budgets.grant(
            installation, of_day=flags.ai_max_daily_tokens(), of_request=of_request, at_least=prompt_tokens + 1
        )
        if grant is None:
            run = Run(0, 0, "budget_exceeded" if prompt_tokens < of_request else "context_too_long")
        else:
            run = Run(prompt_tokens, 0, None)
            try:
                answer = self._model.answer(model, prompt_tokens, grant.tokens - prompt_tokens)
                run = run._replace(completion_tokens=answer)
            except NoAnswer as failure:
                run = run._replace(error=failure.reason)
            finally:
                self._budgets.settle(grant, run.total_tokens)
        # To the hour, so that it is told once in each: cohorts go by it, and PostHog bills what it is told.
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self._tell(installation, {**person, "installation_id": installation, "last_active": hour})
        self._client.capture_ai_enhancement_used(
            installation,
            flags,
            installation_id=installation,
            model=model,
            prompt_tokens=run.prompt_tokens,
            completion_tokens=run.completion_tokens,
            total_tokens=run.total_tokens,
            estimated_cost=run.total_tokens * DOLLARS_PER_TOKEN[model],
            success=run.error is None,
            error=run.error,
        )
        return run

    def _tell(self, installation: str, person: Mapping[str, object]) -> None:
        """Tell PostHog what is known of an installation, where it changed: by that it knows that it is one.

        Before its run is reported, since PostHog keeps with an event what it knows of the person at that time.
        """
        if self._told.get(installation) != person:
            self._posthog.set(distinct_id=installation, properties=dict(person))
            self._told[installation] = person

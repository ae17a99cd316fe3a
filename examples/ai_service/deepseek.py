"""DeepSeek, simulated in this process: nothing leaves the machine."""

from __future__ import annotations

import random
import time

from examples.ai_service.ai_admin_client import AiEnhancementUsedError, AiModelVersionVariant

DOLLARS_PER_TOKEN: dict[AiModelVersionVariant, float] = {"deepseek-chat-v3": 0.7e-6, "deepseek-chat-r1": 1.4e-6}
"""Invented: read your provider's price list."""


class NoAnswer(Exception):
    """The model gave no answer."""

    def __init__(self, reason: AiEnhancementUsedError) -> None:
        super().__init__(reason)
        self.reason = reason


class DeepSeek:
    """Answers of random length, some of them too late."""

    def __init__(self, seed: int, seconds: float = 0.0, timeouts: float = 0.02) -> None:
        """Make a model.

        Args:
            seed: of its randomness.
            seconds: how long an answer takes.
            timeouts: how many of the answers come too late, as a share.
        """
        self._random = random.Random(seed)
        self._seconds = seconds
        self._timeouts = timeouts

    def answer(self, model: AiModelVersionVariant, prompt_tokens: int, max_tokens: int) -> int:
        """Return how many tokens the answer has, at most ``max_tokens``; raise NoAnswer."""
        time.sleep(self._seconds)
        if self._random.random() < self._timeouts:
            raise NoAnswer("timeout")
        wordy = 3 if model == "deepseek-chat-r1" else 1
        return min(max_tokens, 1 + int(self._random.expovariate(1 / (prompt_tokens * wordy))))

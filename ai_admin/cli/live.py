"""What `ai-admin drift` and `ai-admin pull` share: a stack's files beside what its project holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ai_admin.cli.text import ended, waiting
from ai_admin.review.comparison import Comparison, compared
from providers.posthog.advice import explained
from providers.posthog.errors import ApiError, ConnectionProblem, LookupProblem

UNKNOWN = 3
"""Exit code: the files have problems, or PostHog did not answer."""


@contextmanager
def comparison_of(root: Path, stack: str, whole: bool = False) -> Iterator[Comparison]:
    """Give the comparison of a stack's files with its project; what keeps it from being made ends the command.

    ``whole``: so does a kind that the key may not read.
    """

    try:
        yield compared(root, stack, waiting, whole)
    except (ApiError, ConnectionProblem, LookupProblem) as problem:
        raise ended(explained(problem) if isinstance(problem, ApiError) else str(problem), UNKNOWN) from None

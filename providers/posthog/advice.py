"""What to do about an error that PostHog answers."""

from __future__ import annotations

from providers.posthog.approvals import POLICY_CONFLICT
from providers.posthog.errors import ApiError

BY_CODE = {
    POLICY_CONFLICT: "change what the one policy covers, apply that, and change the rest in a later step",
}
BY_STATUS: dict[int, str | None] = {
    400: "correct the definition",
    402: "take this out of the definition, or get the plan that has it",
    403: "give the personal API key the scope that it lacks, or its owner the right to do this",
    404: "somebody deleted it; run again",
    409: "run again to see what is there now",
    429: "run again later",
}
UNKNOWN = "run again: what was applied is known, and nothing is made twice"
READING: dict[int, str | None] = {
    400: None,
    403: "give the personal API key the scope that it lacks, or its owner the right to read this",
}
"""What is otherwise where PostHog was only asked for something."""


def explained(error: ApiError) -> str:
    """Return PostHog's message and what to do, in one line."""
    advice = BY_CODE.get(error.code)
    if advice is None and error.outcome_unknown:
        advice = "run again" if error.reading else UNKNOWN
    if advice is None and error.status is not None:
        advice = (BY_STATUS | READING if error.reading else BY_STATUS).get(error.status)
    # Who gave up waiting says so already.
    return f"{str(error).removesuffix('.')}; {advice}" if advice and not str(error).endswith(advice) else str(error)

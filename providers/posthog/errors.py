"""The errors that a person causes, or has to act on. Their texts are for that person.

    Problem
    ├── ConnectionProblem     PostHog's address or the key is missing or contradictory
    │   └── KeyRefused        PostHog does not accept the key
    ├── ApiError              PostHog refused a request, or gave no answer
    ├── Stopped               a definition can't be applied; the engine goes on with the others
    │   ├── NotAdopted        what is in PostHog already can't be adopted
    │   ├── NotApproved       an approval was turned down, or another one is pending
    │   ├── Conflict          somebody else changed the object meanwhile
    │   ├── LookupProblem     a person, an integration or a variable does not exist
    │   └── Unsafe            the change needs a consent
    ├── Refused               what the engine shows of one of these: a line with the definition's place
    │   ├── NotRead           what PostHog holds of one object is not known
    │   └── Unreachable       no request of this run can be carried out
    ├── UnreadableState       a stack's outputs can't be read
    ├── UnreadablePlan        a file is no plan
    │   └── OutdatedPlan      a plan was made by another version of this repository
    ├── NoHistory             Git does not say what files said before
    ├── NotSwitched           PostHog left a flag as it was, or does not say
    ├── NotEdited             a flag's file can't be edited
    ├── NotWritable           no file can express an object
    ├── NotInitialised        a clone can't be made a repository of one's own
    └── SchemaError           a schema of the checkout is missing or broken
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Problem(Exception):
    """Something that a person has to act on."""


class ConnectionProblem(Problem):
    """The connection is missing, or stack and environment contradict each other. One line per problem."""


class KeyRefused(ConnectionProblem):
    """PostHog does not accept the key: it is wrong, expired or deleted, or there is none."""


class ApiError(Problem):
    """PostHog refused a request, or gave no answer. The text is one line for the person who must act.

    ``retry_after`` is how many seconds PostHog asks to wait. ``outcome_unknown`` says that PostHog may have carried the
    request out all the same: there was no answer, or a failure on its side. Such a request is worth repeating.
    ``reading`` says that it asked for something and changed nothing.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        code: str = "",
        attr: str = "",
        answer: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        hopeless: bool = False,
        reading: bool = False,
    ) -> None:
        super().__init__(message)
        self.reading = reading
        self.answer = answer or {}
        self.status = status
        self.code = code
        self.attr = attr
        self.retry_after = retry_after
        self.outcome_unknown = not hopeless and (status is None or status == 408 or status >= 500)


class Stopped(Problem):
    """A definition can't be applied. One line with what to do, without the definition's place."""


class NotAdopted(Stopped):
    """An object can't be adopted, or not without somebody's choice. One line with what to do."""


class NotApproved(Stopped):
    """A change was rejected, or another one is pending. One line with what to do."""


class Conflict(Stopped):
    """Somebody else changed an object between our reading and writing. One line with who and what."""


class LookupProblem(Stopped):
    """A definition names a person, an integration or a variable that does not exist. One line with what does."""


class Unsafe(Stopped):
    """A request of the engine was refused. One line with the rule, the figures and the way to consent."""


class Refused(Problem):
    """A request of the engine can't be carried out; the text is one line for the person who must act."""


class NotRead(Refused):
    """PostHog could not be read, so that it is not known what it holds of an object."""


class Unreachable(Refused):
    """The connection can't be used for this stack, so no request of this run can be carried out."""


class UnreadableState(Problem):
    """A stack's outputs can't be read. The reason, in half a sentence."""


class UnreadablePlan(Problem):
    """A file can't be read as a reviewed plan. One line with the reason."""


class OutdatedPlan(UnreadablePlan):
    """A reviewed plan was made by another version of `ai-admin`, which saw other things. One line that says so.

    ``plan`` is what it says, of which no more is known.
    """

    def __init__(self, reason: str, plan: Mapping[str, Any]) -> None:
        super().__init__(reason)
        self.plan = plan


class NoHistory(Problem):
    """Git does not say what files said before. One line with the reason."""


class NotSwitched(Problem):
    """PostHog left a flag as it was, or it is not known (``unknown``) whether it did. One line with the reason.

    ``waits`` is the request that somebody has to approve, in words; empty where there is none. ``refused``: PostHog
    does not take this change of this flag, whoever asks.
    """

    def __init__(self, reason: str, unknown: bool = False, waits: str = "", refused: bool = False) -> None:
        super().__init__(reason)
        self.unknown = unknown
        self.waits = waits
        self.refused = refused


class NotEdited(Problem):
    """A file can't be edited. Half a sentence with the reason."""


class NotWritable(Problem):
    """No file can express a definition. One line with its name and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


class NotInitialised(Problem):
    """The repository can't be made this; nothing was changed. One line for each reason, with what to do."""


class SchemaError(Problem):
    """A schema in ``schemas/`` is missing or broken: a defect of the checkout, not of a definition."""

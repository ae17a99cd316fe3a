"""What one installation gets now, and what it would get with the files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ai_admin.definitions.model import Definition
from ai_admin.evaluation.answers import HELD_OUT, Answer
from ai_admin.evaluation.explain import Explanation, explain
from ai_admin.evaluation.persons import Person
from ai_admin.evaluation.remote import Given, Now, person
from ai_admin.evaluation.served import Served, served
from providers.posthog.kinds.flag import condition_title
from providers.posthog.kinds.normal import json_text

WITHOUT_GROUP = ", of those that do not count groups or devices"

OFF = "off"
"""Why PostHog serves nothing of a flag that is switched off."""


@dataclass(frozen=True)
class Row:
    """One flag for one installation."""

    flag: str
    now: Given | None
    """What PostHog serves; None where it serves nothing, or was not asked."""
    state: str
    """Why PostHog serves nothing, in words; empty where it does, or was not asked."""
    files: Explanation | None
    """What the files give; None where no file has the flag."""
    by: str
    """What decides under the files, in words."""
    held: bool | None = False
    """Whether an `up` leaves it off, as somebody switched it off in PostHog; None where that is not known."""

    @property
    def differs(self) -> bool | None:
        """Whether the files give something else than PostHog now, as far as that can be told.

        What is off gives nothing, like false, and what stays off goes on doing so; None where it is not known whether
        it stays off.
        """
        if self.held or self.files is None or self.files.answer.value is None or (self.now is None and not self.state):
            return False
        now = self.now.answer if self.now else Answer(False)
        differs = _comparable(now) != _comparable(self.files.answer)
        return None if differs and self.held is None else differs


def offline(definitions: Iterable[Definition], somebody: Person) -> list[Row]:
    """Return what an installation gets by the files alone."""
    made = served(definitions)
    return [_row(made, key, somebody, None) for key in sorted(made.flags)]


def compared(
    definitions: Iterable[Definition], now: Now, distinct_id: str, cohorts: frozenset[str]
) -> tuple[Person, list[Row]]:
    """Return an installation as it is evaluated, and what it gets now and under the files, flag by flag.

    Args:
        definitions: those of the stack that matter to flags.
        now: what PostHog says.
        distinct_id: the installation's id.
        cohorts: cohorts that it is to be taken for a member of.

    Raises ``Problem`` where it can't be told which of several cohorts of one name it is in.
    """
    made = served(definitions, now.flags)
    somebody = person(now, distinct_id, made.cohorts, cohorts)
    return somebody, [_row(made, key, somebody, now) for key in sorted({*made.flags, *now.flags})]


def _row(made: Served, key: str, somebody: Person, now: Now | None) -> Row:
    files = explain(made, key, somebody) if key in made.flags else None
    given = now.given.get(key) if now else None
    return Row(key, given, "" if given or now is None else _state(now, key), files, _by(made, key, files))


def _state(now: Now, key: str) -> str:
    if key not in now.flags:
        return "PostHog has no such flag"
    return "on, and not for SDKs on servers" if now.flags[key].get("active") else OFF


def _by(made: Served, key: str, files: Explanation | None) -> str:
    if files is None:
        return "no file has this flag"
    if files.answer.condition is not None:
        return f'"{condition_title(made.flags[key]["filters"]["groups"][files.answer.condition])}"'
    skipped = any(each.place is None for each in files.steps)
    return files.otherwise or f"no condition matches{WITHOUT_GROUP if skipped else ''}"


def _comparable(answer: Answer) -> object:
    """Return an answer as it is compared: without a holdout's id, which differs between files and PostHog, and with
    the payload in one spelling.
    """
    value = answer.value
    return (HELD_OUT if isinstance(value, str) and value.startswith(HELD_OUT) else value), json_text(answer.payload)

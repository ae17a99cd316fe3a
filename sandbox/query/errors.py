"""Why a query is not computed."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager


class QueryError(Exception):
    """A query that PostHog refuses, too: the text says why, in PostHog's words where they are known."""

    def __init__(self, text: str, code: str = "invalid_input", status: int = 400) -> None:
        super().__init__(text)
        self.text, self.code, self.status = text, code, status


class NotComputedError(QueryError):
    """What PostHog computes and this server doesn't: it says so, and makes no number up."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The query could not be run: this server does not compute {what}.")


class MissingPackageError(NotComputedError):
    """A package is not installed, without which nothing is computed."""

    def __init__(self, package: str) -> None:
        super().__init__(f"queries without the package {package} (`make setup FOR=sandbox` installs it)")


@contextmanager
def within_schema(what: str) -> Iterator[None]:
    """Refuse what isn't as PostHog's schema has it: a value of another type, no field, a number out of bounds.

    The schema is checked where a query is written; of what filters, breakdowns, entities and variables hold it says
    nothing. An error of this server's own looks alike, so stderr says where it was.

    Args:
        what: is read.

    Raises: QueryError.
    """
    try:
        yield
    except RecursionError as error:
        raise QueryError(f"The {what} is nested too deeply") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        traceback.print_exception(error, file=sys.stderr)
        raise QueryError(f"The {what} isn't as PostHog's schema has it: {error!r}") from error

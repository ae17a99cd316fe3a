"""Why a query is not computed."""


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

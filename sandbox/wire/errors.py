"""PostHog's error envelope: one exception per way a request can fail, all rendered alike.

PostHog wraps Django REST framework's exceptions with drf-exceptions-hog: `{type, code, detail, attr}`, the first error
only. Exceptions that library doesn't know (409, 402) get the type `server_error`, misleading as it is.
"""

from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response


class ApiError(Exception):
    """An answer that is an error. `attr` names the offending field; nested ones are joined with `__`."""

    def __init__(
        self,
        status: int,
        kind: str,
        code: str,
        detail: str,
        attr: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.code, self.detail, self.attr = status, kind, code, detail, attr
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The envelope."""
        return {"type": self.kind, "code": self.code, "detail": self.detail, "attr": self.attr}


class Invalid(ApiError):
    """400 validation_error. The code `invalid` reads `invalid_input` on the wire."""

    def __init__(self, detail: str, attr: str | None = None, code: str = "invalid_input") -> None:
        super().__init__(400, "validation_error", code, detail, attr)


class Required(Invalid):
    """400 for a field that isn't there."""

    def __init__(self, attr: str) -> None:
        super().__init__("This field is required.", attr, "required")


class Missing(Invalid):
    """400 for the id of an object that doesn't exist."""

    def __init__(self, identifier: object, attr: str) -> None:
        super().__init__(f'Invalid pk "{identifier}" - object does not exist.', attr, "does_not_exist")


class NotFound(ApiError):
    """404."""

    def __init__(self, detail: str = "Not found.") -> None:
        super().__init__(404, "invalid_request", "not_found", detail)


class Forbidden(ApiError):
    """403, with the reason."""

    def __init__(self, detail: str) -> None:
        super().__init__(403, "authentication_error", "permission_denied", detail)


class Unauthenticated(ApiError):
    """401: without a detail the credentials are missing, with one they are wrong."""

    def __init__(self, detail: str | None = None) -> None:
        code = "authentication_failed" if detail else "not_authenticated"
        super().__init__(
            401,
            "authentication_error",
            code,
            detail or "Authentication credentials were not provided.",
            headers={"WWW-Authenticate": "Bearer"},
        )


class Conflict(ApiError):
    """409, which PostHog types as a server error."""

    def __init__(self, detail: str) -> None:
        super().__init__(409, "server_error", "conflict", detail)


class MethodNotAllowed(ApiError):
    """405, with the methods that are allowed."""

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(
            405, "invalid_request", "method_not_allowed", f'Method "{method}" not allowed.', headers={"Allow": allowed}
        )


class Failure(ApiError):
    """500, Django's answer to an exception, for what PostHog fails at."""

    def __init__(self) -> None:
        super().__init__(500, "server_error", "error", "A server error occurred.")


def failure() -> Response:
    """The same as an answer: what was written before stays."""
    return JSONResponse(Failure().body(), 500)


def first_five(names: list[str]) -> str:
    """Names as PostHog's refusals list them."""
    more = [f"and {len(names) - 5} more"] if len(names) > 5 else []
    return ", ".join([*names[:5], *more])


class Answer(Exception):
    """An ad-hoc body some PostHog endpoints answer instead of the envelope; nothing of the request is kept."""

    def __init__(self, status: int, body: Any, keep: Callable[[], None] | None = None) -> None:
        """`keep` is carried out though the request isn't."""
        super().__init__(str(body))
        self.status, self.body, self.keep = status, body, keep

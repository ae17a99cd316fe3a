"""A resource's fields: what each accepts, in Django REST framework's words, and how it is stored and shown.

A checker takes a value and the field's name as the error's `attr`, and returns the value to store or raises
`Invalid`.
"""

import hashlib
import secrets
import string
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sandbox.auth.users import show_user
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid

Check = Callable[[Any, str], Any]
Render = Callable[[Context, Any], Any]


@dataclass(frozen=True)
class Field:
    """One field of a resource.

    Attributes:
        name: its name in the API and in storage.
        check: what it accepts; None makes it read-only (a sent value is ignored, as everywhere in PostHog).
        default: the value of a new object that doesn't name it.
        required: whether a new object has to name it.
        null: whether null is accepted.
        kept: False for a write-only field that is handed to the resource but not stored.
        logged: whether a change of it is written to the activity log.
        render: how the stored value is shown, when that differs.
    """

    name: str
    check: Check | None = None
    default: Any = None
    required: bool = False
    null: bool = False
    kept: bool = True
    logged: bool = True
    render: Render | None = None

    def clean(self, value: Any) -> Any:
        """The value to store for a sent one. Raises `Invalid`."""
        assert self.check is not None
        if value is None:
            if self.null:
                return None
            raise Invalid("This field may not be null.", self.name, "null")
        return self.check(value, self.name)

    def initial(self) -> Any:
        """A new object's value."""
        return deepcopy(self.default)


def read_only(name: str, default: Any = None, render: Render | None = None) -> Field:
    """A field the server alone decides; never logged."""
    return Field(name, default=default, render=render, logged=False)


def write_only(name: str, check: Check, null: bool = True) -> Field:
    """A field that is handed to the resource and not stored."""
    return Field(name, check, kept=False, null=null)


ID = read_only("id")
CREATED_AT = read_only("created_at")
UPDATED_AT = read_only("updated_at")
CREATED_BY = read_only("created_by", render=show_user)
LAST_MODIFIED_BY = read_only("last_modified_by", render=show_user)


def text(longest: int | None = None, blank: bool = True, trim: bool = True) -> Check:
    """DRF's CharField: numbers become strings, surrounding white space goes."""

    def check(value: Any, attr: str) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Invalid("Not a valid string.", attr)
        result = str(value).strip() if trim else str(value)
        if "\x00" in result:
            raise Invalid("Null characters are not allowed.", attr, "null_characters_not_allowed")
        if not result and not blank:
            raise Invalid("This field may not be blank.", attr, "blank")
        if longest is not None and len(result) > longest:
            raise Invalid(f"Ensure this field has no more than {longest} characters.", attr, "max_length")
        return result

    return check


def boolean(value: Any, attr: str) -> bool:
    """DRF's BooleanField with the spellings it accepts."""
    if isinstance(value, bool):
        return value
    spelled = str(value).lower() if isinstance(value, str | int | float) else ""
    if spelled in ("true", "t", "yes", "y", "on", "1"):
        return True
    if spelled in ("false", "f", "no", "n", "off", "0"):
        return False
    raise Invalid("Must be a valid boolean.", attr)


def integer(low: int | None = None, high: int | None = None) -> Check:
    """DRF's IntegerField: whole floats and digits as text pass, booleans don't; the bounds are inclusive."""

    def check(value: Any, attr: str) -> int:
        try:
            if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
                raise ValueError
            number = int(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise Invalid("A valid integer is required.", attr) from error
        if low is not None and number < low:
            raise Invalid(f"Ensure this value is greater than or equal to {low}.", attr, "min_value")
        if high is not None and number > high:
            raise Invalid(f"Ensure this value is less than or equal to {high}.", attr, "max_value")
        return number

    return check


def choice(*values: Any) -> Check:
    """One of the values, as they are."""

    def check(value: Any, attr: str) -> Any:
        if isinstance(value, dict | list) or value not in values:
            raise Invalid(f'"{value}" is not a valid choice.', attr, "invalid_choice")
        return value

    return check


def items(of: Check | None = None, longest: int | None = None, numbered: bool = False) -> Check:
    """A list; a bad element is reported under the list's own name, and with its number where DRF checks it itself."""

    def check(value: Any, attr: str) -> list[Any]:
        if not isinstance(value, list):
            raise Invalid(f'Expected a list of items but got type "{type(value).__name__}".', attr, "not_a_list")
        if longest is not None and len(value) > longest:
            raise Invalid(f"Ensure this field has no more than {longest} elements.", attr, "max_length")
        if of is None:
            return value
        return [of(item, f"{attr}__{index}" if numbered else attr) for index, item in enumerate(value)]

    return check


def mapping(value: Any, attr: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise Invalid(f'Expected a dictionary of items but got type "{type(value).__name__}".', attr, "not_a_dict")
    return value


def worded(text: str, check: Check) -> Check:
    """What `check` accepts; anything else is refused in these words, with `{}` for the value."""

    def checked(value: Any, attr: str) -> Any:
        try:
            return check(value, attr)
        except Invalid as error:
            raise Invalid(text.format(value), attr) from error

    return checked


def anything(value: Any, _attr: str) -> Any:
    """A JSON column: stored verbatim."""
    return value


def moment(value: Any, attr: str) -> str:
    """A datetime, shown in UTC; without an offset it is taken as UTC."""
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Invalid(
            "Datetime has wrong format. Use one of these formats instead: "
            "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
            attr,
        ) from error
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def uuid(value: Any, attr: str) -> str:
    """A UUID in any spelling, stored in the usual one."""
    try:
        return str(UUID(str(value)))
    except ValueError as error:
        raise Invalid("Must be a valid UUID.", attr) from error


def tags(value: Any, attr: str) -> list[str]:
    """Tags: stripped, lower-cased, each once, in an order that is none of the sender's (PostHog goes through a set)."""
    cleaned = {str(item).strip().lower() for item in items(text(255))(value, attr)}
    return sorted(cleaned - {""}, key=lambda tag: hashlib.sha1(tag.encode()).digest())


def short_id() -> str:
    """What addresses of PostHog's pages call an object by."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(8))


TAGS = Field("tags", tags, default=[])
FOLDER = write_only("_create_in_folder", text())

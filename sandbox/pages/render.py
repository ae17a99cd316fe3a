"""Templates, and how values read in them. Everything is escaped."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, FileSystemLoader, Undefined

from sandbox.rest.listing import limit_and_offset
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import NotFound

MOST = 100  # rows of a page

PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=ChainableUndefined,  # what people sent may lack anything
    trim_blocks=True,
    lstrip_blocks=True,
)


def value(of: Any) -> str:
    """A value in one line: text as it is, everything else as JSON."""
    if isinstance(of, Undefined):
        return ""
    return of if isinstance(of, str) else json.dumps(of, ensure_ascii=False)


def pretty(of: Any) -> str:
    """A value as JSON over several lines; JSON in a text is laid out too."""
    if isinstance(of, str):
        try:
            of = json.loads(of)
        except ValueError:
            return str(of)
    return json.dumps(of, ensure_ascii=False, indent=2)


def moment(of: str | None) -> str:
    """A timestamp as people read it: `2026-09-01 12:00:00`."""
    return of[:19].replace("T", " ") if of else "never"


PAGES.filters.update(value=value, pretty=pretty, moment=moment)


def render(template: str, shown: Data) -> str:
    """A page from its template."""
    return PAGES.get_template(template).render(shown)


def paging(context: Context, total: int) -> Data:
    """Where the page at hand (`?offset=`) begins, and the offsets of its neighbours (None at the ends)."""
    _, offset = limit_and_offset(context, MOST)
    return {
        "total": total,
        "offset": offset,
        "before": max(offset - MOST, 0) if offset else None,
        "after": offset + MOST if offset + MOST < total else None,
    }


def listed(
    context: Context, kind: str, where: str = "listed = 1", values: Sequence[Any] = (), order: str = "seq"
) -> tuple[list[Data], Data]:
    """The objects of a kind on the page at hand, and the page's bounds."""
    project = str(context.project["id"])
    pages = paging(context, context.store.count(kind, project, where, values))
    rows = context.store.select(kind, project, where, values, order=order, limit=MOST, offset=pages["offset"])
    return rows, pages


def named(context: Context, kind: str) -> Data:
    """The object that the path names. Raises `NotFound`."""
    row = context.store.get(kind, context.param("id"), str(context.project["id"]))
    if row is None:
        raise NotFound()
    return row

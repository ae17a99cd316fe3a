"""Markdown texts of dashboards as HTML that does nothing."""

from __future__ import annotations

from ai_admin.charts.rendering import MISSING, NotInstalled


def html(markdown: str) -> str:
    """Return a text as HTML: without HTML of its author's, without pictures, which would be requests, and without
    links that run something. Raises :class:`NotInstalled`.
    """
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise NotInstalled(MISSING) from None

    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    return str(reader.render(markdown))

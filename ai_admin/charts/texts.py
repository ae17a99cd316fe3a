"""Markdown texts of dashboards as HTML that does nothing."""

from __future__ import annotations


def html(markdown: str) -> str:
    """Return a text as HTML: without HTML of its author's, without pictures, which would be requests, and without
    links that run something.
    """
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    return str(reader.render(markdown))

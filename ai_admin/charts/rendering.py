"""Specifications as SVG and PNG, by vl-convert (Vega-Lite without a browser), and Markdown as HTML, by markdown-it."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

MISSING = "drawing needs the packages vl-convert-python and markdown-it-py; `make setup FOR=sandbox` installs them"
"""What to say where it is not installed: whoever applies needs none of it."""


class NotInstalled(Exception):
    """A package that draws is not installed. Its text says what to do."""


def svg(spec: dict[str, Any], name: str = "") -> str:
    """Return a specification as an SVG document. Raises :class:`NotInstalled`.

    Args:
        spec: of :func:`ai_admin.charts.specs.spec`.
        name: what screen readers say of it.
    """
    drawn = _drawn(json.dumps(spec))
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(name)}" ', 1) if name else drawn


def png(drawing: str) -> bytes:
    """Return an SVG document as a PNG, of twice as many pixels. Raises :class:`NotInstalled`."""
    return bytes(_converter().svg_to_png(drawing, scale=2))


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


@lru_cache(256)
def _drawn(spec: str) -> str:
    """Return a specification as an SVG document: the sandbox's pages are looked at again and again.

    The stroke of a text is the ground below its letters, which Vega-Lite can't say.
    """
    drawn = str(_converter().vegalite_to_svg(spec, allowed_base_urls=[]))
    return re.sub(r"<text(?=[^>]* stroke=)", '<text paint-order="stroke"', drawn)


@cache
def _converter() -> ModuleType:
    try:
        import vl_convert
    except ImportError:
        raise NotInstalled(MISSING) from None
    return vl_convert

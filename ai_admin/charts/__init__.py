"""A query's results as a drawing, as rows, and as HTML. Pure, and imports nothing else of ours.

``figure(query, answer)`` is what PostHog's answer shows; ``spec(figure, theme)`` draws it in Vega-Lite, ``svg`` and
``png`` make pictures of that; ``tile`` and ``page`` make HTML.
"""

from ai_admin.charts.figures import Figure, Words
from ai_admin.charts.markup import style, tile
from ai_admin.charts.page import Place, Tile, page, place
from ai_admin.charts.reading import figure
from ai_admin.charts.rendering import NotInstalled, html, png, svg
from ai_admin.charts.specs import spec
from ai_admin.charts.themes import DARK, LIGHT, THEMES

__all__ = [
    "DARK",
    "LIGHT",
    "THEMES",
    "Figure",
    "NotInstalled",
    "Place",
    "Tile",
    "Words",
    "figure",
    "html",
    "page",
    "place",
    "png",
    "spec",
    "style",
    "svg",
    "tile",
]

"""Dashboards as files: a page each, or pictures and numbers of each insight."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ai_admin import charts
from ai_admin.charts import texts
from ai_admin.numbers.dashboards import Board, Tile
from ai_admin.sheet import as_csv


@dataclass(frozen=True)
class Drawn:
    """What was written of an insight."""

    key: str
    name: str
    state: str
    """``drawn``, ``empty`` (there is no data) or ``failed``."""
    message: str | None
    """What stands in the place of a drawing."""
    files: list[str]


@dataclass(frozen=True)
class Written:
    """What was written of a dashboard, or of an insight that is shown alone."""

    kind: str
    key: str
    name: str
    files: list[str]
    insights: list[Drawn]


def write(board: Board, out: Path, formats: Collection[str], theme: str | None, said: str) -> Written:
    """Write a board's files, and return what was written.

    Args:
        board: what to write.
        out: the folder; the files of a dashboard's insights are in a folder of its own there.
        formats: some of ``html``, a page, and ``png``, ``svg``, ``csv`` and ``json``, a file for each insight.
        theme: ``light``, ``dark`` or ``both``; None is both in a page, and light in pictures.
        said: where the numbers are from.

    Raises NotInstalled where the packages that draw are missing, and OSError where a file can't be written.
    """
    wanted = board.wanted
    folder = out / wanted.key if wanted.kind == "dashboard" else out
    insights = [_drawn(tile, folder, formats, theme) for tile in board.tiles if tile.key]
    pages = [_put(out / f"{wanted.key}.html", _page(board, theme, said))] if "html" in formats else []
    return Written(wanted.kind, wanted.key, board.name, pages, insights)


def _drawn(tile: Tile, folder: Path, formats: Collection[str], theme: str | None) -> Drawn:
    shown = tile.figure
    if not isinstance(shown, charts.Words):
        return Drawn(tile.key, tile.name, "drawn", None, _files(tile, shown, folder, formats, theme))
    files = [] if shown.failed else _files(tile, shown, folder, formats, theme)
    return Drawn(tile.key, tile.name, "failed" if shown.failed else "empty", shown.text, files)


def _files(tile: Tile, shown: charts.Figure, folder: Path, formats: Collection[str], theme: str | None) -> list[str]:
    written = []
    if "csv" in formats:
        written.append(_put(folder / f"{tile.key}.csv", as_csv(shown.rows())))
    if "json" in formats:
        whole = {"key": tile.key, "name": tile.name, "query": tile.query, "answer": tile.answer}
        written.append(_put(folder / f"{tile.key}.json", json.dumps(whole, indent=2, ensure_ascii=False) + "\n"))
    pictures = [each for each in ("png", "svg") if each in formats]
    for one in (("light", "dark") if theme == "both" else (theme or "light",)) if pictures else ():
        drawing = charts.svg(charts.spec(shown, charts.THEMES[one], 800, 300, tile.name), tile.name)
        for kind in pictures:
            path = folder / f"{tile.key}{'-dark' if one == 'dark' else ''}.{kind}"
            written.append(_put(path, charts.png(drawing) if kind == "png" else drawing))
    return written


def _page(board: Board, theme: str | None, said: str) -> str:
    tiles = [
        charts.Tile(
            charts.tile(each.figure, each.name, each.place.width, each.place.height)
            if each.key
            else texts.html(each.text),
            each.place,
            each.name,
            each.description,
        )
        for each in board.tiles
    ]
    return charts.page(board.name, tiles, said, charts.THEMES.get(theme or "both"))


def _put(path: Path, content: str | bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return str(path)

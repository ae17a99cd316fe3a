"""Dashboards as files: a page each, or pictures and numbers of each insight."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ai_admin import charts
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
    computed: str | None
    """When PostHog computed the numbers, in UTC; None where it does not say."""
    files: list[str]
    whole: str | None
    """What it counts whole, ``hours`` or ``days``, where the period that was asked for does not end with one."""


@dataclass(frozen=True)
class Written:
    """What was written of a dashboard, or of an insight that is shown alone."""

    kind: str
    key: str
    name: str
    files: list[str]
    insights: list[Drawn]
    kept_since: str | None
    """When PostHog computed the oldest numbers, where that was more than a minute before it was asked."""


def write(
    board: Board, out: Path, formats: Collection[str], theme: str | None, said: str, asked: datetime
) -> Written:
    """Write a board's files, and return what was written.

    Args:
        board: what to write.
        out: the folder; the files of a dashboard's insights are in a folder of its own there.
        formats: some of ``html``, a page, and ``png``, ``svg``, ``csv`` and ``json``, a file for each insight.
        theme: ``light``, ``dark`` or ``both``; None is both in a page, and light in pictures.
        said: where the numbers are from.
        asked: when PostHog was asked for them.

    What an earlier run wrote in these formats of an insight whose query fails now is removed.

    Raises NotInstalled where the packages that draw are missing, and OSError where a file can't be written.
    """
    wanted = board.wanted
    folder = out / wanted.key if wanted.kind == "dashboard" else out
    insights = [_drawn(tile, folder, formats, theme) for tile in board.tiles if tile.key]
    pages = [_put(out / f"{wanted.key}.html", _page(board, theme, said, asked))] if "html" in formats else []
    kept = min((since for tile in board.tiles if (since := tile.kept_since(asked))), default=None)
    return Written(wanted.kind, wanted.key, board.name, pages, insights, _iso(kept))


def _drawn(tile: Tile, folder: Path, formats: Collection[str], theme: str | None) -> Drawn:
    shown, computed = tile.figure, _iso(tile.computed)
    if not isinstance(shown, charts.Words):
        return Drawn(tile.key, tile.name, "drawn", None, computed, _files(tile, shown, folder, formats, theme),
                     tile.whole or None)  # fmt: skip
    if shown.failed:  # what an earlier run wrote there would be taken for the numbers of this one
        for ending in (f"{dark}.{kind}" for kind in formats for dark in ("", "-dark")):
            (folder / f"{tile.key}{ending}").unlink(missing_ok=True)
    files = [] if shown.failed else _files(tile, shown, folder, formats, theme)
    return Drawn(tile.key, tile.name, "failed" if shown.failed else "empty", shown.text, computed, files,
                 tile.whole or None)  # fmt: skip


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


def _page(board: Board, theme: str | None, said: str, asked: datetime) -> str:
    zones = {str(each.answer["timezone"]) for each in board.tiles if each.answer and each.answer.get("timezone")}
    said = ", ".join([said, *(f"days and hours of {zone}" for zone in sorted(zones))])
    tiles = [
        charts.Tile(
            charts.tile(each.figure, each.name, each.place.width, each.place.height)
            if each.key
            else charts.html(each.text),
            each.place,
            each.name,
            each.description,
            ", ".join(_notes(each, asked)),
        )
        for each in board.tiles
    ]
    return charts.page(board.name, tiles, said, charts.THEMES.get(theme or "both"))


def _notes(tile: Tile, asked: datetime) -> Iterator[str]:
    if since := tile.kept_since(asked):
        yield f"computed on {since:%d %b %Y %H:%M} UTC"
    if tile.whole:
        yield f"counts whole {tile.whole}"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _put(path: Path, content: str | bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return str(path)

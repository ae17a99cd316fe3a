"""Colours. In every theme the series' colours stand out from the ground and from each other, for colour-blind eyes too
(``tests/unit/charts/test_themes.py`` measures it).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Theme:
    """The colours of one theme. No two are the same: a page tells by the colour which variable it stands for."""

    name: str
    ink: str
    soft: str
    line: str
    track: str
    paper: str
    goal: str
    series: tuple[str, ...]

    def colour(self, number: int, before: bool = False) -> str:
        """Return a series' colour, fainter for the period before; after the last comes the first again."""
        colour = self.series[number % len(self.series)]
        if not before:
            return colour
        pairs = zip(_channels(colour), _channels(self.paper), strict=True)
        return "#" + "".join(f"{round(0.45 * mine + 0.55 * ground):02x}" for mine, ground in pairs)

    def variables(self) -> dict[str, str]:
        """Return the colours by the names that they have in a page's style sheet."""
        named = {f"--chart-{name}": value for name, value in asdict(self).items() if name not in ("name", "series")}
        numbered = {f"--chart-{number}": colour for number, colour in enumerate(self.series)}
        before = {f"--chart-{number}-before": self.colour(number, before=True) for number in range(len(self.series))}
        return {**named, **numbered, **before}


def _channels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


LIGHT = Theme(
    "light", ink="#1d1f27", soft="#5a606d", line="#dfe2e8", track="#eef0f4", paper="#ffffff", goal="#b3261e",
    series=("#1d4aff", "#da7505", "#0f6643", "#e9219b", "#299fc4", "#7b2f00", "#a579f2", "#484c5f"),
)  # fmt: skip
DARK = Theme(
    "dark", ink="#e8eaf0", soft="#a6adbb", line="#343a47", track="#262a35", paper="#1c1f27", goal="#ff8f87",
    series=("#7d9bff", "#e39a20", "#3aac6f", "#d661b6", "#80e0ea", "#a1903c", "#c2b7ff", "#91c6ad"),
)  # fmt: skip
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}

"""Colours that stand out, measured as WCAG and colour science do, and for eyes that lack a kind of cone."""

from __future__ import annotations

from itertools import combinations

import pytest

from ai_admin.charts.themes import THEMES, Theme

Colour = tuple[float, float, float]

# Machado, Oliveira, Fernandes 2009: what a dichromat sees, of linear RGB.
EYES = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}


def linear(colour: str) -> Colour:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def seen(colour: str, eye: str) -> Colour:
    red, green, blue = (
        min(max(sum(f * part for f, part in zip(row, linear(colour), strict=True)), 0), 1) for row in EYES[eye]
    )
    return red, green, blue


def lab(colour: Colour) -> Colour:
    """CIE L*a*b* of linear RGB."""
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.9505, 1.0, 1.089)
    x, y, z = (
        value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116
        for value in (
            sum(f * p for f, p in zip(row, colour, strict=True)) / w for row, w in zip(rows, white, strict=True)
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: str, other: str, eye: str) -> float:
    pairs = zip(lab(seen(one, eye)), lab(seen(other, eye)), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((sum(f * p for f, p in zip((0.2126, 0.7152, 0.0722), linear(each), strict=True))
                          for each in (one, other)), reverse=True)  # fmt: skip
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(params=list(THEMES.values()), ids=list(THEMES))
def theme(request: pytest.FixtureRequest) -> Theme:
    found: Theme = request.param
    return found


def test_texts_and_marks_stand_out_from_the_ground(theme: Theme) -> None:
    assert min(contrast(text, theme.paper) for text in (theme.ink, theme.soft, theme.goal)) >= 4.5
    assert {colour: round(contrast(colour, theme.paper), 2) for colour in theme.series
            if contrast(colour, theme.paper) < 3} == {}  # fmt: skip


@pytest.mark.parametrize("eye", EYES)
def test_series_stand_out_from_each_other(theme: Theme, eye: str) -> None:
    close = {pair: round(distance(*pair, eye)) for pair in combinations(theme.series, 2) if distance(*pair, eye) < 15}
    assert close == {}


def test_no_two_colours_are_the_same(theme: Theme) -> None:
    variables = theme.variables()
    assert len(set(variables.values())) == len(variables)
    assert set(variables) == set(THEMES["light"].variables())

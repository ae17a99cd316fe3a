"""Numbers in the messages of alerts, written as their insight shows them (PostHog:
products/alerts/backend/evaluation/formatting.py).
"""

import math
from collections.abc import Callable

from sandbox.storage.store import Data

SYMBOLS = {
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "CN¥", "INR": "₹", "KRW": "₩", "BRL": "R$", "CAD": "CA$",
    "AUD": "A$", "NZD": "NZ$", "HKD": "HK$", "MXN": "MX$", "TRY": "₺", "ILS": "₪", "PHP": "₱",
}  # fmt: skip
MAGNITUDES = ("", "K", "M", "B", "T", "P", "E", "Z", "Y")
DECIMALS = 2


def of_trends(shown: Data, currency: str | None) -> Callable[[float], str]:
    """How a trend with this `trendsFilter` writes its values, in a project with this currency."""
    before, after = str(shown.get("aggregationAxisPrefix") or ""), str(shown.get("aggregationAxisPostfix") or "")
    most = _places(shown.get("decimalPlaces"), DECIMALS)
    least = min(_places(shown.get("minDecimalPlaces"), 0), most)
    formats: dict[str, Callable[[float], str]] = {
        "duration": _duration,
        "duration_ms": lambda value: _duration(value / 1000, 1),
        "percentage": lambda value: f"{_number(value, most)}%",
        "percentage_scaled": lambda value: f"{_number(value * 100, most)}%",
        "currency": lambda value: _money(value, currency),
        "short": _short,
    }
    kind = str(shown.get("aggregationAxisFormat") or "numeric")

    def text(value: float) -> str:
        if not math.isfinite(value):
            return f"{before}{'∞' if value > 0 else '-∞'}{after}"
        found = formats[kind](value) if kind in formats else _number(value, most, least)
        doubled = kind == "currency" and found.startswith(before)
        return f"{'' if doubled else before}{found}{after}"

    return text


def _places(value: object, usual: int) -> int:
    """So many decimal places, where that is a whole number up to a hundred."""
    return int(value) if isinstance(value, int | float) and value in range(101) else usual


def _number(value: float, most: int, least: int = 0) -> str:
    whole, _, fraction = f"{value:,.{most}f}".partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    return f"{whole}.{fraction}" if fraction else whole


def _money(value: float, currency: str | None) -> str:
    code = (currency or "USD").upper()
    return f"{SYMBOLS.get(code, f'{code} ')}{_number(value, DECIMALS, DECIMALS)}"


def _short(value: float) -> str:
    rounded, magnitude = float(f"{value:.3g}"), 0
    while abs(rounded) >= 1000:
        rounded, magnitude = rounded / 1000, magnitude + 1
    return f"{rounded:f}".rstrip("0").rstrip(".") + MAGNITUDES[magnitude]


def _duration(seconds: float, fixed: int = 0) -> str:
    if seconds < 0:
        return f"-{_duration(-seconds, fixed)}"
    if seconds == 0:
        return "0s"
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    if seconds < 60:
        return f"{_number(seconds, fixed)}s"
    minutes, rest = divmod(math.floor(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h")] if days else [(hours, "h"), (minutes, "m"), (rest, "s")]
    return " ".join(f"{number}{unit}" for number, unit in parts if number)

"""Rates, times and shares as a person reads them."""

from __future__ import annotations

UNKNOWN = "not measured"


def rate(kbps: float | None) -> str:
    """A rate; what was not measured is said not to be."""
    if kbps is None:
        return UNKNOWN
    for unit, per_unit in (("Gbit/s", 1e6), ("Mbit/s", 1e3)):
        if kbps >= per_unit:
            return f"{_three_digits(kbps / per_unit)} {unit}"
    return f"{_three_digits(kbps)} kbit/s"


def cap(kbps: int | None) -> str:
    """The cap of a direction of a link."""
    return "no cap" if kbps is None else rate(kbps)


def share(part: float | None, whole: float | None) -> str:
    """A part in percent; empty where either is not known."""
    if part is None or not whole:
        return ""
    percent = 100 * part / whole
    return "<1 %" if 0 < percent < 1 else f"{percent:.0f} %"


def milliseconds(ms: float) -> str:
    """A time."""
    return f"{_three_digits(ms)} ms"


def _three_digits(value: float) -> str:
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

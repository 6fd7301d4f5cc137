"""What a report calls points and curves: by what distinguishes them from the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.report.contention import Curve
from lab.sweep.point import Point
from lab.topology.units import format_duration
from lab.wire.shape import format_rate

_VARIED = (
    "method",
    "codec",
    "bitrate_kbps",
    "ptime_ms",
    "duration_s",
    "playout",
    "direction",
    "rate_kbps",
    "placement",
    "queue_packets",
    "load_kind",
    "load_through",
    "cipher",
    "digest",
)

_WORDS: Mapping[str, Callable[[Any], str]] = {
    "rate_kbps": format_rate,
    "bitrate_kbps": format_rate,
    "ptime_ms": "packets of {} ms".format,
    "duration_s": format_duration,
    "playout": "playout {}".format,
    "queue_packets": "queue of {}".format,
    "load_through": {"direct": "load direct", "tor": "load through Tor"}.__getitem__,
    "placement": "cap at {}".format,
}
"""How what distinguishes a curve is said; otherwise as it is."""


def curve_names(curves: Sequence[Curve]) -> list[str]:
    """What distinguishes each curve from the others; all of it where there is but one."""
    varied = [
        name for name in _VARIED if len({getattr(curve.point, name) for curve in curves}) > 1
    ] or ["method", "rate_kbps", "placement"]
    return [
        ", ".join(
            text
            for name in varied
            if (text := value_in_words(name, getattr(curve.point, name))) is not None
        )
        for curve in curves
    ]


def values_in_words(points: Sequence[Point], names: Sequence[str]) -> list[str]:
    """Every value that the fields `names` have at the points, as names of curves say it."""
    values = {(name, getattr(point, name)): None for name in names for point in points}
    return [text for name, value in values if (text := value_in_words(name, value)) is not None]


def value_in_words(name: str, value: str | int | None) -> str | None:
    """One value of the field `name`; None where it is the usual one, of which nothing is said."""
    if value is None:
        return "uncapped" if name == "rate_kbps" else None
    return _WORDS.get(name, str)(value)

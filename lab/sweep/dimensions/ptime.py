"""How much voice goes into a packet."""

from __future__ import annotations

from lab.calls.coding import choose_coding
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.dimensions.codec import codec_at
from lab.sweep.point import Point
from lab.sweep.written import Key
from lab.wire.codecs import CODECS

USUAL = "usual"
PTIMES = {
    f"{ptime_ms}ms": ptime_ms
    for ptime_ms in sorted({time for codec in CODECS.values() for time in codec.ptimes_ms})
}
"""Every packetisation that some codec has, as it is written."""


def _in_words(ptime_ms: int | None) -> str | None:
    return None if ptime_ms is None else f"packets of {ptime_ms} ms"


PTIME: Coordinate[int | None] = Coordinate("ptime_ms", None, words=_in_words, note=measured)


def _parse(value: object) -> int | None:
    if value == USUAL:
        return None
    if value not in PTIMES:
        raise ValueError(f"is no packetisation; write one of {', '.join(PTIMES)}")
    return PTIMES[str(value)]


def _label(point: Point) -> str | None:
    return None if point[PTIME] is None else f"{point[PTIME]}ms"


def _normalise(point: Point) -> Point:
    usual = point[PTIME] == codec_at(point).ptimes_ms[0]
    return point.but(ptime_ms=None) if usual else point


def _check(point: Point) -> None:
    choose_coding(codec_at(point), point[PTIME])


DIMENSION = Dimension(
    name="ptime",
    description="Voice in a packet (20ms, 40ms, 60ms), or usual: the codec's own.",
    position=40,
    turns=80,
    coordinates=(PTIME,),
    written=Key(_parse, lambda: {"enum": [USUAL, *PTIMES]}),
    usual=USUAL,
    label=_label,
    normalise=_normalise,
    check=_check,
    plan=lambda point: {"ptime_ms": point[PTIME]},
    option=Option(
        "Milliseconds of voice in a packet: 20, 40 or 60.",
        read=lambda text: f"{text}ms" if text.isdecimal() else text,
    ),
)

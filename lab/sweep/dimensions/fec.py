"""Whether packets repeat the one before them: Opus's in-band FEC."""

from __future__ import annotations

from lab.calls.methods import METHODS
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.point import Point
from lab.sweep.written import Key

ON, OFF = "on", "off"


def _in_words(fec: bool) -> str | None:
    return "in-band FEC" if fec else None


FEC: Coordinate[bool] = Coordinate("fec", default=False, words=_in_words, note=measured)


def _parse(value: object) -> bool:
    if value not in (ON, OFF):
        raise ValueError(f"must be {ON} or {OFF}")
    return value == ON


def _check(point: Point) -> None:
    METHODS.named(point.method).check_fec(point[FEC])


DIMENSION = Dimension(
    name="fec",
    description="Whether every packet of Opus repeats the one before it, coarsely (in-band "
    "FEC): on or off, of WebRTC calls.",
    position=59,
    turns=72,
    coordinates=(FEC,),
    written=Key(_parse, lambda: {"enum": [ON, OFF]}),
    usual=OFF,
    label=lambda point: "fec" if point[FEC] else None,
    check=_check,
    plan=lambda point: {"fec": point[FEC]},
    option=Option("WebRTC: Opus with in-band FEC, on or off (default: off)."),
)

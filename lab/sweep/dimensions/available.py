"""Whether the bandwidth that a call's own way has left is measured after the call."""

from __future__ import annotations

from lab.calls.methods import METHODS
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.point import Point
from lab.sweep.written import Key, one_of

ON, OFF = "on", "off"


def _in_words(available: str) -> str | None:
    return "available bandwidth measured" if available == ON else None


AVAILABLE: Coordinate[str] = Coordinate("available", OFF, words=_in_words, note=measured)


def _check(point: Point) -> None:
    METHODS.named(point.method).check_available(point[AVAILABLE] == ON)


DIMENSION = Dimension(
    name="available",
    description="Whether iperf3 measures, after each call, what bandwidth its own circuit or path "
    "has left: on or off.",
    position=130,
    turns=73,
    coordinates=(AVAILABLE,),
    written=Key(*one_of(lambda: (OFF, ON))),
    usual=OFF,
    label=lambda point: "available" if point[AVAILABLE] == ON else None,
    check=_check,
    plan=lambda point: {"available": point[AVAILABLE] == ON},
    option=Option(
        "Measure by iperf3, after the call, what bandwidth its circuit has left (default: off)."
    ),
)

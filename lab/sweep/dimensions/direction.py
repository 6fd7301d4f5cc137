"""Which way the voice flows that is scored, and with it the competing traffic."""

from __future__ import annotations

from typing import Literal

from lab.sweep.dimension import Coordinate, Dimension, Option, column
from lab.sweep.point import Point
from lab.sweep.written import Key, one_of

TO_CALLEE, TO_CALLER = "to-callee", "to-caller"
DIRECTION: Coordinate[str] = Coordinate("direction", TO_CALLEE, note=column("direction"))


def hearer(point: Point) -> Literal["caller", "callee"]:
    """Whose recording is scored at a point."""
    return "callee" if point[DIRECTION] == TO_CALLEE else "caller"


DIMENSION = Dimension(
    name="direction",
    description="Which way the scored voice and the competing traffic flow.",
    position=70,
    turns=50,
    coordinates=(DIRECTION,),
    written=Key(*one_of(lambda: (TO_CALLEE, TO_CALLER))),
    usual=TO_CALLEE,
    label=lambda point: point[DIRECTION],
    option=Option("Which way voice and competing traffic share the link.", usual=TO_CALLER),
)

"""Whether the circuits of a call over several share no relay."""

from __future__ import annotations

from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.written import Key, one_of

ON, OFF = "on", "off"


def _in_words(disjoint: str) -> str | None:
    return "disjoint paths" if disjoint == ON else None


DISJOINT: Coordinate[str] = Coordinate("disjoint", OFF, words=_in_words, note=measured)


DIMENSION = Dimension(
    name="disjoint",
    description="Whether no two paths of a call may cross the same relay: on or off. Without "
    "effect on calls over one.",
    position=48,
    turns=78,
    coordinates=(DISJOINT,),
    written=Key(*one_of(lambda: (OFF, ON))),
    usual=OFF,
    label=lambda point: "disjoint" if point[DISJOINT] == ON else None,
    plan=lambda point: {"disjoint": point[DISJOINT] == ON},
    option=Option("Paths that share no relay (default: off)."),
)

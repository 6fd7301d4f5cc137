"""Where the shared link sits."""

from __future__ import annotations

from lab.shaping.placement import PLACEMENTS
from lab.sweep.dimension import Coordinate, Dimension, Option, column
from lab.sweep.dimensions.rate import RATE
from lab.sweep.written import Key, one_of

SERVER = "server"


def _in_words(placement: str | None) -> str | None:
    return None if placement is None else f"cap at {placement}"


PLACEMENT: Coordinate[str | None] = Coordinate(
    "placement", None, words=_in_words, note=column("placement")
)
"""Of the cap; None where there is none."""

DIMENSION = Dimension(
    name="placement",
    description="Where the cap sits: server (its own egress), access, relay, exit or router.",
    position=90,
    turns=30,
    coordinates=(PLACEMENT,),
    written=Key(*one_of(lambda: PLACEMENTS)),
    usual=SERVER,
    label=lambda point: point[PLACEMENT],
    normalise=lambda point: point.but(placement=None) if point[RATE] is None else point,
    option=Option("Where the shared link sits.", usual=SERVER),
    may_fit=True,
)

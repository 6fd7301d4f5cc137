"""How voice travels."""

from __future__ import annotations

from lab.calls.methods import METHODS
from lab.sweep.dimension import Coordinate, Dimension, measured
from lab.sweep.dimensions.codec import CODEC
from lab.sweep.written import Key

METHOD: Coordinate[str] = Coordinate("method", default="", note=measured)


def _parse(value: object) -> str:
    if not isinstance(value, str) or value not in METHODS:
        raise ValueError(f"is not a method; methods are {', '.join(METHODS.all)}")
    return value


DIMENSION = Dimension(
    name="method",
    description="How voice travels.",
    position=10,
    turns=110,
    coordinates=(METHOD,),
    written=Key(_parse, lambda: {"enum": list(METHODS.all), "type": "string"}),
    label=lambda point: point[METHOD],
    plan=lambda point: {"method": point[METHOD]},
    brings=(CODEC,),
)

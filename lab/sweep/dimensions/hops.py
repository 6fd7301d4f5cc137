"""How many relays the circuit of a call has."""

from __future__ import annotations

from lab.calls.methods import METHODS
from lab.calls.needs import TOR_CLIENT
from lab.roles.relay import CIRCUIT_HOPS
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.point import Point
from lab.sweep.written import Key, or_word, whole_number

USUAL = "usual"


def _in_words(hops: int | None) -> str | None:
    return None if hops is None else f"{hops} hops"


HOPS: Coordinate[int | None] = Coordinate("hops", None, words=_in_words, note=measured)
"""None is the topology's own number, and of methods without a circuit."""


def _label(point: Point) -> str | None:
    return None if point[HOPS] is None else f"{point[HOPS]}hops"


def _normalise(point: Point) -> Point:
    has_circuit = TOR_CLIENT in METHODS.named(point.method).needs
    return point if has_circuit else point.but(hops=None)


DIMENSION = Dimension(
    name="hops",
    description="Relays of the circuit of a call through Tor (2 to 8), or usual: the topology's "
    "number, 3 where it says nothing.",
    position=45,
    turns=75,
    coordinates=(HOPS,),
    written=Key(*or_word(USUAL, *whole_number(CIRCUIT_HOPS[0], CIRCUIT_HOPS[-1]))),
    usual=USUAL,
    label=_label,
    normalise=_normalise,
    plan=lambda point: {"hops": point[HOPS]},
    option=Option(
        "Relays of the circuit of a call through Tor (default: the topology's number, 3).",
        read=lambda text: int(text) if text.isdecimal() else text,
    ),
)

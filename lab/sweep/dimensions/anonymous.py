"""Whom Tor hides: the caller alone, or both ends of the call."""

from __future__ import annotations

from lab.calls.methods import METHODS
from lab.ends import BOTH, CALLER
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.point import Point
from lab.sweep.written import Key, one_of


def _in_words(anonymous: str) -> str | None:
    return "both ends anonymous" if anonymous == BOTH else None


ANONYMOUS: Coordinate[str] = Coordinate("anonymous", CALLER, words=_in_words, note=measured)


def _normalise(point: Point) -> Point:
    """A method without Tor hides nobody, however it is asked."""
    known = METHODS.all.get(point.method)
    hides = known is not None and known.both_hidden is not None
    return point if hides else point.but(anonymous=CALLER)


def _check(point: Point) -> None:
    METHODS.named(point.method).hiding(point[ANONYMOUS])


DIMENSION = Dimension(
    name="anonymous",
    description="Whom Tor hides: caller, or both: then the callee, too, has a Tor client and a "
    "circuit of its own, for v-tor with a tunnel of its own. Without effect on methods without "
    "Tor.",
    position=15,
    turns=105,
    coordinates=(ANONYMOUS,),
    written=Key(*one_of(lambda: (CALLER, BOTH))),
    usual=CALLER,
    label=lambda point: "both-ends" if point[ANONYMOUS] == BOTH else None,
    normalise=_normalise,
    check=_check,
    plan=lambda point: {"anonymous": point[ANONYMOUS]},
    option=Option("Whom Tor hides, the caller alone (the default) or both ends."),
)

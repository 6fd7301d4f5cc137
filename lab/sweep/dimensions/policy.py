"""Which packet of a call goes over which of several circuits."""

from __future__ import annotations

from lab.calls.methods import METHODS
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.dimensions.anonymous import ANONYMOUS
from lab.sweep.dimensions.available import AVAILABLE, ON
from lab.sweep.point import Point
from lab.sweep.topology_key import PREFIX
from lab.sweep.written import Key, one_of
from lab.wire.paths import POLICIES, SINGLE

CONFLUX = f"{PREFIX}tor.conflux"
"""The key of the topology by which Tor itself takes two circuits."""


def _in_words(policy: str) -> str | None:
    return None if policy == SINGLE else policy


POLICY: Coordinate[str] = Coordinate("policy", SINGLE, words=_in_words, note=measured)


def _normalise(point: Point) -> Point:
    """A method of one way has no policy; where there is one, Tor splits nothing by itself."""
    if point[POLICY] == SINGLE:
        return point
    known = METHODS.all.get(point.method)
    if known is None or known.several is None:
        return point.but(policy=SINGLE)
    return point.but(**{CONFLUX: None}) if CONFLUX in point.values else point


def _check(point: Point) -> None:
    METHODS.named(point.method).check_policy(
        point[POLICY], anonymous=point[ANONYMOUS], available=point[AVAILABLE] == ON
    )


DIMENSION = Dimension(
    name="policy",
    description="Which packets of a v-tor call go over which of its paths: single (OpenVPN's own "
    "connection, over one circuit), duplicate (every packet over each), alternate (over a fast "
    "path and a slow one in turn) or fast-slow (over one of each). With another than single, "
    "Conflux is the topology's own. Without effect on other methods.",
    position=46,
    turns=76,
    coordinates=(POLICY,),
    written=Key(*one_of(lambda: POLICIES)),
    usual=SINGLE,
    label=lambda point: _in_words(point[POLICY]),
    normalise=_normalise,
    check=_check,
    plan=lambda point: {"policy": point[POLICY]},
    option=Option("Which packet goes over which path; default: single, over one circuit."),
)

"""Over how many circuits side by side a call goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.errors import UsageError
from lab.lazy import Lazy
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.dimensions.disjoint import DISJOINT, OFF, ON
from lab.sweep.dimensions.hops import HOPS
from lab.sweep.dimensions.policy import POLICY
from lab.sweep.point import Point
from lab.sweep.written import Key, whole_number
from lab.wire.paths import MOST_PATHS, SINGLE, Policy

if TYPE_CHECKING:
    from lab.topology.model import Topology

_CHECK_PATHS: Lazy[Callable[..., None]] = Lazy("lab.tor.several", "check_paths")


def _in_words(paths: int) -> str | None:
    return None if paths == 1 else f"{paths} paths"


PATHS: Coordinate[int] = Coordinate("paths", 1, words=_in_words, note=measured)


def _normalise(point: Point) -> Point:
    """OpenVPN's own connection goes over one, and one shares no relay with others."""
    if point[POLICY] == SINGLE:
        point = point.but(paths=1)
    return point.but(disjoint=OFF) if point[PATHS] == 1 else point


def _check(point: Point) -> None:
    if point[PATHS] > 1 and point[POLICY] == SINGLE:
        raise UsageError(
            f"a call over {point[PATHS]} paths needs a policy that says what goes over which",
            f"Add `--policy`, one of {', '.join(Policy)}; v-tor has them.",
        )


def _suits(point: Point, topology: Topology) -> None:
    if point[POLICY] != SINGLE:
        check = _CHECK_PATHS.load()
        check(topology, point[HOPS], point[PATHS], disjoint=point[DISJOINT] == ON)


DIMENSION = Dimension(
    name="paths",
    description=f"Circuits side by side that carry a v-tor call (1 to {MOST_PATHS}), of a policy "
    "other than single, which has one.",
    position=47,
    turns=77,
    coordinates=(PATHS,),
    written=Key(*whole_number(1, MOST_PATHS)),
    usual=1,
    label=lambda point: None if point[PATHS] == 1 else f"{point[PATHS]}paths",
    normalise=_normalise,
    check=_check,
    suits=_suits,
    plan=lambda point: {"paths": point[PATHS]},
    option=Option(
        f"Circuits side by side, 1 (the default) to {MOST_PATHS}; more than one need a --policy.",
        read=lambda text: int(text) if text.isdecimal() else text,
    ),
)

"""How FreeSWITCH passes voice on: a key of the topology."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.calls.methods import METHODS
from lab.sweep.dimension import Coordinate, Dimension, measured
from lab.sweep.point import Point
from lab.sweep.written import Key, one_of
from lab.topology.model import PbxProfile


def _in_words(profile: str | None) -> str | None:
    return None if profile is None else f"{profile} PBX"


PBX_PROFILE: Coordinate[str | None] = Coordinate(
    "pbx_profile", None, words=_in_words, note=measured
)
"""None leaves the topology's own."""


def _topology(point: Point) -> Mapping[str, Any]:
    return {} if point[PBX_PROFILE] is None else {"pbx_profile": point[PBX_PROFILE]}


def _normalise(point: Point) -> Point:
    """Murmur, through which the others' voice goes, has no such thing."""
    has_phones = METHODS.named(point.method).talkers.exchange is None
    return point if has_phones else point.but(pbx_profile=None)


DIMENSION = Dimension(
    name="pbx_profile",
    description="How FreeSWITCH passes voice on: steady, each packet as it comes, or stock, as "
    "its own default profile does; absent: the topology's own. Kamailio has no such choice.",
    position=118,
    turns=12,
    coordinates=(PBX_PROFILE,),
    written=Key(*one_of(lambda: PbxProfile)),
    usual=None,
    label=lambda point: None if point[PBX_PROFILE] is None else f"pbx-{point[PBX_PROFILE]}",
    normalise=_normalise,
    topology=_topology,
    choice="the PBX's profile",
    may_fit=True,
)

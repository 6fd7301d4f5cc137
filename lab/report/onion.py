"""Calls to onion services beside those over a circuit to the same servers: what six hops add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.ends import EACH_END
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.good_calls import good_share
from lab.report.naming import told_apart, without
from lab.report.selection import by_point, hops_of, mean_of, valid_ones
from lab.sweep.dimensions.codec import CODEC
from lab.sweep.dimensions.method import METHOD
from lab.sweep.point import Point

OVER_A_CIRCUIT = {"v-onion": "v-tor", "m-onion": "m-tor"}
"""A method to an onion service → the one to the same server over a circuit of the caller's."""


@dataclass(frozen=True, slots=True)
class OnionCalls:
    """The calls by one method."""

    point: Point
    others: str
    """What distinguishes its point from others by this method."""
    hops: tuple[int, ...]
    """Relays between the caller and its server, every number that was seen."""
    counts: Counts
    delay_ms: dict[str, Interval]
    """End → mean of each valid call's median one-way delay."""
    pesq_mos: dict[str, Interval]
    """End → mean."""
    good: Interval
    """Share of valid calls that are good at both ends, with its Wilson interval."""
    added_ms: dict[str, float | None]
    """End → by how much its mean delay is above that of the same call over a circuit; None
    where that was not called, or nothing was valid."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


def onion_calls(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[OnionCalls, ...]:
    """Methods to onion services and their counterparts; nothing where there is none of these."""
    made = by_point(calls)
    called = [point for point in points if made.get(point.point_id)]
    services = [point for point in called if point.method in OVER_A_CIRCUIT]
    if not services:
        return ()
    wanted = {OVER_A_CIRCUIT[point.method] for point in services}
    shown = [point for point in called if point in services or point.method in wanted]
    names = told_apart(shown, (METHOD, CODEC))
    counterparts = {_likeness(point, point.method): point for point in shown}
    rows = []
    for point, others in zip(shown, names, strict=True):
        usual = OVER_A_CIRCUIT.get(point.method)
        beside = counterparts.get(_likeness(point, usual)) if usual else None
        rows.append(
            _row(point, others, made[point.point_id], made[beside.point_id] if beside else ())
        )
    return tuple(rows)


def _likeness(point: Point, method: str) -> tuple[str, str]:
    """What is the same at a point and its counterpart: all but the method."""
    return method, str(without(point, (METHOD,)).to_dict())


def _row(
    point: Point, others: str, calls: Sequence[CallRecord], usual: Sequence[CallRecord]
) -> OnionCalls:
    valid, compared = valid_ones(calls), valid_ones(usual)
    delay_ms = {end: mean_of(valid, f"{end}_owd_ms_p50") for end in EACH_END}
    usual_ms = {end: mean_of(compared, f"{end}_owd_ms_p50") for end in EACH_END}
    return OnionCalls(
        point=point,
        others=others,
        hops=tuple(sorted({hops for call in valid if (hops := hops_of(call))})),
        counts=count_calls(calls),
        delay_ms=delay_ms,
        pesq_mos={end: mean_of(valid, f"{end}_pesq_mos") for end in EACH_END},
        good=good_share(valid, EACH_END),
        added_ms={
            end: _difference(delay_ms[end].estimate, usual_ms[end].estimate) for end in EACH_END
        },
    )


def _difference(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other

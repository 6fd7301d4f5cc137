"""Calls between places: how long voice took on the way, and how it came together in bursts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.ends import EACH_END
from lab.measure.bursts import jitter_of_bursts_ms
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls, mean_interval
from lab.report.naming import told_apart
from lab.report.selection import by_point, mean_of, valid_ones
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.dimensions.method import METHOD
from lab.sweep.point import Point
from lab.sweep.topology_key import PREFIX, topology_key

TOLD = tuple(
    coordinate
    for end in EACH_END
    for coordinate in topology_key(f"{PREFIX}nodes.{end}.place").coordinates
)
"""What the places in a row tell of its point."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrived at one end of the valid calls between two places."""

    end: str
    """`caller` or `callee`."""
    delays_ms: tuple[float, ...]
    """Each call's median one-way delay, sorted."""
    jitters_ms: tuple[float, ...]
    """Each call's mean jitter, sorted."""
    delay_ms_p50: Interval
    """Of each call's median, and so on."""
    delay_ms_p95: Interval
    jitter_ms: Interval
    burst_mean: Interval
    """Packets per burst."""
    burst_jitter_ms: Interval
    """The jitter that steady bursts as long as each call's mean would have."""
    marks: tuple[tuple[str, int], ...]
    """What the arrivals are the marks of (`lab.measure.arrivals`), and of how many calls."""


@dataclass(frozen=True, slots=True)
class DistanceCalls:
    """The calls by one method between two places."""

    point: Point
    others: str
    """What distinguishes its point from the others, beside method and places."""
    caller_place: str
    callee_place: str
    server_place: str | None
    over_tor: bool
    counts: Counts
    arrivals: tuple[Arrival, ...]
    """At the caller, at the callee."""

    @property
    def pair(self) -> str:
        """From where to where."""
        return f"{self.caller_place} - {self.callee_place}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


def distances(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[DistanceCalls, ...]:
    """Set methods and places side by side, of calls that met no other traffic.

    Nothing where the topology names no places.
    """
    made = by_point(call for call in calls if call.caller_place and call.callee_place)
    quiet = [
        point
        for point in points
        if point[LOAD_KIND] == NONE and made.get(point.point_id) is not None
    ]
    names = told_apart(quiet, (METHOD, *TOLD))
    return tuple(
        _row(point, name, made[point.point_id]) for point, name in zip(quiet, names, strict=True)
    )


def _row(point: Point, others: str, calls: Sequence[CallRecord]) -> DistanceCalls:
    valid = valid_ones(calls)
    servers = [call.server_place for call in calls if call.server_place]
    return DistanceCalls(
        point=point,
        others=others,
        caller_place=calls[0].caller_place or "",
        callee_place=calls[0].callee_place or "",
        server_place=servers[0] if servers else None,
        over_tor=any(call.circuit for call in calls),
        counts=count_calls(calls),
        arrivals=tuple(_arrival(end, valid) for end in EACH_END),
    )


def _arrival(end: str, calls: Sequence[CallRecord]) -> Arrival:
    sizes = [(getattr(call, f"{end}_burst_mean"), call.ptime_ms) for call in calls]
    bursts = [(size, ptime_ms) for size, ptime_ms in sizes if size and ptime_ms]
    marks = [getattr(call, f"{end}_arrival") for call in calls]
    return Arrival(
        end=end,
        delays_ms=_sorted(calls, f"{end}_owd_ms_p50"),
        jitters_ms=_sorted(calls, f"{end}_jitter_mean"),
        delay_ms_p50=mean_of(calls, f"{end}_owd_ms_p50"),
        delay_ms_p95=mean_of(calls, f"{end}_owd_ms_p95"),
        jitter_ms=mean_of(calls, f"{end}_jitter_mean"),
        burst_mean=mean_interval([size for size, _ in bursts]),
        burst_jitter_ms=mean_interval([jitter_of_bursts_ms(*each) for each in bursts]),
        marks=tuple(sorted(Counter(filter(None, marks)).items())),
    )


def _sorted(calls: Sequence[CallRecord], column: str) -> tuple[float, ...]:
    return tuple(sorted(value for call in calls if (value := getattr(call, column)) is not None))

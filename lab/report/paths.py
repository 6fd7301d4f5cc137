"""Calls over several circuits beside those over one, and over the two that Tor itself links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.ends import EACH_END
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls, mean_interval
from lab.report.good_calls import share_of
from lab.report.naming import told_apart
from lab.report.selection import by_point, mean_of, valid_ones
from lab.sweep.dimensions.disjoint import DISJOINT
from lab.sweep.dimensions.method import METHOD
from lab.sweep.dimensions.paths import PATHS
from lab.sweep.dimensions.policy import CONFLUX, POLICY
from lab.sweep.point import Point
from lab.sweep.topology_key import topology_key
from lab.wire.paths import SINGLE

(TOR_CONFLUX,) = topology_key(CONFLUX).coordinates
IN_TIME_PCT = 99.0
"""So many of its packets DONAR (NSDI 2022) asks of a call to come in less than 360 ms."""


@dataclass(frozen=True, slots=True)
class PathsCalls:
    """The calls of one point; means are over valid calls."""

    point: Point
    way: str
    """`single`, `Conflux for latency`, `4 paths, alternate` …"""
    others: str
    """What distinguishes its point from others that go the same way."""
    counts: Counts
    delay_ms: dict[str, Interval]
    """End → mean of each call's median one-way delay."""
    delay_p99_ms: dict[str, Interval]
    """End → mean of each call's 99th percentile."""
    in_time: Interval
    """Share of calls of which 99 % of the packets sent came in less than 360 ms, at both ends."""
    pesq_mos: dict[str, Interval]
    stall_ms: Interval
    """What both ends together heard nothing for, though something was said."""
    access_kbps: Interval
    """On the caller's own link, at Ethernet level, both ways together."""
    exit_kbps: Interval
    """Between the exits and the server, likewise."""
    repaired_pct: Interval
    """Packets that came first as a repetition, of the frames sent, both ways together."""
    ended: int
    """Valid calls in which a path ended."""
    worst_p99_ms: tuple[float, ...]
    """Of each valid call the 99th percentile at its worse end, ascending."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


def paths_calls(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[PathsCalls, ...]:
    """Every way that a method with policies went; nothing where none went over several."""
    made = by_point(calls)
    called = [point for point in points if made.get(point.point_id)]
    methods = {point.method for point in called if point[POLICY] != SINGLE}
    shown = [point for point in called if point.method in methods]
    names = told_apart(shown, (METHOD, PATHS, POLICY, DISJOINT, TOR_CONFLUX))
    return tuple(
        _row(point, others, made[point.point_id])
        for point, others in zip(shown, names, strict=True)
    )


def _row(point: Point, others: str, calls: Sequence[CallRecord]) -> PathsCalls:
    valid = valid_ones(calls)
    worst = [_worse(call, "owd_ms_p99") for call in valid]
    return PathsCalls(
        point=point,
        way=_way(calls),
        others=others,
        counts=count_calls(calls),
        delay_ms={end: mean_of(valid, f"{end}_owd_ms_p50") for end in EACH_END},
        delay_p99_ms={end: mean_of(valid, f"{end}_owd_ms_p99") for end in EACH_END},
        in_time=share_of(_in_time(call) for call in valid),
        pesq_mos={end: mean_of(valid, f"{end}_pesq_mos") for end in EACH_END},
        stall_ms=mean_of(valid, "stall_ms_total"),
        access_kbps=_both_ways(valid, "kbps_access_eth"),
        exit_kbps=_both_ways(valid, "kbps_exit_eth"),
        repaired_pct=mean_interval([pct for call in valid if (pct := _repaired(call)) is not None]),
        ended=sum(bool(call.path_ended) for call in valid),
        worst_p99_ms=tuple(sorted(ms for ms in worst if ms is not None)),
    )


def _way(calls: Sequence[CallRecord]) -> str:
    """As the calls' own records tell it; what none tells is over one circuit."""
    told = dict.fromkeys(_way_of(call) for call in calls)
    return "; ".join(told)


def _way_of(call: CallRecord) -> str:
    if call.policy in (None, SINGLE):
        split = call.conflux not in (None, "off")
        return f"Conflux for {call.conflux}" if split else SINGLE
    apart = ", disjoint" if call.disjoint else ""
    return f"{call.paths} paths, {call.policy}{apart}"


def _worse(call: CallRecord, column: str) -> float | None:
    values: list[float | None] = [getattr(call, f"{end}_{column}") for end in EACH_END]
    known: list[float] = [value for value in values if value is not None]
    return max(known) if len(known) == len(EACH_END) else None


def _in_time(call: CallRecord) -> bool | None:
    """Whether 99 % of the packets came in time, at both ends; None where that is unknown."""
    shares = [getattr(call, f"{end}_in_time_pct") for end in EACH_END]
    if any(share is None for share in shares):
        return None
    return all(share >= IN_TIME_PCT for share in shares)


def _both_ways(calls: Iterable[CallRecord], column: str) -> Interval:
    sums = [
        forth + back
        for call in calls
        if (forth := getattr(call, column)) is not None
        and (back := getattr(call, f"{column}_back")) is not None
    ]
    return mean_interval(sums)


def _repaired(call: CallRecord) -> float | None:
    """Packets that came first as a repetition, of the frames sent; None without forwarders."""
    forth, back = call.callee_repaired_packets, call.caller_repaired_packets
    frames = sum(call.path_frames.values())
    return None if forth is None or back is None or not frames else 100 * (forth + back) / frames

"""Calls that enter Tor by bridges, beside those that do not and beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.measure.good_call import GOOD_DELAY_MS, GOOD_MOS
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.agreement import compare
from lab.report.good_calls import good_share, per_cent, share_text
from lab.report.naming import told_apart
from lab.report.pages import Section, Table, counts_text, interval_text, joined, mean_text
from lab.report.paper import BRIDGES_GOOD, BRIDGES_PESQ, STUDY
from lab.report.selection import by_point, mean_of, valid_ones
from lab.report.systems import row_name
from lab.sweep.dimensions.direction import hearer
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.dimensions.method import METHOD
from lab.sweep.point import Point

BY_RELAYS = "no bridge"


@dataclass(frozen=True, slots=True)
class BridgeCalls:
    """The calls of one point; means over the valid ones, at the scored end."""

    point: Point
    entry: str
    """`no bridge`, or the bridges' transports and places."""
    by_bridge: bool
    others: str
    """What distinguishes its point from the others, beside method and entry."""
    counts: Counts
    mos: Interval
    good: Interval
    """Share with a PESQ above 3 and a one-way delay below 400 ms."""
    owd_ms_p50: Interval
    jitter_ms: Interval
    burst_mean: Interval
    access_kbps: Interval
    """At Ethernet level, caller → callee."""
    circuit_build_ms: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


def bridge_calls(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[BridgeCalls, ...]:
    """Set the ways in side by side, of calls that met no other traffic.

    Nothing where no call entered by a bridge.
    """
    quiet = [point for point in points if point[LOAD_KIND] == NONE]
    made = by_point(call for call in calls if call.circuit)
    quiet = [point for point in quiet if point.point_id in made]
    if not any(call.bridge for point in quiet for call in made[point.point_id]):
        return ()
    entries = {point.point_id: entry_of(made[point.point_id]) for point in quiet}
    names = dict(zip(quiet, told_apart(quiet, (METHOD,)), strict=True))
    several = {
        key
        for key in ((point.method, entries[point.point_id]) for point in quiet)
        if sum((p.method, entries[p.point_id]) == key for p in quiet) > 1
    }
    return tuple(
        _row(
            point,
            entries[point.point_id],
            names[point] if (point.method, entries[point.point_id]) in several else "",
            made[point.point_id],
        )
        for point in quiet
    )


def entry_of(calls: Sequence[CallRecord]) -> str:
    """By what these calls entered, as their records say."""
    found = dict.fromkeys(
        ", ".join(filter(None, [call.bridge_transport, call.bridge_place]))
        if call.bridge
        else BY_RELAYS
        for call in calls
    )
    return joined(list(found))


def _row(point: Point, entry: str, others: str, calls: Sequence[CallRecord]) -> BridgeCalls:
    valid, end = valid_ones(calls), hearer(point)
    return BridgeCalls(
        point=point,
        entry=entry,
        by_bridge=any(call.bridge for call in calls),
        others=others,
        counts=count_calls(calls),
        mos=mean_of(valid, f"{end}_pesq_mos"),
        good=good_share(valid, [end]),
        owd_ms_p50=mean_of(valid, f"{end}_owd_ms_p50"),
        jitter_ms=mean_of(valid, f"{end}_jitter_mean"),
        burst_mean=mean_of(valid, f"{end}_burst_mean"),
        access_kbps=mean_of(valid, "kbps_access_eth"),
        circuit_build_ms=mean_of(valid, "circuit_build_ms"),
    )


def bridge_section(rows: Sequence[BridgeCalls]) -> Section:
    """One table, and what agrees with the paper."""
    columns = (
        "system",
        "enters by",
        "PESQ (95 % CI)",
        STUDY,
        "good % (95 % CI)",
        STUDY,
        "delay ms (95 % CI)",
        "jitter ms",
        "packets per burst",
        "access kbit/s",
        "circuit built in ms",
        "valid",
        "invalid",
        "failed",
    )
    cells = tuple(
        (
            row_name(row.point.method, row.others),
            row.entry,
            interval_text(row.mos, 2),
            BRIDGES_PESQ.text if row.by_bridge else "-",
            share_text(row.good),
            BRIDGES_GOOD.text if row.by_bridge else "-",
            interval_text(row.owd_ms_p50, 1),
            mean_text(row.jitter_ms, 1),
            mean_text(row.burst_mean, 2),
            mean_text(row.access_kbps, 0),
            mean_text(row.circuit_build_ms, 0),
            *counts_text(row.counts),
        )
        for row in rows
    )
    title = "Calls by bridges: MOS-LQO, share of good calls, one-way delay, at the scored end"
    return Section(
        "Bridges",
        (Table(title, columns, cells, 2),),
        (
            *(_sentence(row) for row in rows if row.by_bridge and row.counts.valid),
            f"A good call has a PESQ above {GOOD_MOS:g} and a one-way delay below "
            f"{GOOD_DELAY_MS:g} ms; {STUDY} called by bridges of the public Tor network. That no "
            "call spoke to a relay past its bridge was read from its own capture and sockets.",
        ),
    )


def _sentence(row: BridgeCalls) -> str:
    system = row_name(row.point.method, row.others)
    pesq, good = compare(BRIDGES_PESQ, row.mos), compare(BRIDGES_GOOD, per_cent(row.good))
    return (
        f"{system} by {row.entry}: PESQ {pesq} ({BRIDGES_PESQ.text} there, "
        f"{interval_text(row.mos, 2)} here), share of good calls {good} "
        f"({BRIDGES_GOOD.text} % there, {share_text(row.good)} % here), "
        f"n = {row.counts.valid}."
    )

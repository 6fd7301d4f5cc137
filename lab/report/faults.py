"""Calls during which something was broken: what it did to them, beside calls without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.measure.call.faults import SLACK_S
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.codecs import CODING, coding
from lab.report.naming import told_apart
from lab.report.pages import Section, Table, counts_text, interval_text, mean_text
from lab.report.selection import by_point, mean_of, valid_ones
from lab.report.systems import system_of
from lab.sweep.dimensions.direction import hearer
from lab.sweep.dimensions.fault import FAULTS
from lab.sweep.dimensions.method import METHOD
from lab.sweep.point import Point

NOTHING = "nothing"
MOST_TOLD = 20
"""Faults that nobody had asked for; more are counted, not listed."""


@dataclass(frozen=True, slots=True)
class Faulted:
    """The calls at a point where the same was broken; means over the valid ones, at the scored
    end."""

    point: Point
    others: str
    """What distinguishes its point from the others, beside method, codec and faults."""
    asked: str | None
    """What was to break, and when; None: nothing."""
    counts: Counts
    mos: Interval
    loss_pct: Interval
    owd_ms_p95: Interval
    stall_ms_total: Interval
    reasons: tuple[str, ...]
    """Why calls failed, each once."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


@dataclass(frozen=True, slots=True)
class FaultedCalls:
    """All points of a run in which something was broken at any."""

    rows: tuple[Faulted, ...]
    not_asked: tuple[str, ...]
    """What somebody broke in a call that had not asked for it, by call."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"rows": [row.to_dict() for row in self.rows], "not_asked": list(self.not_asked)}


def faulted_points(points: Sequence[Point]) -> set[Point]:
    """Those at which something is to break: no other section tells of them."""
    return {point for point in points if point[FAULTS] is not None}


def faults(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[FaultedCalls, ...]:
    """What faults did to calls; nothing where none was asked for, and nobody broke anything."""
    not_asked = tuple(
        f"{call.call_id} ({call.point_id}): {'; '.join(call.faults)}"
        for call in calls
        if call.faults and call.faults_asked is None
    )
    told = list(points) if faulted_points(points) else []
    if not told and not not_asked:
        return ()
    made = by_point(calls)
    names = told_apart(told, (METHOD, *CODING, FAULTS))
    rows = tuple(
        _row(point, name, made[point.point_id])
        for point, name in zip(told, names, strict=True)
        if point.point_id in made
    )
    return (FaultedCalls(rows, not_asked),)


def _row(point: Point, others: str, calls: Sequence[CallRecord]) -> Faulted:
    valid, end = valid_ones(calls), hearer(point)
    return Faulted(
        point=point,
        others=others,
        asked=point[FAULTS],
        counts=count_calls(calls),
        mos=mean_of(valid, f"{end}_pesq_mos"),
        loss_pct=mean_of(valid, f"{end}_loss_pct"),
        owd_ms_p95=mean_of(valid, f"{end}_owd_ms_p95"),
        stall_ms_total=mean_of(valid, f"{end}_stall_ms_total"),
        reasons=tuple(dict.fromkeys(call.reason for call in calls if call.reason)),
    )


def fault_section(found: Sequence[FaultedCalls]) -> Section:
    """A row for each point, those without a fault among them, and what nobody had asked for."""
    [run] = found
    columns = (
        *("system", "codec", "broken", "PESQ (95 % CI)", "loss %", "delay 95 % (ms)"),
        *("stalled (ms)", "valid", "invalid", "failed"),
    )
    cells = tuple(
        (
            system_of(row.point.method),
            ", ".join(filter(None, [coding(row.point), row.others])),
            row.asked or NOTHING,
            interval_text(row.mos, 2),
            mean_text(row.loss_pct, 1),
            mean_text(row.owd_ms_p95, 1),
            mean_text(row.stall_ms_total, 0),
            *counts_text(row.counts),
        )
        for row in run.rows
    )
    said = [
        f"Of the calls by {system_of(row.point.method)} with {row.asked} failed: {reason}."
        for row in run.rows
        if row.asked
        for reason in row.reasons
    ]
    tables = (Table("Calls by what was broken, MOS-LQO", columns, cells, 3),) if cells else ()
    return Section(
        "What was broken",
        tables,
        (
            "Times count from the beginning of a call's voice. A call is valid where each fault "
            f"came, and went, within {SLACK_S:g} s of what was asked, read back, and nothing else "
            "was broken; one that its fault has ended is a failed call.",
            *said,
            *_not_asked(run.not_asked),
        ),
    )


def _not_asked(told: Sequence[str]) -> list[str]:
    if not told:
        return []
    more = f", and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
    listed = ", ".join(told[:MOST_TOLD])
    return [f"Nobody had asked for this, and the calls are invalid: {listed}{more}."]

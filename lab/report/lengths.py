"""Calls of different lengths: delay and jitter of the whole call, PESQ as far as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.codecs import coding
from lab.report.pages import Section, Table, counts_text, interval_text, mean_text
from lab.report.selection import by_point, mean_of, valid_ones
from lab.report.systems import system_of
from lab.sweep.point import Point
from lab.topology.units import format_duration


@dataclass(frozen=True, slots=True)
class LengthCalls:
    """The calls of one length by one method; means over the valid ones, at the scored end."""

    point: Point
    counts: Counts
    owd_ms_p50: Interval
    """Of each call's median, and so on."""
    owd_ms_p95: Interval
    jitter_ms: Interval
    loss_pct: Interval
    mos: Interval
    """Only of calls short enough for PESQ."""
    worst_window_mos: Interval
    """Of the worst window of each longer call, and so on."""
    median_window_mos: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def lengths(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[LengthCalls, ...]:
    """Compare the lengths of calls that met no other traffic; nothing where there is but one."""
    quiet = [point for point in points if point.load_kind == "none"]
    if len({point.duration_s for point in quiet}) < 2:
        return ()
    made = by_point(calls)
    return tuple(_row(point, made[point.point_id]) for point in quiet if point.point_id in made)


def _row(point: Point, calls: Sequence[CallRecord]) -> LengthCalls:
    valid = valid_ones(calls)
    end = point.hearer
    return LengthCalls(
        point=point,
        counts=count_calls([(call.status, call.valid) for call in calls]),
        owd_ms_p50=mean_of(valid, f"{end}_owd_ms_p50"),
        owd_ms_p95=mean_of(valid, f"{end}_owd_ms_p95"),
        jitter_ms=mean_of(valid, f"{end}_jitter_mean"),
        loss_pct=mean_of(valid, f"{end}_loss_pct"),
        mos=mean_of(valid, f"{end}_pesq_mos"),
        worst_window_mos=mean_of(valid, f"{end}_window_mos_min"),
        median_window_mos=mean_of(valid, f"{end}_window_mos_p50"),
    )


def length_section(rows: Sequence[LengthCalls]) -> Section:
    """One table, and how to read it."""
    columns = (
        "system",
        "codec",
        "length",
        "delay (95 % CI)",
        "delay 95 %",
        "jitter (95 % CI)",
        "loss %",
        "PESQ (95 % CI)",
        "worst window",
        "median window",
        "valid",
        "invalid",
        "failed",
    )
    cells = tuple(
        (
            system_of(row.point.method),
            coding(row.point),
            "once" if row.point.duration_s is None else format_duration(row.point.duration_s),
            interval_text(row.owd_ms_p50, 1),
            mean_text(row.owd_ms_p95, 1),
            interval_text(row.jitter_ms, 2),
            mean_text(row.loss_pct, 1),
            interval_text(row.mos, 2),
            mean_text(row.worst_window_mos, 2),
            mean_text(row.median_window_mos, 2),
            *counts_text(row.counts),
        )
        for row in rows
    )
    return Section(
        "Calls of different lengths",
        (Table("One-way delay and jitter of the whole call (ms), MOS-LQO", columns, cells, 3),),
        (
            "PESQ compares 32 s at most. A longer call is scored in windows of 8 to 12 s; the mean "
            "over calls of each call's worst and median window is given, and neither is the PESQ "
            "of a call.",
        ),
    )

"""Calls of different lengths: delay and jitter of the whole call, PESQ as far as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.codecs import CODING, coding
from lab.report.naming import in_words, told_apart
from lab.report.pages import Section, Table, counts_text, interval_text, mean_text
from lab.report.selection import by_point, mean_of, valid_ones
from lab.report.systems import system_of
from lab.sweep.dimensions.direction import hearer
from lab.sweep.dimensions.duration import DURATION, ONCE
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.dimensions.method import METHOD
from lab.sweep.point import Point


@dataclass(frozen=True, slots=True)
class LengthCalls:
    """The calls of one length by one method; means over the valid ones, at the scored end."""

    point: Point
    others: str
    """What distinguishes its point from the others, beside method, codec and length."""
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
        return asdict(self) | {"point": self.point.to_dict()}


def lengths(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[LengthCalls, ...]:
    """Compare the lengths of calls that met no other traffic; nothing where there is but one."""
    quiet = [point for point in points if point[LOAD_KIND] == NONE]
    if len({point[DURATION] for point in quiet}) < 2:
        return ()
    made = by_point(calls)
    names = told_apart(quiet, (METHOD, *CODING, DURATION))
    return tuple(
        _row(point, name, made[point.point_id])
        for point, name in zip(quiet, names, strict=True)
        if point.point_id in made
    )


def _row(point: Point, others: str, calls: Sequence[CallRecord]) -> LengthCalls:
    valid = valid_ones(calls)
    end = hearer(point)
    return LengthCalls(
        point=point,
        others=others,
        counts=count_calls(calls),
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
            ", ".join(filter(None, [coding(row.point), row.others])),
            in_words(row.point, [DURATION]) or ONCE,
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

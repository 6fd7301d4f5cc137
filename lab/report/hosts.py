"""The hosts of a run as a factor: what each made of the points that others called at, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls, mean_interval
from lab.report.pages import Section, Table, counts_text, interval_text, mean_text
from lab.report.selection import by_point, mean_of, valid_ones, values_of
from lab.sweep.dimensions.direction import hearer
from lab.sweep.point import Point


@dataclass(frozen=True, slots=True)
class HostCalls:
    """The calls of one host; differences and means over the valid ones, at the scored end."""

    host: str
    counts: Counts
    points: int
    """At which this host and another have valid calls: those of the differences."""
    mos: Interval
    """PESQ of its calls less the mean of other hosts' calls at the same point."""
    owd_ms_p50: Interval
    """The same of the median one-way delay."""
    pacing_ms_p99: Interval
    cpu_pct: Interval
    steal_pct: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def hosts(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[HostCalls, ...]:
    """Every host of a run beside the others; nothing where one host made all calls."""
    known = {point.point_id: point for point in points}
    made = [call for call in calls if call.host is not None and call.point_id in known]
    names = sorted({call.host for call in made if call.host is not None})
    return tuple(_row(name, known, made) for name in names) if len(names) > 1 else ()


def _row(name: str, known: dict[str, Point], calls: Sequence[CallRecord]) -> HostCalls:
    own = [call for call in calls if call.host == name]
    valid = valid_ones(own)
    others = valid_ones(call for call in calls if call.host != name)
    shared = {call.point_id for call in valid} & {call.point_id for call in others}
    return HostCalls(
        name,
        count_calls(own),
        len(shared),
        _difference("pesq_mos", known, valid, others),
        _difference("owd_ms_p50", known, valid, others),
        mean_of(valid, "pacing_ms_p99"),
        mean_of(valid, "cpu_pct"),
        mean_of(valid, "steal_pct"),
    )


def _difference(
    figure: str,
    known: dict[str, Point],
    own: Sequence[CallRecord],
    others: Sequence[CallRecord],
) -> Interval:
    """Of a figure at the scored end, with an interval for which whole points are drawn."""
    found: list[float] = []
    groups: list[str] = []
    own_at, others_at = by_point(own), by_point(others)
    for name, point in known.items():
        column = f"{hearer(point)}_{figure}"
        beside = values_of(others_at.get(name, ()), column)
        if beside:
            here = values_of(own_at.get(name, ()), column)
            found += [value - fmean(beside) for value in here]
            groups += [name] * len(here)
    return mean_interval(found, groups)


def hosts_section(rows: Sequence[HostCalls]) -> Section:
    """One table."""
    columns = (
        "host",
        "points shared",
        "PESQ against others (95 % CI)",
        "delay ms against others (95 % CI)",
        "pacing ms p99",
        "CPU %",
        "stolen %",
        "valid",
        "invalid",
        "failed",
    )
    cells = tuple(
        (
            row.host,
            str(row.points),
            interval_text(row.mos, 2),
            interval_text(row.owd_ms_p50, 1),
            mean_text(row.pacing_ms_p99, 1),
            mean_text(row.cpu_pct, 0),
            mean_text(row.steal_pct, 1),
            *counts_text(row.counts),
        )
        for row in rows
    )
    return Section(
        "Hosts",
        (
            Table(
                "Each host beside the others, at the points that both called at", columns, cells, 1
            ),
        ),
        (
            "A difference is a mean over valid calls, each less the mean of other hosts' valid "
            "calls at its point; its bootstrap draws whole points. Where an interval is clear of "
            "zero, the host is part of what was measured.",
        ),
    )

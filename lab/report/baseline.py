"""Table 1: what one call needs and how good it is, on a link with nothing else on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.agreement import Agreement, compare
from lab.report.naming import told_apart
from lab.report.pages import Section, Table, counts_text, interval_text, joined, mean_text
from lab.report.paper import (
    BASELINE_DELAY_MS,
    BASELINE_PESQ,
    BandwidthRow,
)
from lab.report.selection import by_point, mean_of, valid_ones
from lab.report.systems import bandwidth_columns, paper_row, position_of, system_of
from lab.sweep.dimensions.codec import CODEC
from lab.sweep.dimensions.method import METHOD
from lab.sweep.point import Point

PAPER_CODECS = ("PCMU", "PCMA", "OPUS")
"""The codecs of the paper's table: G.711, and what Mumble speaks."""


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """kbit/s of one method and codec at one point, means over calls."""

    method: str
    codec: str
    """With whatever else distinguishes these calls from others of the run."""
    point: str
    level: str
    where: str
    to_callee: Interval
    to_caller: Interval
    agreement: Agreement | None
    """With the paper's figure for the method; None where no paper is compared with."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the calls of one method and codec are."""

    method: str
    codec: str
    """As in `Bandwidth`."""
    counts: Counts
    callee_mos: Interval
    caller_mos: Interval
    callee_raw: Interval
    owd_ms_p50: Interval
    """Mean over calls of each call's median, caller → callee."""
    owd_ms_p95: Interval
    half_rtt_ms: Interval
    """The paper's estimate of the one-way delay."""
    pesq_agreement: Agreement | None
    delay_agreement: Agreement | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The calls of a run that met no other traffic and no cap."""

    bandwidth: tuple[Bandwidth, ...]
    quality: tuple[Quality, ...]
    beside_paper: bool
    methods: tuple[str, ...]
    """Those that the run was to call by, with or without a call so far."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def baseline(
    calls: Sequence[CallRecord], points: Mapping[str | None, Point], beside_paper: bool
) -> Baseline:
    """Summarise calls point by point; only valid calls enter a mean.

    `points` are those of the run, by name, at which the calls were made.
    Each call has a circuit of its own, so calls are what the intervals draw.
    """
    bandwidth: list[Bandwidth] = []
    quality: list[Quality] = []
    made = by_point(calls)
    named = dict(zip(points, told_apart(list(points.values()), (METHOD, CODEC)), strict=True))
    called = [point_id for point_id in points if point_id in made]
    for point_id in sorted(called, key=lambda name: _place(points[name])):
        point, mine = points[point_id], made[point_id]
        method, codec = point.method, point[CODEC]
        valid = valid_ones(mine)
        row = paper_row(method) if beside_paper and codec in PAPER_CODECS else None
        name = ", ".join(filter(None, [codec, named[point_id]]))
        bandwidth += _bandwidth(method, name, valid, row)
        quality.append(_quality(method, name, mine, valid, row is not None))
    methods = tuple(dict.fromkeys(point.method for point in points.values()))
    return Baseline(tuple(bandwidth), tuple(quality), beside_paper, methods)


def _place(point: Point) -> tuple[tuple[float, str], str]:
    """Where a point stands in tables; points that are alike in this keep the plan's order."""
    return position_of(point.method), point[CODEC]


def _bandwidth(
    method: str, codec: str, valid: Sequence[CallRecord], row: BandwidthRow | None
) -> list[Bandwidth]:
    rows = []
    for column in bandwidth_columns():
        to_callee = mean_of(valid, column.name)
        if to_callee.estimate is None:
            continue
        rows.append(
            Bandwidth(
                method,
                codec,
                column.point,
                column.level,
                column.where,
                to_callee,
                mean_of(valid, f"{column.name}_back"),
                compare(row.kbps, to_callee) if row else None,
            )
        )
    return rows


def _quality(
    method: str,
    codec: str,
    calls: Sequence[CallRecord],
    valid: Sequence[CallRecord],
    beside_paper: bool,
) -> Quality:
    mos, owd = mean_of(valid, "callee_pesq_mos"), mean_of(valid, "callee_owd_ms_p50")
    rtt = mean_of([call for call in valid if call.rtt_ms is not None], "rtt_ms", 0.5)
    return Quality(
        method=method,
        codec=codec,
        counts=count_calls(calls),
        callee_mos=mos,
        caller_mos=mean_of(valid, "caller_pesq_mos"),
        callee_raw=mean_of(valid, "callee_pesq_raw"),
        owd_ms_p50=owd,
        owd_ms_p95=mean_of(valid, "callee_owd_ms_p95"),
        half_rtt_ms=rtt,
        pesq_agreement=compare(BASELINE_PESQ, mos) if beside_paper else None,
        delay_agreement=compare(BASELINE_DELAY_MS, owd) if beside_paper else None,
    )


def baseline_section(result: Baseline) -> Section:
    """Both tables and, beside the paper, what agrees."""
    title = "Bandwidth, quality and delay of a call alone"
    if result.beside_paper:
        title = "Table 1: " + title[0].lower() + title[1:]
    methods = sorted(result.methods, key=position_of) if result.beside_paper else ()
    findings = [
        finding
        for method in methods
        if (row := paper_row(method))
        for finding in _findings(result, method, row)
    ]
    return Section(
        title, (_bandwidth_table(result), _quality_table(result)), tuple(filter(None, findings))
    )


def _bandwidth_table(result: Baseline) -> Table:
    rows = []
    for item in result.bandwidth:
        row = paper_row(item.method)
        cells = [system_of(item.method), item.codec, item.where]
        if result.beside_paper:
            cells.append(row.kbps.text if row and item.agreement else "-")
        cells += [interval_text(item.to_callee, 1), mean_text(item.to_caller, 1)]
        if result.beside_paper:
            cells.append(item.agreement or "-")
        rows.append(tuple(cells))
    paper = ("paper",) if result.beside_paper else ()
    columns = (
        "system",
        "codec",
        "measured where",
        *paper,
        "caller → callee (95 % CI)",
        "callee → caller",
        *(("beside the paper",) if paper else ()),
    )
    return Table("Bandwidth of one call, kbit/s", columns, tuple(rows), 3)


def _quality_table(result: Baseline) -> Table:
    rows = []
    for item in result.quality:
        cells = [system_of(item.method), item.codec]
        if result.beside_paper:
            cells.append(BASELINE_PESQ.text if item.pesq_agreement else "-")
        cells += [
            interval_text(item.callee_mos, 2),
            mean_text(item.caller_mos, 2),
            mean_text(item.callee_raw, 2),
        ]
        if result.beside_paper:
            cells.append(BASELINE_DELAY_MS.text if item.delay_agreement else "-")
        cells += [
            interval_text(item.owd_ms_p50, 1),
            mean_text(item.owd_ms_p95, 1),
            mean_text(item.half_rtt_ms, 1),
            *counts_text(item.counts),
        ]
        rows.append(tuple(cells))
    paper = result.beside_paper
    columns = (
        "system",
        "codec",
        *(("paper PESQ",) if paper else ()),
        "callee (95 % CI)",
        "caller",
        "callee, raw",
        *(("paper delay",) if paper else ()),
        "median (95 % CI)",
        "95 % of packets",
        "RTT/2 by ping",
        "valid",
        "invalid",
        "failed",
    )
    return Table(
        "Quality (PESQ as MOS-LQO, at the ear of ...) and one-way delay caller → callee (ms)",
        columns,
        tuple(rows),
        1,
    )


def _findings(result: Baseline, method: str, row: BandwidthRow) -> Iterator[str | None]:
    """What is said of a system of the paper: of each way in which the run called by it."""
    ways = [item for item in result.quality if item.method == method and item.pesq_agreement]
    if not ways:
        yield f"{row.system}: no calls in this run."
    for quality in ways:
        yield _finding(result, row, quality, row.system if len(ways) == 1 else _way(row, quality))
    if len(ways) > 1:
        yield _nearest(result, row, method)


def _way(row: BandwidthRow, quality: Quality) -> str:
    return f"{row.system} ({quality.codec})"


def _nearest(result: Baseline, row: BandwidthRow, method: str) -> str | None:
    """Which of several ways fits the paper's bandwidth: by where what is measured is nearest."""
    measured = {
        (item.codec, item.where): item.to_callee.estimate
        for item in result.bandwidth
        if item.method == method and item.agreement and item.to_callee.estimate is not None
    }
    if len({codec for codec, _ in measured}) < 2:
        return None
    away = {place: abs(kbps - row.kbps.value) for place, kbps in measured.items()}
    codec, where = nearest = min(away, key=lambda place: away[place])
    others = [
        f"{other} has {kbps:.1f} there"
        for (other, place), kbps in measured.items()
        if place == where and other != codec
    ]
    return (
        f"{row.system}: the paper's {row.kbps.text} kbit/s is nearest to {codec} {where} "
        f"({measured[nearest]:.1f}; {joined(others)})."
    )


def _finding(result: Baseline, row: BandwidthRow, quality: Quality, name: str) -> str:
    """One sentence on the calls of one way of calling."""
    method = quality.method
    if quality.counts.valid == 0:
        return f"{name}: no valid call, so nothing can be said."
    agreeing: list[str] = []
    differing: list[str] = []
    for item in result.bandwidth:
        if (item.method, item.codec) == (method, quality.codec) and item.to_callee.estimate:
            text = f"{item.where} ({item.to_callee.estimate:.1f})"
            (agreeing if item.agreement is Agreement.AGREES else differing).append(text)
    sentence = f"{name}: the paper's {row.kbps.text} kbit/s "
    if agreeing:
        sentence += f"agrees with what is measured {joined(agreeing)}"
        sentence += f"; it differs {joined(differing)}." if differing else "."
    else:
        sentence += f"agrees with no point; measured {joined(differing)}."
    return (
        f"{sentence} PESQ {quality.pesq_agreement} ({BASELINE_PESQ.text} there, "
        f"{interval_text(quality.callee_mos, 2)} here), delay {quality.delay_agreement} "
        f"({BASELINE_DELAY_MS.text} ms there, {interval_text(quality.owd_ms_p50, 1)} ms here), "
        f"n = {quality.counts.valid}."
    )

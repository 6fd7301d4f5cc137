"""What the telephone exchange did to voice, profile beside profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.ends import EACH_END
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.naming import told_apart
from lab.report.pages import Section, Table, counts_text, interval_text, mean_text
from lab.report.selection import by_point, mean_of, valid_ones
from lab.report.systems import position_of, row_name
from lab.sweep.dimensions.method import METHOD
from lab.sweep.dimensions.pbx_profile import PBX_PROFILE
from lab.sweep.point import Point

FIGURES = {
    "delay_ms_p50": ("delay", 1),
    "delay_ms_p95": ("delay 95 %", 1),
    "dropped": ("dropped", 1),
    "made_up": ("made up", 1),
    "burst_in": ("packets per burst, in", 2),
    "burst_out": ("out", 2),
}
"""Column of records, without `pbx_to_<end>_` → what it is called here, and its digits."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The calls of one point as the exchange passed them on to one end; means over valid ones."""

    method: str
    profile: str
    others: str
    """What else distinguishes the point from the others."""
    end: str
    counts: Counts
    figures: dict[str, Interval]
    """By the names of `FIGURES`."""
    pesq_mos: Interval
    """At that end."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def exchanges(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[Passed, ...]:
    """Every point at which a profile of the exchange was chosen and called, once for either end."""
    chosen = [point for point in points if point[PBX_PROFILE] is not None]
    made = by_point(calls)
    names = told_apart(chosen, (METHOD, PBX_PROFILE))
    found = [
        _passed(point, others, made[point.point_id], end)
        for point, others in zip(chosen, names, strict=True)
        if point.point_id in made
        for end in EACH_END
    ]
    return tuple(sorted(found, key=lambda row: (position_of(row.method), row.others, row.end)))


def _passed(point: Point, others: str, calls: Sequence[CallRecord], end: str) -> Passed:
    valid = valid_ones(calls)
    return Passed(
        method=point.method,
        profile=str(point[PBX_PROFILE]),
        others=others,
        end=end,
        counts=count_calls(calls),
        figures={name: mean_of(valid, f"pbx_to_{end}_{name}") for name in FIGURES},
        pesq_mos=mean_of(valid, f"{end}_pesq_mos"),
    )


def exchange_section(rows: Sequence[Passed]) -> Section:
    """One table; packets are those of a call, delays ms."""
    columns = [title for title, _ in FIGURES.values()]
    cells = [
        (
            row_name(row.method, row.others),
            row.end,
            row.profile,
            *(mean_text(row.figures[name], digits) for name, (_, digits) in FIGURES.items()),
            interval_text(row.pesq_mos, 2),
            *counts_text(row.counts),
        )
        for row in rows
    ]
    table = Table(
        "The exchange: delay it adds (ms), packets of a call that it drops and makes up",
        ("system", "voice to", "profile", *columns, "PESQ there", "valid", "invalid", "failed"),
        tuple(cells),
        3,
    )
    return Section(
        "What the telephone exchange did",
        (table,),
        (
            "Both sides of the exchange are captured; packets are matched by number or, where it "
            "numbers them anew, by payload. Dropped and made up are counted between packets that "
            "match; fewer packets per burst out than in is voice that was spread.",
        ),
    )

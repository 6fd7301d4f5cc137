"""Calls over circuits of different lengths: what a relay less saves, beside the first study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.ends import BOTH, CALLEE, CALLER
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls, difference_interval
from lab.report.agreement import compare
from lab.report.nagle import NODELAY
from lab.report.naming import told_apart, without
from lab.report.pages import Section, Table, counts_text, interval_text, signed_text
from lab.report.paper import STUDY, Figure, scenario
from lab.report.selection import by_point, mean_of, valid_ones, values_of
from lab.report.systems import row_name
from lab.sweep.dimensions.anonymous import ANONYMOUS
from lab.sweep.dimensions.hops import HOPS
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.dimensions.method import METHOD
from lab.sweep.point import Point

COLUMNS = ("owd_ms_p50", "jitter_mean", "pesq_mos")
DIGITS = {"owd_ms_p50": 1, "jitter_mean": 1, "pesq_mos": 2}


@dataclass(frozen=True, slots=True)
class HopsHeard:
    """What one end received in the valid calls at a point."""

    end: str
    measured: dict[str, Interval]
    """By column, without its end."""
    against_longest: dict[str, Interval]
    """How much it differs from the longest circuit's calls; empty for those themselves."""


@dataclass(frozen=True, slots=True)
class HopsCalls:
    """The calls over circuits of one length."""

    point: Point
    others: str
    hops: int
    counts: Counts
    heard: tuple[HopsHeard, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


def lengths_of_circuits(
    points: Sequence[Point], calls: Sequence[CallRecord]
) -> tuple[HopsCalls, ...]:
    """Set circuits of different lengths side by side; nothing where they have one length.

    Nor where `lab.report.nagle` tells of the same calls.
    """
    varied = [
        p for p in points if p[LOAD_KIND] == NONE and p[HOPS] is not None and p[NODELAY] is None
    ]
    longest = max((point[HOPS] or 0 for point in varied), default=0)
    if len({point[HOPS] for point in varied}) < 2:
        return ()
    made = by_point(calls)
    bases = {
        without(point, (HOPS,)): valid_ones(made.get(point.point_id, []))
        for point in varied
        if point[HOPS] == longest
    }
    return tuple(
        _row(point, name, made[point.point_id], bases.get(without(point, (HOPS,)), []), longest)
        for point, name in zip(varied, told_apart(varied, (METHOD, HOPS)), strict=True)
        if point.point_id in made
    )


def _row(
    point: Point,
    others: str,
    calls: Sequence[CallRecord],
    base: Sequence[CallRecord],
    longest: int,
) -> HopsCalls:
    hops, valid = point[HOPS], valid_ones(calls)
    assert hops is not None
    return HopsCalls(
        point=point,
        others=others,
        hops=hops,
        counts=count_calls(calls),
        heard=tuple(
            HopsHeard(
                end,
                {name: mean_of(valid, f"{end}_{name}") for name in COLUMNS},
                {
                    name: difference_interval(
                        values_of(valid, f"{end}_{name}"), values_of(base, f"{end}_{name}")
                    )
                    for name in COLUMNS
                    if hops != longest
                },
            )
            for end in (CALLER, CALLEE)
        ),
    )


def hops_section(rows: Sequence[HopsCalls]) -> Section:
    """Delay, jitter and PESQ by length, the study's figures, and the difference."""
    cells = []
    for row in rows:
        system = row_name(row.point.method, row.others)
        both = row.point[ANONYMOUS] == BOTH
        study = scenario(row.point.method, both, row.hops)
        figures = {
            "owd_ms_p50": study.delay_ms if study else None,
            "pesq_mos": study.pesq if study else None,
        }
        for heard in row.heard:
            told: list[str] = []
            for name in COLUMNS:
                told.append(interval_text(heard.measured[name], DIGITS[name]))
                if name != "jitter_mean":
                    told += _beside(figures[name], heard.measured[name])
                against = heard.against_longest.get(name)
                told.append(signed_text(against, DIGITS[name]) if against else "-")
            cells.append((system, str(row.hops), heard.end, *told, *counts_text(row.counts)))
    delay = ("one-way delay, ms", STUDY, "", "against longest")
    columns = (
        *("system", "hops", "arriving at", *delay, "jitter, ms", "against longest"),
        *("PESQ", STUDY, "", "against longest", "valid", "invalid", "failed"),
    )
    return Section(
        "Circuits of different lengths",
        (Table("Means of calls (95 % CI)", columns, tuple(cells), 3),),
        (
            f"{STUDY}'s are means through the public Tor network of its scenario II, in which the "
            "caller alone is anonymous and the server stands apart. A difference is to the calls "
            "over the longest circuits, with the bootstrap interval of two independent means. "
            "Every circuit was read back from its client and from each of its relays.",
        ),
    )


def _beside(figure: Figure | None, ours: Interval) -> tuple[str, str]:
    return (figure.text, str(compare(figure, ours))) if figure else ("-", "-")

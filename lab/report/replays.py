"""Calls that were sent through calls of the field: what each met, beside its profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.codecs import CODING, coding
from lab.report.naming import told_apart
from lab.report.pages import Section, Table, counts_text, mean_text
from lab.report.selection import by_point, mean_of, valid_ones
from lab.sweep.dimensions.method import METHOD
from lab.sweep.dimensions.profile import PROFILE
from lab.sweep.point import Point

COMPARED = {
    "owd_ms_p50": ("delay", 1),
    "owd_ms_p95": ("delay 95 %", 1),
    "jitter_mean": ("jitter", 2),
    "loss_pct": ("loss %", 2),
    "burst_mean": ("packets per burst", 2),
    "burst_gap_ms_p50": ("burst to burst", 1),
    "pesq_mos": ("PESQ", 2),
}
"""Column, without end → what it is called here, and its digits."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The calls through one profile, as one end received them; means over the valid ones."""

    point: Point
    others: str
    """What distinguishes its point from the others, beside method, codec and profile."""
    name: str
    """The profile's."""
    end: str
    used: str
    """How much of the profile the calls met."""
    counts: Counts
    field: dict[str, Interval]
    """By column, the profile's own."""
    replay: dict[str, Interval]
    error_ms_p50: Interval
    """Of each call's worse direction, and so on."""
    error_ms_p99: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


def replays(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[Replayed, ...]:
    """Every profile that calls were sent through, once for either end."""
    through = [point for point in points if point[PROFILE] is not None]
    made = by_point(calls)
    names = told_apart(through, (METHOD, *CODING, PROFILE))
    return tuple(
        _row(point, others, end, made[point.point_id])
        for point, others in zip(through, names, strict=True)
        if point.point_id in made
        for end in ("callee", "caller")
    )


def _row(point: Point, others: str, end: str, calls: Sequence[CallRecord]) -> Replayed:
    valid = valid_ones(calls)
    return Replayed(
        point=point,
        others=others,
        name=next((call.profile for call in calls if call.profile), ""),
        end=end,
        used="; ".join(dict.fromkeys(call.profile_used for call in calls if call.profile_used)),
        counts=count_calls(calls),
        field={name: mean_of(valid, f"{end}_profile_{name}") for name in COMPARED},
        replay={name: mean_of(valid, f"{end}_{name}") for name in COMPARED},
        error_ms_p50=mean_of(valid, "replay_error_ms_p50"),
        error_ms_p99=mean_of(valid, "replay_error_ms_p99"),
    )


def replay_section(rows: Sequence[Replayed]) -> Section:
    """One table with a row for the profile above that of its calls, and how to read it."""
    columns = (
        *("profile", "codec", "heard by", "", *(what for what, _ in COMPARED.values())),
        *("error 50 %", "error 99 %", "used", "valid", "invalid", "failed"),
    )
    cells = []
    for row in rows:
        coded = ", ".join(filter(None, [coding(row.point), row.others]))
        cells.append((row.name, coded, row.end, "field", *_figures(row.field), *[""] * 6))
        errors = mean_text(row.error_ms_p50, 2), mean_text(row.error_ms_p99, 2)
        rest = *errors, row.used or "-", *counts_text(row.counts)
        cells.append(("", "", "", "replay", *_figures(row.replay), *rest))
    title = "The profile's own figures, and the calls' (ms, MOS-LQO)"
    return Section(
        "Calls of the field, replayed",
        (Table(title, columns, tuple(cells), 4),),
        (
            "The error is the difference of a packet's delay from what the profile wants of it, "
            "in the worse direction of a call. The profile's figures are those of all its "
            "packets; its PESQ is that of the field's recording, of its own clip and phones.",
        ),
    )


def _figures(means: dict[str, Interval]) -> list[str]:
    return [mean_text(means[name], digits) for name, (_, digits) in COMPARED.items()]

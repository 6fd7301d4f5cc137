"""Calls that stand for popular apps through Tor: WebRTC's, relayed over TCP and through Tor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.ends import CALLEE
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.good_calls import has_good_pesq, share_of
from lab.report.naming import told_apart, without
from lab.report.scenarios import BACKGROUND, keys_of_nodes
from lab.report.selection import by_point, mean_of, valid_ones
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.dimensions.method import METHOD
from lab.sweep.dimensions.rate import RATE
from lab.sweep.point import Point

STAND_IN = "w-tor"
"""The method that stands for such an app."""


@dataclass(frozen=True, slots=True)
class AppCalls:
    """The calls of a run that differ in nothing but place, as the callee heard them."""

    point: Point
    """Without places."""
    others: str
    """What distinguishes it from others of the run."""
    counts: Counts
    pesq_mos: Interval
    above_3: Interval
    """Share of valid calls, 0 to 1, with its Wilson interval."""
    delay_ms: Interval
    """Mean of each valid call's median one-way delay."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


def app_calls(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[AppCalls, ...]:
    """Those on links that nothing caps, alone or amid other users of Tor; nothing without any."""
    made = by_point(calls)
    called = [
        point
        for point in points
        if point.method == STAND_IN
        and point[RATE] is None
        and point[LOAD_KIND] in (NONE, BACKGROUND)
        and made.get(point.point_id)
    ]
    places = keys_of_nodes(called, ".place")
    alike: dict[Point, list[CallRecord]] = {}
    for point in called:
        alike.setdefault(without(point, places), []).extend(made[point.point_id])
    names = told_apart(list(alike), (METHOD,))
    return tuple(
        _row(point, others, some)
        for (point, some), others in zip(alike.items(), names, strict=True)
    )


def _row(point: Point, others: str, calls: Sequence[CallRecord]) -> AppCalls:
    valid = valid_ones(calls)
    return AppCalls(
        point=point,
        others=others,
        counts=count_calls(calls),
        pesq_mos=mean_of(valid, f"{CALLEE}_pesq_mos"),
        above_3=share_of(has_good_pesq(call, (CALLEE,)) for call in valid),
        delay_ms=mean_of(valid, f"{CALLEE}_owd_ms_p50"),
    )

"""Calls in which both ends are anonymous, beside those in which the caller alone is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any

from lab.ends import BOTH, CALLEE, CALLER
from lab.measure.good_call import GOOD_MOS
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls, share_interval
from lab.report.naming import told_apart
from lab.report.selection import by_point, hops_of, mean_of, valid_ones
from lab.sweep.dimension import Coordinate
from lab.sweep.dimensions.anonymous import ANONYMOUS
from lab.sweep.dimensions.hops import HOPS
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.dimensions.method import METHOD
from lab.sweep.point import Point
from lab.sweep.topology_key import PREFIX, topology_key

TOLD: tuple[Coordinate[Any], ...] = (
    METHOD,
    ANONYMOUS,
    HOPS,
    *topology_key(f"{PREFIX}tor.hops").coordinates,
)
"""What a row tells of its point beside its name."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one end heard in the valid calls at a point."""

    end: str
    """`caller` or `callee`."""
    mos: Interval
    above_3: Interval
    """Share of calls with a PESQ above 3, Wilson's interval."""
    delay_ms_p50: Interval
    """Of each call's median one-way delay."""
    jitter_ms: Interval


@dataclass(frozen=True, slots=True)
class AnonymityCalls:
    """The calls at one point."""

    point: Point
    others: str
    """What distinguishes its point from the others beyond what `TOLD` does."""
    hops: int | None
    """Of the caller's circuit; None without Tor, or where calls have different ones."""
    counts: Counts
    heard: tuple[Heard, ...]
    """By the caller, by the callee."""
    relays_in_both: float | None
    """How many relays the two circuits of a call have in common, mean; None with one circuit."""

    @property
    def anonymous(self) -> str:
        """Whom Tor hides: `caller`, `both`, or nobody."""
        return "nobody" if self.hops is None else self.point[ANONYMOUS]

    @property
    def hides_both(self) -> bool:
        """Whether both ends are anonymous."""
        return self.point[ANONYMOUS] == BOTH

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


def anonymities(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[AnonymityCalls, ...]:
    """Set calls that met no other traffic side by side; nothing where no call hides both ends."""
    if not any(point[ANONYMOUS] == BOTH for point in points):
        return ()
    made = by_point(calls)
    quiet = [p for p in points if p[LOAD_KIND] == NONE and p.point_id in made]
    names = told_apart(quiet, TOLD)
    return tuple(
        _row(point, name, made[point.point_id]) for point, name in zip(quiet, names, strict=True)
    )


def _row(point: Point, others: str, calls: Sequence[CallRecord]) -> AnonymityCalls:
    valid = valid_ones(calls)
    lengths = {hops for call in calls if (hops := hops_of(call))}
    common = [call.relays_in_both for call in valid if call.relays_in_both is not None]
    return AnonymityCalls(
        point=point,
        others=others,
        hops=lengths.pop() if len(lengths) == 1 else None,
        counts=count_calls(calls),
        heard=tuple(_heard(end, valid) for end in (CALLER, CALLEE)),
        relays_in_both=mean(common) if common else None,
    )


def _heard(end: str, calls: Sequence[CallRecord]) -> Heard:
    scores = [mos for call in calls if (mos := getattr(call, f"{end}_pesq_mos")) is not None]
    return Heard(
        end=end,
        mos=mean_of(calls, f"{end}_pesq_mos"),
        above_3=share_interval(sum(mos > GOOD_MOS for mos in scores), len(scores)),
        delay_ms_p50=mean_of(calls, f"{end}_owd_ms_p50"),
        jitter_ms=mean_of(calls, f"{end}_jitter_mean"),
    )

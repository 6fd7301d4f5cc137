"""From one study's share of good calls to the other's, in steps that add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from lab.ends import EACH_END
from lab.measure.differences import paired_share_interval
from lab.measure.intervals import negated, scaled, summed
from lab.measure.record import CallRecord
from lab.measure.statistics import Interval
from lab.report.corners import Corner
from lab.report.factorial import Factorial
from lab.report.factors import Factor, differing, value_at, values_at
from lab.report.good_calls import AS_SCORED, has_good_pesq, is_good, per_cent, share_of
from lab.report.responses import GOOD
from lab.sweep.plan import Plan
from lab.sweep.topology_key import PREFIX


class Kind(StrEnum):
    """What a bar is."""

    STUDY = "the study's figure"
    CORNER = "measured, all settings at once"
    MEASURED = "measured"
    REMAINDER = "remainder"
    UNEXPLAINED = "not explained"


TOTALS = (Kind.STUDY, Kind.CORNER)
"""These stand on the ground; the others are changes from one to the next."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A share of calls, or by how much it changes, in percentage points."""

    name: str
    kind: Kind
    size: Interval
    """Its estimate is never None."""

    @property
    def points(self) -> float:
        """Percentage points."""
        return self.size.estimate or 0.0


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The bars from one study's figure to the other's."""

    bars: tuple[Bar, ...]
    not_varied: tuple[str, ...]
    """What differs between the corners, and is no factor of the design."""
    not_told: tuple[str, ...]
    """Factors that differ between the corners and have no bar: no effect could be estimated, or a
    corner has a value that the design does not vary."""

    @property
    def starts(self) -> tuple[float, ...]:
        """Where each bar begins: the sum of all changes before it, from the first total on."""
        level, found = 0.0, []
        for bar in self.bars:
            found.append(0.0 if bar.kind in TOTALS else level)
            level = bar.points if bar.kind in TOTALS else level + bar.points
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def waterfall(
    plan: Plan, one: Corner, other: Corner, effects: Factorial | None
) -> Waterfall | None:
    """Take apart what lies between two studies, by the calls of their corners.

    None where a corner is no study's, or has no valid call of which the verdict is known.
    A factor's bar is its main effect on the share of good calls, for as much of it as differs
    between the corners; what is left is a bar of its own, so the bars add up.
    """
    if one.study is None or other.study is None:
        return None
    begun = [good for call in one.calls if (good := is_good(call, EACH_END)) is not None]
    scored = other.study.header_as_audio and other.good_as_scored.n > 0
    judged = [each for call in other.calls if (each := _verdicts(call, scored)) is not None]
    if not begun or not judged:
        return None
    start, end = one.study.good.value, other.study.good.value
    share_one = per_cent(share_of(begun))
    shares = [per_cent(share_of(verdicts)) for verdicts in zip(*judged, strict=True)]
    factors, not_told = _factor_bars(one, other, effects)
    apart = not {*one.points, *other.points} & {*plan.designed}
    gap = [shares[0], negated(share_one), *(negated(bar.size) for bar in factors)]
    together = summed(gap)
    bars = [
        Bar(one.study.study, Kind.STUDY, _exactly(start)),
        Bar(
            f"not explained at the settings of {one.study.study}",
            Kind.UNEXPLAINED,
            _moved(share_one, -start),
        ),
        Bar(f"corner {one.name}", Kind.CORNER, share_one),
        *factors,
        Bar(
            "together, and what the design does not vary",
            Kind.REMAINDER,
            together if apart else replace(together, low=None, high=None),
        ),
        *_rule_bars(judged, shares),
        Bar(f"corner {other.name}", Kind.CORNER, shares[-1]),
        Bar(
            f"not explained at the settings of {other.study.study}",
            Kind.UNEXPLAINED,
            _moved(negated(shares[-1]), end),
        ),
        Bar(other.study.study, Kind.STUDY, _exactly(end)),
    ]
    return Waterfall(tuple(bars), _not_varied(one, other, effects), tuple(not_told))


def _verdicts(call: CallRecord, scored: bool) -> tuple[bool, ...] | None:
    """Good by the first study's rule, by PESQ alone and, if asked, as the second scored it.

    None where one is not known, so that all are of the same calls.
    """
    found = [is_good(call, EACH_END), has_good_pesq(call, EACH_END)]
    if scored:
        found.append(has_good_pesq(call, EACH_END, AS_SCORED))
    known = [verdict for verdict in found if verdict is not None]
    return tuple(known) if len(known) == len(found) else None


def _rule_bars(judged: Sequence[tuple[bool, ...]], shares: Sequence[Interval]) -> list[Bar]:
    """What another rule makes of the same calls, and another way of scoring."""
    names = ("a good call by PESQ alone, whatever its delay", "header of the reference as audio")
    bars = []
    for step in range(1, len(shares)):
        now, before = ([verdicts[at] for verdicts in judged] for at in (step, step - 1))
        size = per_cent(paired_share_interval(now, before))
        bars.append(Bar(names[step - 1], Kind.MEASURED, size))
    return bars


def _factor_bars(
    one: Corner, other: Corner, effects: Factorial | None
) -> tuple[list[Bar], list[str]]:
    """A bar for each factor that differs between the corners, and the factors without one.

    The largest loss comes first.
    """
    bars: list[Bar] = []
    not_told: list[str] = []
    for effect in effects.main if effects else ():
        (factor,) = effect.factors
        size = effect.sizes[GOOD.name]
        here, there = (share_at_second(factor, corner) for corner in (one, other))
        if here is None or there is None or size.estimate is None:
            values = [{values_at(p, factor.coordinates) for p in c.points} for c in (one, other)]
            if values[0] != values[1]:
                not_told.append(factor.name)
        elif here != there:
            name = f"{factor.name}: {_value(factor, here)} → {_value(factor, there)}"
            bars.append(Bar(name, Kind.MEASURED, scaled(size, there - here)))
    return sorted(bars, key=lambda bar: bar.points), not_told


def share_at_second(factor: Factor, corner: Corner) -> float | None:
    """Share of a corner's valid calls at a factor's second value; None where one has neither."""
    at: Mapping[str | None, int | None] = {p.point_id: factor.level(p) for p in corner.points}
    levels = [at[call.point_id] for call in corner.calls]
    known = [level for level in levels if level is not None]
    if not known or len(known) < len(levels):
        return None
    return sum(level > 0 for level in known) / len(known)


def _value(factor: Factor, share: float) -> str:
    if share in (0.0, 1.0):
        return factor.second if share else factor.first
    return f"{factor.second} in {100 * share:.0f} %"


def _not_varied(one: Corner, other: Corner, effects: Factorial | None) -> tuple[str, ...]:
    told = {each for factor in (effects.factors if effects else ()) for each in factor.coordinates}
    return tuple(
        each.name.removeprefix(PREFIX)
        for each in differing([*one.points, *other.points])
        if each not in told
        and {value_at(p, each) for p in one.points} != {value_at(p, each) for p in other.points}
    )


def _exactly(value: float) -> Interval:
    """A study's figure, which has no interval here."""
    return Interval(value, None, None, 0, 0, 0.95)


def _moved(interval: Interval, by: float) -> Interval:
    ends = [None if x is None else x + by for x in (interval.low, interval.high)]
    return replace(interval, estimate=(interval.estimate or 0.0) + by, low=ends[0], high=ends[1])

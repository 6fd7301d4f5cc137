"""Runs that change one thing at a time: what each change does, and whose it is to make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.factors import differing, is_named_apart, name_of, value_at, value_in_words
from lab.report.naming import in_words
from lab.report.responses import ACCESS, DELAY, GOOD, JITTER, PESQ
from lab.report.selection import by_point, valid_ones
from lab.sweep.design import ONE_AT_A_TIME
from lab.sweep.dimension import Coordinate
from lab.sweep.plan import Plan
from lab.sweep.point import Point
from lab.sweep.topology_key import PREFIX

RESPONSES = (DELAY, PESQ, JITTER, ACCESS, GOOD)
FEWEST = 3
"""Pairs of valid calls below which nothing is claimed."""
TORS = f"{PREFIX}tor."
CALLERS_OWN = (f"{TORS}hops",)
"""Keys of Tor that every client can choose by itself."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing other than at the base point."""

    point: Point
    now: str
    """The changed values in words ..."""
    before: str
    """... and the base's."""
    callers: bool
    """Whether a caller can make it today; otherwise Tor's, or relays' operators."""
    counts: Counts
    pairs: int
    """Valid calls of which the base has one of the same seed: over the same relays."""
    differences: dict[str, Interval]
    """By response: its calls less their partners at the base."""

    @property
    def enough(self) -> bool:
        """Whether there are pairs enough to claim anything."""
        return self.pairs >= FEWEST

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


@dataclass(frozen=True, slots=True)
class Advice:
    """All changes of a run, each beside the same calls."""

    base: Point
    base_in_words: str
    base_counts: Counts
    levels: dict[str, Interval]
    """By response: the base's own means."""
    changes: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "base": self.base.to_dict(),
            "base_counts": asdict(self.base_counts),
            "levels": {name: asdict(level) for name, level in self.levels.items()},
            "changes": [change.to_dict() for change in self.changes],
        }


def advice(plan: Plan, calls: Sequence[CallRecord]) -> Advice | None:
    """Set every change of a one-at-a-time plan beside its first point; None for other plans."""
    points = plan.designed
    if plan.design != ONE_AT_A_TIME or len(points) < 2:
        return None
    made = by_point(calls)
    varied = differing(points)
    base = points[0]
    mine = valid_ones(made.get(base.point_id, []))
    return Advice(
        base=base,
        base_in_words=in_words(base, varied) or "all as usual",
        base_counts=count_calls(made.get(base.point_id, [])),
        levels={each.name: each.mean(mine) for each in RESPONSES},
        changes=tuple(
            _change(point, base, varied, made.get(point.point_id, []), mine)
            for point in points
            if point != base
        ),
    )


def _change(
    point: Point,
    base: Point,
    varied: Sequence[Coordinate[Any]],
    calls: Sequence[CallRecord],
    others: Sequence[CallRecord],
) -> Change:
    changed = [each for each in varied if value_at(point, each) != value_at(base, each)]
    partners = {call.seed: call for call in others}
    pairs = [(call, partners[call.seed]) for call in valid_ones(calls) if call.seed in partners]
    return Change(
        point=point,
        now=_said(point, changed),
        before=value_in_words(base, changed),
        callers=all(not each.name.startswith(TORS) or each.name in CALLERS_OWN for each in changed),
        counts=count_calls(calls),
        pairs=len(pairs),
        differences={each.name: each.difference(pairs) for each in RESPONSES},
    )


def _said(point: Point, changed: Sequence[Coordinate[Any]]) -> str:
    """With the name of what is changed where the value alone does not tell it."""
    value = value_in_words(point, changed)
    told = in_words(point, changed) and not any(is_named_apart(each) for each in changed)
    return value if told else f"{name_of(changed, [point])} {value}"

"""Named corners of an experiment: all settings as one study had them, beside its figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.ends import EACH_END
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.agreement import Agreement, compare
from lab.report.good_calls import AS_SCORED, good_share, has_good_pesq, per_cent, share_of
from lab.report.paper import CORNERS, StudyCorner
from lab.report.responses import DELAY
from lab.report.selection import by_point, mean_of, valid_ones
from lab.sweep.plan import Plan
from lab.sweep.point import Point


@dataclass(frozen=True, slots=True)
class Corner:
    """The calls of one corner; means and shares are over its valid calls."""

    name: str
    points: tuple[Point, ...]
    calls: tuple[CallRecord, ...]
    """The valid ones."""
    counts: Counts
    mos: dict[str, Interval]
    """By end."""
    owd_ms_p50: Interval
    """Mean of each call's median at its worse end."""
    jitter_ms: dict[str, Interval]
    good: Interval
    """Share with PESQ above 3 and a delay below 400 ms at both ends, 0 to 1."""
    good_pesq: Interval
    """Share with PESQ above 3 at both ends."""
    good_as_scored: Interval
    """The same as the second study's program scored."""
    study: StudyCorner | None
    """Whose settings these are."""

    @property
    def by_studys_rule(self) -> Interval | None:
        """Its share of good calls, as the study counts them; None where it is no study's corner.

        By right scores where the calls have none of the study's way of scoring.
        """
        if self.study is None:
            return None
        if self.study.asks_for_delay:
            return self.good
        if self.study.header_as_audio and self.good_as_scored.n:
            return self.good_as_scored
        return self.good_pesq

    @property
    def agreement(self) -> Agreement | None:
        """Whether it agrees with the study's figure, by the rule of every report."""
        share = self.by_studys_rule
        if self.study is None or share is None:
            return None
        return compare(self.study.good, per_cent(share))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "points": [point.to_dict() for point in self.points],
            "counts": asdict(self.counts),
            "mos": {end: asdict(interval) for end, interval in self.mos.items()},
            "owd_ms_p50": asdict(self.owd_ms_p50),
            "jitter_ms": {end: asdict(interval) for end, interval in self.jitter_ms.items()},
            "good": asdict(self.good),
            "good_pesq": asdict(self.good_pesq),
            "good_as_scored": asdict(self.good_as_scored),
            "study": asdict(self.study) if self.study else None,
            "agreement": self.agreement,
        }


def corners_of(plan: Plan, calls: Sequence[CallRecord]) -> tuple[Corner, ...]:
    """Every corner of the run, with or without calls so far.

    A study's settings may be in parts, where no one phone speaks all its codecs, say: corners that
    are called `choppy-…` are `choppy` together, and stand by themselves too.
    """
    made = by_point(calls)
    sets: dict[str, tuple[Point, ...]] = {}
    for study in CORNERS:
        parts = [name for name in plan.corners if name == study or name.startswith(f"{study}-")]
        if parts:
            points = (point for part in parts for point in plan.corners[part])
            sets[study] = tuple(dict.fromkeys(points))
    others = {name: points for name, points in plan.corners.items() if name not in sets}
    return tuple(
        _corner(name, points, [call for p in points for call in made.get(p.point_id, [])])
        for name, points in (sets | others).items()
    )


def _corner(name: str, points: tuple[Point, ...], calls: Sequence[CallRecord]) -> Corner:
    valid = valid_ones(calls)
    return Corner(
        name=name,
        points=points,
        calls=tuple(valid),
        counts=count_calls(calls),
        mos={end: mean_of(valid, f"{end}_pesq_mos") for end in EACH_END},
        owd_ms_p50=DELAY.mean(valid),
        jitter_ms={end: mean_of(valid, f"{end}_jitter_mean") for end in EACH_END},
        good=good_share(valid, EACH_END),
        good_pesq=_share(valid, "pesq_mos"),
        good_as_scored=_share(valid, AS_SCORED),
        study=CORNERS.get(name),
    )


def _share(calls: Sequence[CallRecord], column: str) -> Interval:
    return share_of(has_good_pesq(call, EACH_END, column) for call in calls)

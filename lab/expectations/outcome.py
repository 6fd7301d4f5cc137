"""What became of expectations: at every point they are about, what was measured beside the bound.

An expectation is met where its statistic meets the bound at every one of its points. The statistic
is taken over the valid calls of a point; its interval stands beside it and decides nothing. A point
without a valid call meets no expectation, nor does one where the measure was not measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.expectations.notation import Expectation
from lab.expectations.points import points_meant
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.selection import by_point, valid_ones
from lab.sweep.point import Point

MOST_DIGITS = 9
RULE = (
    "An expectation is met where its statistic over the valid calls of every point it is about "
    "meets the bound; the interval stands beside it and does not decide. A point without a valid "
    "call meets none."
)


@dataclass(frozen=True, slots=True)
class AtPoint:
    """One point of an expectation."""

    expectation: Expectation
    point_id: str
    measured: Interval
    counts: Counts
    """Of all calls made there."""

    @property
    def met(self) -> bool:
        """Whether the bound is kept there."""
        estimate = self.measured.estimate
        return self.counts.valid > 0 and estimate is not None and self.expectation.holds(estimate)

    @property
    def is_close(self) -> bool:
        """Whether the interval reaches across the bound."""
        low, high = self.measured.low, self.measured.high
        if low is None or high is None:
            return False
        return self.expectation.holds(low) != self.expectation.holds(high)

    @property
    def figure(self) -> str:
        """What was measured, with its interval and unit: `61.2 ms (60.8-61.5)`."""
        estimate, low, high = self.measured.estimate, self.measured.low, self.measured.high
        if estimate is None:
            return "no valid call" if self.counts.valid == 0 else "not measured"
        digits = self._digits(estimate)
        unit = self.expectation.measure.unit.words
        text = f"{estimate:.{digits}f}" + (f" {unit}" if unit else "")
        return text if low is None else f"{text} ({low:.{digits}f}-{high:.{digits}f})"

    def _digits(self, estimate: float) -> int:
        """Enough of them that a figure is seen on the side of the bound on which it is."""
        least, holds = self.expectation.measure.unit.digits, self.expectation.holds
        return next(
            (n for n in range(least, MOST_DIGITS) if holds(round(estimate, n)) == holds(estimate)),
            MOST_DIGITS,
        )

    @property
    def words(self) -> str:
        """The point in a sentence: `sip.PCMU.to-callee: 4.39 (4.38-4.41), n = 10, …`."""
        counts = self.counts
        return (
            f"{self.point_id}: {self.figure}, n = {self.measured.n}, {counts.valid} valid, "
            f"{counts.invalid} invalid, {counts.failed} failed"
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """An expectation and its points, of which there is at least one."""

    expectation: Expectation
    at: tuple[AtPoint, ...]

    @property
    def met(self) -> bool:
        """Whether the bound is kept at every point."""
        return not self.failing

    @property
    def failing(self) -> list[AtPoint]:
        """The points at which it is not."""
        return [each for each in self.at if not each.met]

    @property
    def words(self) -> str:
        """The outcome in a sentence: `met at all 3 points`, `not met at 2 of 3 points`."""
        verdict = "met" if self.met else "not met"
        if len(self.at) == 1:
            return f"{verdict} at its one point"
        count = f"all {len(self.at)}" if self.met else f"{len(self.failing)} of {len(self.at)}"
        return f"{verdict} at {count} points"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        expectation = self.expectation
        return {
            "expectation": expectation.text,
            "measure": expectation.measure.name,
            "unit": expectation.measure.unit.words or None,
            "statistic": expectation.statistic.name,
            "comparison": expectation.comparison,
            "bound": expectation.bound,
            "met": self.met,
            "points": [
                {
                    "point_id": each.point_id,
                    "measured": asdict(each.measured),
                    **asdict(each.counts),
                    "met": each.met,
                    "interval_reaches_across": each.is_close,
                }
                for each in self.at
            ],
        }


def outcomes(
    expectations: Iterable[Expectation], points: Sequence[Point], calls: Sequence[CallRecord]
) -> tuple[Outcome, ...]:
    """Set expectations beside the calls that were made at an experiment's points.

    UsageError where one is about no point.
    """
    made = by_point(calls)
    return tuple(
        Outcome(
            expectation,
            tuple(
                _at_point(expectation, point, made.get(point.point_id, []))
                for point in points_meant(expectation, points)
            ),
        )
        for expectation in expectations
    )


def _at_point(expectation: Expectation, point: Point, calls: Sequence[CallRecord]) -> AtPoint:
    measure = expectation.measure
    known = [
        float(value)
        for call in (calls if measure.of_every_call else valid_ones(calls))
        if (value := measure.of(call, point)) is not None
    ]
    return AtPoint(expectation, point.point_id, expectation.statistic.of(known), count_calls(calls))

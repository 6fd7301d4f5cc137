"""What a report says of a run by its design, before it looks at single points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lab.measure.record import CallRecord
from lab.report.advice import advice
from lab.report.advice_section import advice_section
from lab.report.corners import corners_of
from lab.report.corners_section import corners_section
from lab.report.factorial import factorial
from lab.report.factorial_section import factorial_section
from lab.report.pages import Section
from lab.report.paper import FROM_CORNER, TO_CORNER
from lab.report.scoring import scoring
from lab.report.waterfall import waterfall
from lab.sweep.design import TWO_LEVEL
from lab.sweep.plan import Plan
from lab.sweep.point import Point


def designed_sections(
    plan: Plan, calls: Sequence[CallRecord]
) -> Iterator[tuple[dict[str, Any], Section]]:
    """Effects, corners and advice, as far as the plan has them: by name in the data, and told."""
    effects = factorial(plan, calls)
    if effects:
        scored = scoring(calls)
        yield (
            {"effects": effects.to_dict(), "scoring": scored.to_dict() if scored else None},
            factorial_section(effects, scored),
        )
    if corners := corners_of(plan, calls):
        named = {corner.name: corner for corner in corners}
        one, other = named.get(FROM_CORNER), named.get(TO_CORNER)
        steps = waterfall(plan, one, other, effects) if one and other else None
        yield (
            {
                "corners": [corner.to_dict() for corner in corners],
                "waterfall": steps.to_dict() if steps else None,
            },
            corners_section(corners, steps),
        )
    if found := advice(plan, calls):
        yield {"advice": found.to_dict()}, advice_section(found)


def told_one_by_one(plan: Plan) -> tuple[Point, ...]:
    """The points of which other sections tell: none of a design whose points mean nothing alone."""
    return () if plan.design in TWO_LEVEL else plan.points

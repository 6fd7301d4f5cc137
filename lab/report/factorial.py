"""Runs of a two-level design: what each factor does by itself, and what two do together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from lab.measure.capture import Floats
from lab.measure.intervals import scaled
from lab.measure.least_squares import least_squares
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls
from lab.report.factors import Factor, differing, factors_of
from lab.report.responses import CALLEE_PESQ, CALLER_PESQ, DELAY, GOOD, GOOD_PESQ, PESQ, Response
from lab.report.selection import by_point, valid_ones
from lab.sweep.design import INTERACTIONS, TWO_LEVEL
from lab.sweep.plan import Plan

RESPONSES = (PESQ, CALLER_PESQ, CALLEE_PESQ, DELAY, GOOD, GOOD_PESQ)


@dataclass(frozen=True, slots=True)
class FactorEffect:
    """A factor's main effect, or how two act together."""

    factors: tuple[Factor, ...]
    """One, or the two of an interaction."""
    sizes: dict[str, Interval]
    """By the response's name. Second value less first, the other factors at the middle of their
    values; of two, half of how much more the one does at the other's second value."""

    @property
    def name(self) -> str:
        """`tor.nodelay`, `tor.nodelay with hops`."""
        return " with ".join(factor.name for factor in self.factors)


@dataclass(frozen=True, slots=True)
class Factorial:
    """The calls of a designed run."""

    design: str
    factors: tuple[Factor, ...]
    left_out: tuple[str, ...]
    """Coordinates with more than two values, which the model does not have."""
    effects: tuple[FactorEffect, ...]
    """Main effects in the factors' order, then interactions."""
    counts: Counts
    counts_at: dict[str, tuple[Counts, Counts]]
    """Factor → the calls at its first value and at its second."""
    residual_freedom: dict[str, int]
    """Response → degrees of freedom that the model leaves for its intervals."""
    saturated: bool
    """Whether the model has a term for every point, so that only calls at one point differ."""

    @property
    def main(self) -> tuple[FactorEffect, ...]:
        """Of single factors."""
        return tuple(effect for effect in self.effects if len(effect.factors) == 1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "design": self.design,
            "factors": [factor.to_dict() for factor in self.factors],
            "left_out": list(self.left_out),
            "effects": [
                {
                    "factors": [factor.name for factor in effect.factors],
                    "sizes": {name: asdict(size) for name, size in effect.sizes.items()},
                }
                for effect in self.effects
            ],
            "counts": asdict(self.counts),
            "counts_at": {
                name: [asdict(each) for each in both] for name, both in self.counts_at.items()
            },
            "residual_freedom": self.residual_freedom,
        }


def factorial(plan: Plan, calls: Sequence[CallRecord]) -> Factorial | None:
    """Estimate the effects of a two-level design; None where the run has none, or no call yet.

    Valid calls alone enter, of which the response is known: each is a row, so a design that lost
    calls is weighed as it is.
    """
    factors = factors_of(plan.designed) if plan.design in TWO_LEVEL else ()
    made = by_point(calls)
    mine = [call for point in plan.designed for call in made.get(point.point_id, [])]
    if not factors or not mine:
        return None
    levels: dict[str | None, list[int]] = {
        p.point_id: [factor.level(p) or 0 for factor in factors] for p in plan.designed
    }
    terms = [(index,) for index in range(len(factors))]
    pairs = list(combinations(range(len(factors)), 2)) if plan.design == INTERACTIONS else []
    fitted = {
        each.name: _fit(each, valid_ones(mine), levels, [*terms, *pairs]) for each in RESPONSES
    }
    return Factorial(
        design=plan.design,
        factors=factors,
        left_out=_left_out(plan, factors),
        effects=tuple(
            FactorEffect(
                tuple(factors[index] for index in term),
                {name: sizes[position] for name, (sizes, _) in fitted.items()},
            )
            for position, term in enumerate([*terms, *pairs])
        ),
        counts=count_calls(mine),
        counts_at={
            factor.name: (
                count_calls([call for call in mine if levels[call.point_id][index] < 0]),
                count_calls([call for call in mine if levels[call.point_id][index] > 0]),
            )
            for index, factor in enumerate(factors)
        },
        residual_freedom={name: freedom for name, (_, freedom) in fitted.items()},
        saturated=len(plan.designed) <= 1 + len(terms) + len(pairs),
    )


def _fit(
    response: Response,
    calls: Sequence[CallRecord],
    levels: Mapping[str | None, list[int]],
    terms: Sequence[tuple[int, ...]],
) -> tuple[list[Interval], int]:
    """The size of every term, and what degrees of freedom are left."""
    known = [
        (levels[call.point_id], value) for call in calls if (value := response.of(call)) is not None
    ]
    matrix: Floats = np.array(
        [
            [1.0, *(float(np.prod([coded[index] for index in term])) for term in terms)]
            for coded, _ in known
        ],
        np.float64,
    ).reshape(len(known), 1 + len(terms))
    fit = least_squares(matrix, np.array([value for _, value in known], np.float64))
    return [scaled(coefficient, 2) for coefficient in fit.coefficients[1:]], fit.residual_freedom


def _left_out(plan: Plan, factors: Sequence[Factor]) -> tuple[str, ...]:
    told = {each for factor in factors for each in factor.coordinates}
    return tuple(each.name for each in differing(plan.designed) if each not in told)

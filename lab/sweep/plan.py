"""The calls of a run in the order they are to be made, frozen before the first one."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.sweep.point import Point
from lab.sweep.variants import variant_of

if TYPE_CHECKING:
    from lab.sweep.experiment import Experiment


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call that may have to be made."""

    point: Point
    number: int
    """Counts the calls at a point, from 1."""
    seed: int
    """Chooses the call's circuit."""


@dataclass(frozen=True)
class Plan:
    """Every call that a run may make.

    The first `calls` of each point are wanted; the others stand in for calls that turn out
    invalid or fail, or make a mean more precise, in rounds of their own, so that a bad minute of
    the host does not meet the same point again at once.
    """

    calls: int
    """Valid calls wanted at each point, or the fewest of them where a precision is wanted."""
    points: tuple[Point, ...]
    order: tuple[PlannedCall, ...]
    fit: tuple[str, ...] = ()
    """Coordinates of the points; see `Experiment`."""
    precision_mos: float | None = None
    """Half the width of a confidence interval; see `Experiment`."""

    @cached_property
    def calls_at_most(self) -> int:
        """Calls that may be made at one point."""
        return max(planned.number for planned in self.order)

    def to_json(self) -> str:
        """The plan as text, from which `plan_from_json` makes it again."""
        positions = {point: index for index, point in enumerate(self.points)}
        return json.dumps(
            {
                "calls": self.calls,
                "fit": self.fit,
                "precision_mos": self.precision_mos,
                "points": [point.to_dict() for point in self.points],
                "order": [
                    [positions[planned.point], planned.number, planned.seed]
                    for planned in self.order
                ],
            }
        )


def plan_from_json(text: str) -> Plan:
    """The plan that `Plan.to_json` wrote."""
    data = json.loads(text)
    points = tuple(_point(values) for values in data["points"])
    order = tuple(PlannedCall(points[index], number, seed) for index, number, seed in data["order"])
    fit = tuple(data.get("fit", ()))
    return Plan(data["calls"], points, order, fit, data.get("precision_mos"))


def _point(values: dict[str, Any]) -> Point:
    try:
        return Point(**values)
    except KeyError as error:
        raise LabError(
            f"the run varies {error}, which this version of the lab does not know",
            "Use the version that made it.",
        ) from None


def make_plan(experiment: Experiment) -> Plan:
    """Order the experiment's calls at random, by its seed alone.

    Points with the same topology stay together within a round, because another one needs the lab
    brought up anew; everything else is mixed. ValueError where two points have one name.
    """
    if len({point.point_id for point in experiment.points}) < len(experiment.points):
        raise ValueError("a dimension's label does not tell its values apart")
    chance = random.Random(experiment.seed)  # noqa: S311 - an order, no secret
    order: list[PlannedCall] = []
    wanted, at_most = experiment.calls, experiment.calls_at_most
    for first in range(1, at_most + 1, wanted):
        numbers = range(first, min(first + wanted, at_most + 1))
        variants = list(dict.fromkeys(map(variant_of, experiment.points)))
        chance.shuffle(variants)
        for variant in variants:
            block = [
                PlannedCall(point, number, chance.getrandbits(31))
                for point in experiment.points
                if variant_of(point) == variant
                for number in numbers
            ]
            chance.shuffle(block)
            order += block
    return Plan(wanted, experiment.points, tuple(order), experiment.fit, experiment.precision_mos)

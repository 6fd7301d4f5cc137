"""The calls of a run in the order they are to be made, frozen before the first one."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.sweep.design import FULL, ONE_AT_A_TIME
from lab.sweep.point import Point
from lab.sweep.variants import variant_of

if TYPE_CHECKING:
    from lab.sweep.experiment import Experiment


CALIBRATION = 0
"""The number of a call that shows what a host does to calls, before those of a run."""


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call that may have to be made."""

    point: Point
    number: int
    """Counts the calls at a point, from 1; `CALIBRATION` is none of the plan's."""
    seed: int
    """Chooses the call's circuit."""

    @property
    def calibrates(self) -> bool:
        """Whether it is none of the plan's."""
        return self.number == CALIBRATION


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
    design: str = FULL
    """Of `lab.sweep.design.DESIGNS`: how points were taken from the grid."""
    corners: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    """Named sets of points; see `Experiment`."""
    beside: tuple[Point, ...] = ()
    """The points that corners alone have."""

    @cached_property
    def designed(self) -> tuple[Point, ...]:
        """The points of the design: all but those that corners alone have."""
        beside = set(self.beside)
        return tuple(point for point in self.points if point not in beside)

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
                "design": self.design,
                "corners": {
                    name: [positions[point] for point in points]
                    for name, points in self.corners.items()
                },
                "beside": [positions[point] for point in self.beside],
                "points": [point.to_dict() for point in self.points],
                "order": [
                    [positions[planned.point], planned.number, planned.seed]
                    for planned in self.order
                ],
            }
        )


def plan_from_json(text: str) -> Plan:
    """The plan that `Plan.to_json` wrote; LabError where it is none that this version can read."""
    try:
        return _plan(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise LabError(
            f"the run's plan cannot be read: {type(error).__name__}: {error}",
            "It was damaged or written by hand.",
        ) from error


def _plan(data: dict[str, Any]) -> Plan:
    points = tuple(_point(values) for values in data["points"])
    order = tuple(PlannedCall(points[index], number, seed) for index, number, seed in data["order"])
    fit = tuple(data.get("fit", ()))

    def named(indices: list[int]) -> tuple[Point, ...]:
        return tuple(points[index] for index in indices)

    return Plan(
        data["calls"],
        points,
        order,
        fit,
        data.get("precision_mos"),
        design=data.get("design", FULL),
        corners={name: named(indices) for name, indices in data.get("corners", {}).items()},
        beside=named(data.get("beside", [])),
    )


def _point(values: dict[str, Any]) -> Point:
    try:
        point = Point(**values)
    except KeyError as error:
        raise LabError(
            f"the run varies {error}, which this version of the lab does not know",
            "Use the version that made it.",
        ) from None
    # A value of another kind than its coordinate's shows in the name, and would fail later.
    if not point.point_id:
        raise ValueError("a point has no name")
    return point


def make_plan(experiment: Experiment) -> Plan:
    """Order the experiment's calls at random, by its seed alone.

    Points with the same topology stay together within a round, because another one needs the lab
    brought up anew; everything else is mixed. Where one thing is changed at a time, the calls of
    one number have one seed at every point, and so circuits that differ in that alone. ValueError
    where two points have one name.
    """
    if len({point.point_id for point in experiment.points}) < len(experiment.points):
        raise ValueError("a dimension's label does not tell its values apart")
    chance = random.Random(experiment.seed)  # noqa: S311 - an order, no secret
    order: list[PlannedCall] = []
    wanted, at_most = experiment.calls, experiment.calls_at_most
    paired = experiment.design == ONE_AT_A_TIME
    common = [chance.getrandbits(31) for _ in range(at_most)] if paired else []
    for first in range(1, at_most + 1, wanted):
        numbers = range(first, min(first + wanted, at_most + 1))
        variants = list(dict.fromkeys(map(variant_of, experiment.points)))
        chance.shuffle(variants)
        for variant in variants:
            block = [
                PlannedCall(point, number, common[number - 1] if paired else chance.getrandbits(31))
                for point in experiment.points
                if variant_of(point) == variant
                for number in numbers
            ]
            chance.shuffle(block)
            order += block
    return Plan(
        wanted,
        experiment.points,
        tuple(order),
        experiment.fit,
        experiment.precision_mos,
        design=experiment.design,
        corners=experiment.corners,
        beside=experiment.beside,
    )

"""What each choice does by itself: calls that differ in it alone, set side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from lab.measure.good_call import GOOD_MOS
from lab.report.contention import Curve, Step
from lab.report.naming import USUAL, in_words, without
from lab.report.pages import Table
from lab.sweep.dimension import Coordinate, Dimension
from lab.sweep.point import Point, dimensions_of
from lab.sweep.written import Scalar

_Value = tuple[Scalar, ...]
"""Of the coordinates that are chosen together."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One value of one choice, over the steps at which every other value of it was tried too."""

    choice: str
    value: str
    steps: int
    """How many steps, the same for every value of the choice."""
    mos: float
    """Mean over them of their mean PESQ, each step the same weight."""
    owd_ms_p50: float
    """Mean over them of their median one-way delay."""
    good_steps: int
    """At how many of them the mean PESQ is not below 3."""


def effects(curves: Sequence[Curve]) -> tuple[Effect, ...]:
    """The values of every choice that varies, compared where nothing else does.

    Empty where fewer than two choices vary: then the curves themselves tell it.
    """
    dimensions = dimensions_of([curve.point for curve in curves])
    told = [rows for dimension in dimensions if (rows := _effects_of(curves, dimension))]
    return tuple(row for rows in told for row in rows) if len(told) > 1 else ()


def effects_table(found: Sequence[Effect]) -> Table:
    """They as a table."""
    rows = [
        (
            effect.choice,
            effect.value,
            f"{effect.mos:.2f}",
            f"{effect.owd_ms_p50:.0f}",
            f"{effect.good_steps} of {effect.steps}",
        )
        for effect in found
    ]
    columns = ("", "", "mean PESQ", "mean delay", f"PESQ {GOOD_MOS:g} or more")
    title = "What each choice does: means over the steps that differ in it alone, MOS-LQO, ms"
    return Table(title, columns, tuple(rows), 2)


def _effects_of(curves: Sequence[Curve], dimension: Dimension) -> list[Effect]:
    chosen = (*dimension.coordinates, *dimension.brings)
    values = {_value(curve.point, chosen): curve.point for curve in curves}
    sets: dict[tuple[Point, int], dict[_Value, Step]] = {}
    for curve in curves:
        for step in curve.steps:
            if step.mos.estimate is not None and step.owd_ms_p50.estimate is not None:
                alike = without(curve.point, chosen), step.count
                sets.setdefault(alike, {})[_value(curve.point, chosen)] = step
    complete = [steps for steps in sets.values() if len(steps) == len(values) > 1]
    return [
        _effect(
            dimension.choice or dimension.name,
            in_words(point, chosen) or USUAL,
            [steps[value] for steps in complete],
        )
        for value, point in values.items()
        if complete
    ]


def _effect(choice: str, value: str, steps: Sequence[Step]) -> Effect:
    means = [step.mos.estimate for step in steps if step.mos.estimate is not None]
    delays = [s.owd_ms_p50.estimate for s in steps if s.owd_ms_p50.estimate is not None]
    good = sum(mean >= GOOD_MOS for mean in means)
    return Effect(choice, value, len(steps), fmean(means), fmean(delays), good)


def _value(point: Point, chosen: Iterable[Coordinate[Any]]) -> _Value:
    return tuple(point[coordinate] for coordinate in chosen)

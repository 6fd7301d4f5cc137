"""What each choice does by itself: calls that differ in it alone, set side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from lab.report.contention import Curve, Step
from lab.report.naming import value_in_words
from lab.report.pages import Table
from lab.report.paper import GOOD_PESQ
from lab.sweep.point import Point

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "method": ("method", "codec"),
    "playout": ("playout",),
    "direction": ("direction",),
    "link": ("rate_kbps",),
    "placement": ("placement",),
    "queue": ("queue_packets",),
    "load": ("load_kind", "load_through"),
    "cipher": ("cipher", "digest"),
}
"""What is chosen, and the fields of a point that are chosen with it."""

_Value = tuple[str | int | None, ...]
"""Of such fields."""


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
    found = {choice: _effects_of(curves, choice, names) for choice, names in _CHOICES.items()}
    told = [rows for rows in found.values() if rows]
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
    columns = ("", "", "mean PESQ", "mean delay", f"PESQ {GOOD_PESQ:g} or more")
    title = "What each choice does: means over the steps that differ in it alone, MOS-LQO, ms"
    return Table(title, columns, tuple(rows), 2)


def _effects_of(curves: Sequence[Curve], choice: str, names: tuple[str, ...]) -> list[Effect]:
    values = dict.fromkeys(_value(curve.point, names) for curve in curves)
    sets: dict[tuple[Point, int], dict[_Value, Step]] = {}
    for curve in curves:
        unchosen: dict[str, Any] = dict.fromkeys(names)
        for step in curve.steps:
            if step.mos.estimate is not None and step.owd_ms_p50.estimate is not None:
                alike = replace(curve.point, **unchosen), step.count
                sets.setdefault(alike, {})[_value(curve.point, names)] = step
    complete = [steps for steps in sets.values() if len(steps) == len(values) > 1]
    return [
        _effect(choice, _in_words(names, value), [steps[value] for steps in complete])
        for value in values
        if complete
    ]


def _effect(choice: str, value: str, steps: Sequence[Step]) -> Effect:
    means = [step.mos.estimate for step in steps if step.mos.estimate is not None]
    delays = [s.owd_ms_p50.estimate for s in steps if s.owd_ms_p50.estimate is not None]
    good = sum(mean >= GOOD_PESQ for mean in means)
    return Effect(choice, value, len(steps), fmean(means), fmean(delays), good)


def _value(point: Point, names: tuple[str, ...]) -> _Value:
    return tuple(getattr(point, name) for name in names)


def _in_words(names: tuple[str, ...], value: _Value) -> str:
    said = [value_in_words(name, part) for name, part in zip(names, value, strict=True)]
    return ", ".join(filter(None, said)) or "the usual"

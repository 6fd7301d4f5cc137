"""Expectations as they are written: `pesq>=4.2 at load=0`, `p95 delay<=400ms`, `good>80%`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.errors import UsageError
from lab.expectations.measure import Measure, measure_named
from lab.expectations.statistic import MEAN, SHARE, Statistic, statistic_named

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_BOUND = re.compile(
    r"(?:(\w{1,40})\s+)?(\w{1,80})\s*(>=|<=|>|<)\s*(-?\d{1,9}(?:\.\d{1,9})?)\s*(%|[A-Za-z]{1,9})?",
    re.ASCII,
)
_AT = re.compile(r"\s+at\s+")
_BETWEEN = re.compile(r",\s*(?=[\w.-]+\s*=)")
"""Values may have commas in them: what follows one that separates is a name and `=`."""
_HINT = (
    "Write a measure, a comparison and a bound, such as 'pesq>=4.2', 'p95 delay<=400ms' or "
    "'good>=80% at method=v-tor, load=0'."
)


@dataclass(frozen=True, eq=False, slots=True)
class Expectation:
    """A bound on what is measured at some points of an experiment."""

    text: str
    """As it was written, on one line."""
    statistic: Statistic
    measure: Measure
    comparison: str
    """Of `COMPARISONS`."""
    bound: float
    """In the measure's unit."""
    at: tuple[tuple[str, str], ...] = ()
    """Dimensions and the values that the points have of them, both as they were written."""

    def holds(self, value: float) -> bool:
        """Whether a value keeps to the bound."""
        return COMPARISONS[self.comparison](value, self.bound)


def parse_expectation(text: str) -> Expectation:
    """What is written, without regard to any experiment; UsageError says what is wrong with it."""
    said = " ".join(text.split())
    bound, *where = _AT.split(said, maxsplit=1)
    match = _BOUND.fullmatch(bound)
    if not match:
        raise UsageError(f"{said!r} is not an expectation", _HINT)
    measure = measure_named(match[2])
    return Expectation(
        text=said,
        statistic=_statistic(match[1], measure),
        measure=measure,
        comparison=match[3],
        bound=_bound(measure, match[4], match[5]),
        at=tuple(_pair(said, item) for item in _BETWEEN.split(where[0])) if where else (),
    )


def _statistic(name: str | None, measure: Measure) -> Statistic:
    if name is None:
        return SHARE if measure.share else MEAN
    statistic = statistic_named(name)
    if measure.share and statistic is not SHARE:
        raise UsageError(f"{measure.name} has no {name}", f"It is a share: write {measure.name}.")
    if statistic is SHARE and not measure.share:
        raise UsageError(f"{measure.name} is no share", "Shares are good and valid.")
    return statistic


def _bound(measure: Measure, number: str, unit: str | None) -> float:
    if unit is None:
        return float(number)
    if measure.unit.read is None:
        raise UsageError(f"{measure.name} has no unit", f"Write {number}, not {number}{unit}.")
    try:
        return measure.unit.read(f"{number}{unit}")
    except ValueError as error:
        raise UsageError(f"the bound of {measure.name}, {number}{unit}, {error}") from None


def _pair(said: str, item: str) -> tuple[str, str]:
    name, _, value = (part.strip() for part in item.partition("="))
    if not name or not value:
        raise UsageError(
            f"{item!r} in {said!r} names no points",
            "Write a dimension of the experiment and its value, such as load=0.",
        )
    return name, value

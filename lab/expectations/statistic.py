"""What is made of a measure's values at a point: a mean unless something else is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite

import numpy as np
from scipy import stats

from lab.errors import UsageError
from lab.measure.statistics import Interval, mean_interval
from lab.report.good_calls import per_cent, share_of

LEVEL = 0.95


@dataclass(frozen=True, eq=False, slots=True)
class Statistic:
    """One figure made of those of several calls."""

    name: str
    of: Callable[[Sequence[float]], Interval]
    """Values, none or more → the figure with its interval, if it has one."""


def _share(values: Sequence[float]) -> Interval:
    """Per cent of the values that are 1, with Wilson's interval."""
    return per_cent(share_of(value > 0 for value in values))


def _extreme(choose: Callable[[Sequence[float]], float], values: Sequence[float]) -> Interval:
    """Of these calls alone: what others would have there, no interval tells."""
    found = float(choose(values)) if values else None
    return Interval(found, None, None, len(values), len(values), LEVEL)


def _percentile(percent: int, values: Sequence[float]) -> Interval:
    """By linear interpolation, with the interval between two of the values.

    It takes no shape of the distribution (Conover 1999, "Practical Nonparametric Statistics"),
    and needs many calls: 6 for a median, 72 for the 95th percentile.
    """
    n = len(values)
    if not n:
        return Interval(None, None, None, 0, 0, LEVEL)
    found = float(np.percentile(values, percent))
    ends = stats.quantile_test(values, q=found, p=percent / 100).confidence_interval(LEVEL)
    if not (isfinite(ends.low) and isfinite(ends.high)):
        return Interval(found, None, None, n, n, LEVEL)
    return Interval(found, float(ends.low), float(ends.high), n, n, LEVEL)


MEAN = Statistic("mean", mean_interval)
SHARE = Statistic("share", _share)
_NAMED = {
    each.name: each
    for each in (
        MEAN,
        SHARE,
        Statistic("min", partial(_extreme, min)),
        Statistic("max", partial(_extreme, max)),
    )
}


def statistic_named(name: str) -> Statistic:
    """`mean`, `share`, `min`, `max`, or a percentile such as `p95`; UsageError for no such name."""
    if name in _NAMED:
        return _NAMED[name]
    if match := re.fullmatch(r"p([1-9]\d?)", name, re.ASCII):
        return Statistic(name, partial(_percentile, int(match[1])))
    raise UsageError(
        f"{name} is no statistic", "Write mean, min, max, share, or p1 to p99 before the measure."
    )

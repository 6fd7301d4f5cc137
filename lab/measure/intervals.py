"""Reckoning with intervals: in another unit, turned round, summed, and whether zero is inside."""

from __future__ import annotations

import math
from collections.abc import Iterable

from lab.measure.statistics import Interval


def scaled(interval: Interval, factor: float) -> Interval:
    """The same in another unit, or with the other sign."""
    ends = [None if x is None else factor * x for x in (interval.low, interval.high)]
    low, high = ends if factor >= 0 else reversed(ends)
    estimate = None if interval.estimate is None else factor * interval.estimate
    return Interval(estimate, low, high, interval.n, interval.groups, interval.level)


def negated(interval: Interval) -> Interval:
    """The same with the other sign."""
    return scaled(interval, -1)


def summed(parts: Iterable[Interval]) -> Interval:
    """The sum of independent estimates (MOVER, Zou and Donner 2008).

    How far the interval reaches to a side is the root of the sum of squares of how far the parts
    do. None where a part has none.
    """
    some = list(parts)
    n, level = min(part.n for part in some), some[0].level
    estimates = [part.estimate for part in some if part.estimate is not None]
    if len(estimates) < len(some):
        return Interval(None, None, None, n, n, level)
    total = math.fsum(estimates)
    ends = [
        (part.estimate - part.low, part.high - part.estimate)
        for part in some
        if part.estimate is not None and part.low is not None and part.high is not None
    ]
    if len(ends) < len(some):
        return Interval(total, None, None, n, n, level)
    low = total - math.hypot(*(below for below, _ in ends))
    high = total + math.hypot(*(above for _, above in ends))
    return Interval(total, low, high, n, n, level)


def excludes_zero(interval: Interval) -> bool:
    """Whether it has an interval, and zero is not in it."""
    if interval.low is None or interval.high is None:
        return False
    return interval.low > 0 or interval.high < 0

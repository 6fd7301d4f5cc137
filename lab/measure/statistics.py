"""Means and shares over calls, with the intervals that belong to them.

Calls, never packets, are what is repeated; calls over one circuit are not independent, so
the bootstrap draws circuits.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from scipy import stats

from lab.measure.capture import Floats
from lab.verdict import FAILED, INVALID, VALID, verdict_of

RESAMPLES = 9999


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence interval; None where the data cannot give one."""

    estimate: float | None
    low: float | None
    high: float | None
    n: int
    """Calls that entered."""
    groups: int
    """Circuits they came from, or n where each call is its own group."""
    level: float


@dataclass(frozen=True, slots=True)
class Counts:
    """How many calls stand behind a figure."""

    valid: int
    invalid: int
    """Carried, but the lab could not vouch for the measurement; never averaged in."""
    failed: int
    """Never carried."""

    @property
    def total(self) -> int:
        """All calls that were tried."""
        return self.valid + self.invalid + self.failed


class Tried(Protocol):
    """A call that was tried: a call's record, or a row of the field."""

    @property
    def status(self) -> str:
        """`ok` or `failed`."""

    @property
    def valid(self) -> bool | None:
        """Whether the lab vouches for the measurement."""


def count_calls(calls: Sequence[Tried]) -> Counts:
    """Count calls by their outcome."""
    found = Counter(verdict_of(call.status, bool(call.valid)) for call in calls)
    return Counts(valid=found[VALID], invalid=found[INVALID], failed=found[FAILED])


def mean_interval(
    values: Sequence[float],
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Mean over calls with its bootstrap confidence interval.

    `groups` names each call's circuit; whole circuits are drawn with replacement, and the
    mean is over calls. BCa interval (Efron 1987), or the percentile interval where BCa is
    undefined (all groups alike). Values that are not finite are not allowed: leave failed
    calls out and count them. The interval is None with fewer than two groups.
    """
    numbers = np.asarray(values, np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("a mean is taken over measured values only")
    labels = range(len(numbers)) if groups is None else groups
    if len(labels) != len(numbers):
        raise ValueError("there must be one group per value")
    index: dict[Hashable, int] = {}
    member = np.array([index.setdefault(label, len(index)) for label in labels], np.int64)
    if not len(numbers):
        return Interval(None, None, None, 0, 0, level)
    mean = float(numbers.mean())
    if len(index) < 2:
        return Interval(mean, None, None, len(numbers), len(index), level)
    sums = np.bincount(member, numbers).astype(np.float64)
    sizes = np.bincount(member).astype(np.float64)
    low, high = _bootstrap(sums, sizes, seed, level)
    return Interval(mean, low, high, len(numbers), len(index), level)


def difference_interval(
    values: Sequence[float], others: Sequence[float], seed: int = 0, level: float = 0.95
) -> Interval:
    """Mean of `values` less that of `others`, two independent sets of calls, and its interval.

    BCa bootstrap, or the percentile interval where that is undefined; None with fewer than two
    calls on either side. `n` counts the `values`.
    """
    one, other = (np.asarray(side, np.float64) for side in (values, others))
    if not len(one) or not len(other):
        return Interval(None, None, None, len(one), len(one), level)
    estimate = float(one.mean() - other.mean())
    if min(len(one), len(other)) < 2:
        return Interval(estimate, None, None, len(one), len(one), level)

    def difference(one: Floats, other: Floats, axis: int) -> Floats:
        found: Floats = one.mean(axis=axis) - other.mean(axis=axis)
        return found

    low, high = _ends_of_bootstrap((one, other), difference, False, seed, level)
    return Interval(estimate, low, high, len(one), len(one), level)


def _bootstrap(sums: Floats, sizes: Floats, seed: int, level: float) -> tuple[float, float]:
    def mean(sums: Floats, sizes: Floats, axis: int) -> Floats:
        ratio: Floats = sums.sum(axis=axis) / sizes.sum(axis=axis)
        return ratio

    return _ends_of_bootstrap((sums, sizes), mean, True, seed, level)


def _ends_of_bootstrap(
    data: tuple[Floats, Floats],
    statistic: Callable[..., Floats],
    paired: bool,
    seed: int,
    level: float,
) -> tuple[float, float]:
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            interval = stats.bootstrap(
                data,
                statistic,
                paired=paired,
                vectorized=True,
                n_resamples=RESAMPLES,
                confidence_level=level,
                method=method,
                rng=np.random.default_rng(seed),
            ).confidence_interval
        if np.isfinite(interval.low) and np.isfinite(interval.high):
            break
    return float(interval.low), float(interval.high)


@lru_cache(maxsize=4096)
def share_interval(hits: int, n: int, level: float = 0.95) -> Interval:
    """A share of calls with its Wilson score interval (Wilson 1927)."""
    if n == 0:
        return Interval(None, None, None, 0, 0, level)
    interval = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    return Interval(hits / n, float(interval.low), float(interval.high), n, n, level)

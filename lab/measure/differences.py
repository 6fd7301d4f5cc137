"""Differences between calls of one circuit, and between two judgements of the same calls.

`lab.measure.statistics.difference_interval` is the bootstrap's; these hold for few calls too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from lab.measure.statistics import Interval


def paired_interval(
    values: Sequence[float], others: Sequence[float], level: float = 0.95
) -> Interval:
    """Mean of what each of `values` is more than its partner in `others` (Student's paired t).

    No interval with fewer than two pairs, nor where all differ alike.
    """
    differences = np.subtract(values, others)
    n = len(differences)
    if not n:
        return Interval(None, None, None, 0, 0, level)
    estimate = float(np.mean(differences))
    if n < 2 or np.ptp(differences) == 0:
        return Interval(estimate, None, None, n, n, level)
    interval = stats.ttest_rel(values, others).confidence_interval(level)
    return Interval(estimate, float(interval.low), float(interval.high), n, n, level)


def paired_share_interval(
    good: Sequence[bool], before: Sequence[bool], level: float = 0.95
) -> Interval:
    """How much larger a share is by another judgement of the same calls, -1 to 1.

    Agresti and Min's adjusted interval (2005), which is not empty where both agree on all.
    """
    n = len(good)
    gained = sum(now and not then for now, then in zip(good, before, strict=True))
    lost = sum(then and not now for now, then in zip(good, before, strict=True))
    if not n:
        return Interval(None, None, None, 0, 0, level)
    gains, losses, size = gained + 0.5, lost + 0.5, n + 2.0
    middle = (gains - losses) / size
    variance = (gains + losses - (gains - losses) ** 2 / size) / size**2
    half = float(stats.norm.ppf(0.5 + level / 2)) * math.sqrt(variance)
    low, high = max(-1.0, middle - half), min(1.0, middle + half)
    return Interval((gained - lost) / n, low, high, n, n, level)

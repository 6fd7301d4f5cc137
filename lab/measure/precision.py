"""How well a mean is known so far: what decides when a run stops calling."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, sqrt
from statistics import fmean


def mean_half_width(values: Sequence[float], level: float = 0.95) -> float | None:
    """Half the width of the mean's confidence interval by Student's t; None for fewer than two.

    Wider than the bootstrap's for few calls, and quicker.
    """
    if len(values) < 2:
        return None
    # Lists of runs, most of which want no precision, need no scipy.
    from scipy.special import stdtrit  # noqa: PLC0415

    n, mean = len(values), fmean(values)
    quantile = float(stdtrit(n - 1, 0.5 + level / 2))
    # Not that of `statistics`, which reckons in fractions: hundreds of points have one each.
    stdev = sqrt(fsum((value - mean) ** 2 for value in values) / (n - 1))
    return quantile * stdev / sqrt(n)

"""Percentiles and deviations of short arrays.

numpy's own functions give the same values and take 50 µs for any array, however short: a load
test's capture has thousands of streams of a few packets each.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

import numpy as np

from lab.measure.capture import Floats
from lab.measure.pcap import Ints


def percentiles(values: Floats | Ints, percents: Iterable[float]) -> list[float]:
    """Percentiles by linear interpolation, as `numpy.percentile` has them; at least one value."""
    ordered = np.sort(values)
    last = len(ordered) - 1
    found = []
    for percent in percents:
        place = percent / 100 * last
        index = int(place)
        share = place - index
        low = float(ordered[index])
        high = float(ordered[min(index + 1, last)])
        # The nearer end is where the interpolation starts, so that both ends come out exactly.
        step = high - low
        found.append(high - step * (1 - share) if share >= 0.5 else low + step * share)
    return found


def mean(values: Floats) -> float:
    """The mean of at least one value."""
    return float(np.add.reduce(values)) / len(values)


def std_dev(values: Floats) -> float:
    """The standard deviation with n - 1; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    deviation = values - mean(values)
    return sqrt(float(np.add.reduce(deviation * deviation)) / (len(values) - 1))

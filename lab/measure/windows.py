"""Windows of 8 to 12 s, cut at speech pauses: how PESQ follows a long recording.

A series, never one number: the mean of windows is not the PESQ of the call.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise

import numpy as np

from lab.measure.samples import Samples
from lab.measure.speech import RATE_HZ, Segment, pauses

SHORTEST_S = 8.0
LONGEST_S = 12.0
"""P.862 wants 8 s at least; 12 s are short enough to see a call change."""
GRID_S = 0.5
"""Where there is no pause in reach, cuts fall on this grid."""
SPOILT_CUT = 1.0
"""The cost of a cut through speech; a cut in a pause costs less, the longer the pause."""


def windows(clip: Samples) -> tuple[Segment, ...]:
    """Consecutive windows that cover the clip (8 kHz, one dimension).

    A clip shorter than 8 s, or one of 12 to 16 s, cannot be divided so and is one window.
    """
    length_s = len(clip) / RATE_HZ
    costs = {float(t): SPOILT_CUT for t in np.arange(GRID_S, length_s, GRID_S)}
    for pause in pauses(clip):
        middle = (pause.start + pause.end) / 2 / RATE_HZ
        costs[middle] = 0.1 / (1 + pause.duration_s)
    points = [0.0, *sorted(costs), length_s]
    best = [0.0] + [np.inf] * (len(points) - 1)
    previous = [0] * len(points)
    for n, end in enumerate(points[1:], start=1):
        near = bisect_left(points, end - LONGEST_S), bisect_right(points, end - SHORTEST_S)
        for m in range(*near):
            cost = best[m] + costs.get(end, 0.0)
            if cost < best[n]:
                best[n], previous[n] = cost, m
    if not np.isfinite(best[-1]):
        return (Segment(0, len(clip)),)
    edges = [len(points) - 1]
    while edges[-1]:
        edges.append(previous[edges[-1]])
    samples = [round(points[n] * RATE_HZ) for n in reversed(edges)]
    return tuple(Segment(a, b) for a, b in pairwise(samples))

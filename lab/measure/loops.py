"""A clip that was played over and over: how often, and what it was as a whole.

The passes that a listener is sure of tell when the playback began and how long one pass takes;
it went on for as long as the recorder ran, until somebody says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.measure.alignment import Alignment
from lab.measure.samples import Samples
from lab.measure.speech import RATE_HZ

REGULAR = 0.2
"""Passes that are off their beat by more of the clip's length were not looped but started."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Looped playback in a recording, in samples at 8 kHz of the recorder's clock."""

    first: int
    """Where a pass begins; negative where that was before the recording."""
    period: float
    """From one pass to the next."""
    begin: int
    """From where on the recording is compared: its start, or that of the playback."""
    end: int

    @property
    def times(self) -> float:
        """How often the clip was played."""
        return (self.end - self.begin) / self.period

    def played(self, clip: Samples) -> Samples:
        """What was played from `begin` to `end`."""
        return repeated(clip, self.period, self.end - self.first)[self.begin - self.first :]


def find_loop(passes: Sequence[Alignment], length: int, recorded: int) -> Loop | None:
    """The loop that several passes of a clip of that length make up; None where they do not."""
    delays = [_begin(one) for one in passes if one.found]
    if len(delays) < 2:
        return None
    ways = np.diff(delays)
    shortest = float(np.min(ways))
    if shortest < length / 2:
        return None
    # A pass that was lost leaves a way of two.
    beats = np.rint(ways / shortest)
    period = float(np.median(ways / beats))
    if np.max(np.abs(ways - beats * period)) > REGULAR * length:
        return None
    first = round(delays[0])
    begin = max(0, first)
    return Loop(first, period, begin, recorded)


def repeated(clip: Samples, period: float, length: int) -> Samples:
    """`length` samples of a clip that begins anew every `period` samples, silent in between."""
    result = np.zeros(length, np.float32)
    number = 0
    while (start := round(number * period)) < length:
        number += 1
        end = min(length, round(number * period), start + len(clip))
        result[start:end] = clip[: end - start]
    return result


def _begin(one: Alignment) -> float:
    """Where a pass begins, by the median of its delays."""
    return (one.delay_ms or 0.0) * RATE_HZ / 1000

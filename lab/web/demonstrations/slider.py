"""A slider over a range of numbers: even steps, or even ratios where the range is wide."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

POSITIONS = 1000
WIDE = 20
"""The ratio of the ends from which on a step is a ratio: else the low end has no room."""


@dataclass(frozen=True, slots=True)
class Slider:
    """Whole numbers from `low` to `high`, at positions from 0 to `POSITIONS`."""

    low: int
    high: int

    @property
    def by_ratio(self) -> bool:
        """Whether a step multiplies."""
        return self.low > 0 and self.high / self.low >= WIDE

    def number(self, position: int) -> int:
        """The number at a position."""
        share = position / POSITIONS
        if self.by_ratio:
            return round(self.low * exp(share * log(self.high / self.low)))
        return round(self.low + (self.high - self.low) * share)

    def position(self, number: int) -> int:
        """The position that is nearest to a number."""
        if self.high == self.low:
            return 0
        if self.by_ratio:
            share = log(number / self.low) / log(self.high / self.low)
        else:
            share = (number - self.low) / (self.high - self.low)
        return round(POSITIONS * share)

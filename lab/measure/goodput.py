"""What competing streams got, from counters sampled during a call. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.wire.load import Sample


@dataclass(frozen=True, slots=True)
class Goodput:
    """The rates of all streams over one window, kbit/s of payload."""

    streams_kbps: NDArray[np.float64]
    """One rate per stream, or the one of all together."""

    @property
    def sum_kbps(self) -> float:
        """That of all streams together."""
        return float(self.streams_kbps.sum())

    @property
    def min_kbps(self) -> float:
        """That of the slowest stream."""
        return float(self.streams_kbps.min())

    @property
    def max_kbps(self) -> float:
        """That of the fastest stream."""
        return float(self.streams_kbps.max())

    @property
    def jain(self) -> float:
        """Jain's index: 1 where all get the same, 1/n where one gets all."""
        return jain_index(self.streams_kbps)


def goodput(samples: Sequence[Sample]) -> Goodput | None:
    """Rates between the first and the last sample; None where there are less than two."""
    if len(samples) < 2 or samples[-1].at_s <= samples[0].at_s:
        return None
    first, last = samples[0].carried_bytes, samples[-1].carried_bytes
    # Streams that were seen later than others had carried nothing before.
    before = np.array([*first, *[0] * (len(last) - len(first))], dtype=np.float64)
    elapsed_s = samples[-1].at_s - samples[0].at_s
    return Goodput((np.array(last) - before) * 8 / 1000 / elapsed_s)


def jain_index(rates: ArrayLike) -> float:
    """Jain's fairness index (R. Jain et al., DEC-TR-301, 1984); NaN where nothing flows."""
    values = np.asarray(rates, dtype=np.float64)
    squares = float((values**2).sum())
    return float(values.sum()) ** 2 / (len(values) * squares) if squares else float("nan")

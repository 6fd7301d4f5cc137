"""The clock of a capturing host, set while it captured: found where the order of the file and
the numbers of RTP packets agree against the times.

Times alone cannot be trusted to be in order, nor can files: network cards with several queues
write packets of one moment in any order. The packets' own numbers decide between the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.measure.capture import Floats
from lab.measure.codecs import CLOCK_RATES_HZ
from lab.measure.numbering import difference, unwrapped
from lab.measure.octets import Flags
from lab.measure.pcap import Ints

LEAST_STEP_NS = 1_000_000
"""Smaller steps back are the disorder of a capture."""
NEIGHBOURS = 500
"""Packets on either side of a step that are looked at."""
WINDOW = 50
"""Packets of a stream on either side from which the step's size is taken."""

MAX_GAP_NS = 1_000_000_000
"""Between two packets on either side of a step: a size that makes it longer is of timestamps
that began anew."""


@dataclass(frozen=True, slots=True)
class ClockStep:
    """Once the capturing host's clock was set back."""

    at: int
    """The first packet by the new clock, as a position in order of the file."""
    at_ns: int
    """Its time, by the clock as it was before."""
    step_ms: float
    """How far: negative."""


def clock_steps(time_ns: Ints, group: Ints, sequence: Ints, timestamp: Ints) -> list[ClockStep]:
    """Find the steps in a capture's RTP packets, which are given in order of the file.

    `group` tells the streams apart; number and timestamp are as in the header.
    """
    back = np.flatnonzero(np.diff(time_ns) < -LEAST_STEP_NS) + 1
    found: list[ClockStep] = []
    corrected = time_ns.copy()
    for at in back.tolist():
        if corrected[at] >= corrected[at - 1]:
            continue
        near = slice(max(0, at - NEIGHBOURS), at + NEIGHBOURS)
        if not _file_is_right(corrected[near], group[near], sequence[near], at - near.start):
            continue
        least_ns = int(corrected[at] - corrected[at - 1])
        size_ns = _size_ns(corrected, group, timestamp, at)
        if size_ns is None or abs(size_ns - least_ns) > MAX_GAP_NS:
            size_ns = least_ns
        if size_ns > least_ns / 2:
            continue  # Times go on as before: what is out of order is the file after all.
        step_ns = min(size_ns, least_ns)
        corrected[at:] -= step_ns
        found.append(ClockStep(at, int(corrected[at]), step_ns / 1e6))
    return found


def _file_is_right(time_ns: Ints, group: Ints, sequence: Ints, at: int) -> bool:
    """Whether the numbers of packets around `at` follow the file where the times do not."""
    before, after = np.arange(at), np.arange(at, len(time_ns))
    before = before[time_ns[before] > time_ns[at]]
    after = after[time_ns[after] < time_ns[before].max()]
    around = np.concatenate([before, after])
    by_time = around[np.argsort(time_ns[around], kind="stable")]
    return _disorder(group[around], sequence[around]) < _disorder(group[by_time], sequence[by_time])


def _disorder(group: Ints, sequence: Ints) -> int:
    """How often a stream's number is lower than the one before it."""
    order = np.argsort(group, kind="stable")
    same = np.diff(group[order]) == 0
    steps = difference(sequence[order][1:], sequence[order][:-1], 16)
    return int(np.sum(same & (steps < 0)))


def _size_ns(time_ns: Ints, group: Ints, timestamp: Ints, at: int) -> int | None:
    """The step by the stream that shows it best: one whose packets come evenly.

    None where no stream goes on across it.
    """
    best: tuple[float, int] | None = None
    for stream in np.unique(group[max(0, at - NEIGHBOURS) : at + NEIGHBOURS]).tolist():
        mine = np.flatnonzero(group == stream)
        middle = int(np.searchsorted(mine, at))
        mine = mine[max(0, middle - WINDOW) : middle + WINDOW]
        late = mine >= at
        if min(late.sum(), (~late).sum()) < 2:
            continue
        transit_ns = _transit_ns(time_ns[mine], timestamp[mine], late)
        sides = [transit_ns[~late], transit_ns[late]]
        middles = [float(np.median(side)) for side in sides]
        spread = max(
            float(np.median(np.abs(side - m))) for side, m in zip(sides, middles, strict=True)
        )
        if best is None or spread < best[0]:
            best = spread, round(middles[1] - middles[0])
    return None if best is None else best[1]


def _transit_ns(time_ns: Ints, timestamp: Ints, late: Flags) -> Floats:
    """Arrival less media time, by the clock rate that the packets on each side show."""
    units = unwrapped(timestamp, 32) - timestamp[0]
    inside = late[1:] == late[:-1]
    span_ns = int(np.diff(time_ns)[inside].sum())
    pace_hz = int(np.diff(units)[inside].sum()) * 1e9 / span_ns if span_ns > 0 else 0.0
    rate_hz = min(CLOCK_RATES_HZ, key=lambda rate: abs(rate - pace_hz))
    transit_ns: Floats = (time_ns - time_ns[0]) - units * 1e9 / rate_hz
    return transit_ns

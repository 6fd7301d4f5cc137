"""The clock of a capturing host, set while it captured: found where the order of the file, the
numbers and the timestamps of RTP packets agree against the times.

Times alone cannot be trusted to be in order, nor can files: network cards with several queues
write packets of one moment in any order. The packets' own numbers decide between the two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lab.measure.capture import Floats
from lab.measure.codecs import CLOCK_RATES_HZ
from lab.measure.numbering import difference, unwrapped
from lab.measure.octets import Flags
from lab.measure.pcap import Ints

LEAST_BACK_NS, LEAST_FORWARD_NS = 1_000_000, 50_000_000
"""Smaller steps back are the disorder of a capture, smaller ones forward a gap between packets."""
NEIGHBOURS = 500
"""Packets on either side of a step that are looked at."""
WINDOW = 50
"""Packets of a stream on either side from which the step's size is taken."""
MAX_GAP_NS = 1_000_000_000
"""Between two packets on either side of a step: a size that makes it longer is of timestamps
that began anew."""
MAX_SPREAD_NS = 10_000_000
"""Streams whose packets vary by more do not tell the size."""
LEAST_BLIND_NS = 30_000_000
"""Without a stream that tells the size, files are out of order by less."""
TIMES_END_NS = 1 << 63
"""Steps that together lead beyond it (the year 2262) are no clock's: the times are damaged."""
MANY_SPREADS = 2
"""A step has to stand out from what packets vary by."""
ALIKE_NS = 1_000_000
"""Streams both ways show one step forward if they agree on it by that, beside what their own
packets vary: no two senders, and no two paths, are held up for the same time."""


@dataclass(frozen=True, slots=True)
class ClockStep:
    """Once the capturing host's clock was set."""

    at: int
    """The first packet by the new clock, as a position in order of the file."""
    at_ns: int
    """Its time, by the clock as it was before."""
    step_ms: float
    """How far: negative where it was set back."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The RTP packets of a capture in order of the file; every array has one entry per packet."""

    time_ns: Ints
    """As captured."""
    group: Ints
    """Which stream."""
    source: Ints
    """Who sent it."""
    sequence: Ints
    """16 bits, as in the header; so the timestamp's 32."""
    timestamp: Ints


@dataclass(frozen=True, slots=True)
class _Shift:
    """How much later a stream's packets come from some packet on, against its timestamps."""

    source: int
    size_ns: int
    spread_ns: int
    """How much they vary."""
    follows: bool
    """No packet of it is missing there."""


def steps_back(seen: Seen) -> list[ClockStep]:
    """Where the clock was set back while the capture ran: numbers go on where times do not."""
    found: list[ClockStep] = []
    corrected = replace(seen, time_ns=seen.time_ns.copy())
    time_ns = corrected.time_ns
    for at in (np.flatnonzero(np.diff(time_ns) < -LEAST_BACK_NS) + 1).tolist():
        change_ns = int(time_ns[at] - time_ns[at - 1])
        step_ns = _back_ns(corrected, at, change_ns) if change_ns < 0 else 0
        if step_ns and int(time_ns[at:].max()) - step_ns < TIMES_END_NS:
            time_ns[at:] -= step_ns
            found.append(ClockStep(at, int(time_ns[at]), step_ns / 1e6))
    return found


def steps_forward(seen: Seen) -> list[ClockStep]:
    """Where the clock may have been set forward: streams of two senders, with none of their
    packets missing, come later all at once, by the same time and for good.

    A host that stood still for as long, with both senders on it, looks the same: only another
    host's capture of the same call tells (`clock_agreement`).
    """
    return [
        ClockStep(at, int(seen.time_ns[at]) - step_ns, step_ns / 1e6)
        for at in (np.flatnonzero(np.diff(seen.time_ns) > LEAST_FORWARD_NS) + 1).tolist()
        if (step_ns := _forward_ns(seen, at, int(seen.time_ns[at] - seen.time_ns[at - 1])))
    ]


def _back_ns(seen: Seen, at: int, change_ns: int) -> int:
    """The step back before a packet, 0 for none; the times go back there by `change_ns`."""
    displaced = _displaced(seen, at)
    if not displaced:
        return 0
    evenest = min(_shifts(seen, at), key=lambda shift: shift.spread_ns, default=None)
    if evenest is None or evenest.spread_ns > MAX_SPREAD_NS:
        # Held up all the same: no more time is known to have gone by there.
        return change_ns if displaced > 1 and change_ns < -LEAST_BLIND_NS else 0
    # Packets that the network held up may stand before the next ones in a file out of order.
    if evenest.size_ns > min(change_ns / 2, -MANY_SPREADS * evenest.spread_ns):
        return 0
    return evenest.size_ns if change_ns - MAX_GAP_NS <= evenest.size_ns <= change_ns else change_ns


def _forward_ns(seen: Seen, at: int, change_ns: int) -> int:
    """The step forward before a packet, 0 for none; until then no packet came for `change_ns`."""
    shifts = _shifts(seen, at)
    if len({shift.source for shift in shifts}) < 2 or not all(shift.follows for shift in shifts):
        return 0
    evenest = min(shifts, key=lambda shift: shift.spread_ns)
    size_ns = evenest.size_ns
    alike = all(
        abs(shift.size_ns - size_ns) <= ALIKE_NS + shift.spread_ns + evenest.spread_ns
        for shift in shifts
    )
    return size_ns if alike and LEAST_FORWARD_NS < size_ns <= change_ns else 0


def _displaced(seen: Seen, at: int) -> int:
    """How many packets before `at` bear later times than those behind it, although the numbers
    follow the file; 0 where they rather follow the times."""
    first, time_ns = max(0, at - NEIGHBOURS), seen.time_ns
    before, after = np.arange(first, at), np.arange(at, min(at + NEIGHBOURS, len(time_ns)))
    before = before[time_ns[before] > time_ns[at]]
    after = after[time_ns[after] < time_ns[before].max()]
    around = np.concatenate([before, after])
    by_time = around[np.argsort(time_ns[around], kind="stable")]
    if _disorder(seen, by_time) <= _disorder(seen, around):
        return 0
    return int(np.isin(seen.group[before], seen.group[after]).sum())


def _disorder(seen: Seen, packets: Ints) -> int:
    """How often a stream's number is lower than the one before it."""
    packets = packets[np.argsort(seen.group[packets], kind="stable")]
    same = np.diff(seen.group[packets]) == 0
    number = seen.sequence[packets]
    return int(np.sum(same & (difference(number[1:], number[:-1], 16) < 0)))


def _shifts(seen: Seen, at: int) -> list[_Shift]:
    """By how much each stream that goes on across a packet comes later from there on."""
    first = max(0, at - NEIGHBOURS)
    near = seen.group[first : at + NEIGHBOURS]
    found = []
    for stream in np.unique(near).tolist():
        mine = np.flatnonzero(near == stream) + first
        middle = int(np.searchsorted(mine, at))
        mine = mine[max(0, middle - WINDOW) : middle + WINDOW]
        late = mine >= at
        if min(late.sum(), (~late).sum()) < 2:
            continue
        transit_ns = _transit_ns(seen.time_ns[mine], seen.timestamp[mine], late)
        sides = [transit_ns[~late], transit_ns[late]]
        middles = [float(np.median(side)) for side in sides]
        spreads = [np.median(np.abs(side - m)) for side, m in zip(sides, middles, strict=True)]
        border = seen.sequence[mine[late][0]] - seen.sequence[mine[~late][-1]]
        found.append(
            _Shift(
                source=int(seen.source[mine[0]]),
                size_ns=round(middles[1] - middles[0]),
                spread_ns=round(float(max(spreads))),
                follows=int(border) % (1 << 16) == 1,
            )
        )
    return found


def _transit_ns(time_ns: Ints, timestamp: Ints, late: Flags) -> Floats:
    """Arrival less media time, by the clock rate that the packets on each side show."""
    units = unwrapped(timestamp, 32) - timestamp[0]
    inside = late[1:] == late[:-1]
    span_ns = int(np.diff(time_ns)[inside].sum())
    pace_hz = int(np.diff(units)[inside].sum()) * 1e9 / span_ns if span_ns > 0 else 0.0
    rate_hz = min(CLOCK_RATES_HZ, key=lambda rate: abs(rate - pace_hz))
    transit_ns: Floats = (time_ns - time_ns[0]) - units * 1e9 / rate_hz
    return transit_ns

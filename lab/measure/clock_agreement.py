"""Whether one of two hosts set its clock forward during a call that both captured.

In the capture of that host alone its clock and a standstill of the whole host look alike. To
the other host a standstill shows: packets come late there. A clock does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lab.measure.capture_clock import ALIKE_NS, WINDOW, ClockStep
from lab.measure.pcap import Ints
from lab.measure.rtp import Stream
from lab.measure.two_captures import pair_streams

Streams = tuple[Stream, ...]
TOLERANCE = 0.25
"""Share by which the difference of both clocks' readings may miss a step: paths vary."""


@dataclass(frozen=True, slots=True, eq=False)
class _Readings:
    """When the packets that stand in both captures were seen, by either clock."""

    stream: Stream
    own_ns: Ints
    other_ns: Ints


def freed_of_steps(first: Sequence[Stream], second: Sequence[Stream]) -> tuple[Streams, Streams]:
    """Both captures' streams, with times freed of the steps forward that the other denies."""
    suspected = [
        {step for stream in own for step in stream.suspected_steps} for own in (first, second)
    ]
    if not any(suspected):
        return tuple(first), tuple(second)
    seen: tuple[list[_Readings], list[_Readings]] = ([], [])
    for pair in pair_streams(first, second):
        first_ns = pair.first.time_ns[pair.pairs.sent]
        second_ns = pair.second.time_ns[pair.pairs.received]
        seen[0].append(_Readings(pair.first, first_ns, second_ns))
        seen[1].append(_Readings(pair.second, second_ns, first_ns))
    return (
        _freed(first, [step for step in suspected[0] if _denied(step, seen[0])]),
        _freed(second, [step for step in suspected[1] if _denied(step, seen[1])]),
    )


def _denied(step: ClockStep, seen: Sequence[_Readings]) -> bool:
    """Whether the other host saw streams both ways go on as if nothing had happened."""
    size_ns = step.step_ms * 1e6
    senders = set()
    for readings in seen:
        order = np.argsort(readings.own_ns, kind="stable")
        own_ns, apart_ns = readings.own_ns[order], (readings.own_ns - readings.other_ns)[order]
        middle = int(np.searchsorted(own_ns, _between_ns(step)))
        before, after = apart_ns[max(0, middle - WINDOW) : middle], apart_ns[middle:][:WINDOW]
        if not (len(before) and len(after)):
            continue
        shift_ns = float(np.median(after) - np.median(before))
        if abs(shift_ns - size_ns) > TOLERANCE * size_ns + ALIKE_NS:
            return False
        senders.add(readings.stream.source)
    return len(senders) > 1


def _freed(streams: Sequence[Stream], steps: Sequence[ClockStep]) -> Streams:
    freed = []
    for stream in streams:
        begin, end = int(stream.time_ns.min()), int(stream.time_ns.max())
        time_ns = stream.time_ns.copy()
        for step in steps:
            time_ns[stream.time_ns > _between_ns(step)] -= round(step.step_ms * 1e6)
        during = [step for step in steps if begin < _between_ns(step) < end]
        clock_steps = (*stream.clock_steps, *sorted(during, key=lambda step: step.at))
        freed.append(replace(stream, time_ns=time_ns, clock_steps=clock_steps))
    return tuple(freed)


def _between_ns(step: ClockStep) -> int:
    """A time that no packet has: the clock jumped over it."""
    return step.at_ns + round(step.step_ms * 1e6) // 2

"""Sequence numbers beyond the field that carries them (RFC 3550, A.1), judged by two counters.

The number alone cannot tell an outage from a new beginning: where the timestamps went on with
the clock, as many packets as fit into that time were sent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.measure.octets import Flags
from lab.measure.pcap import Ints

MAX_DROPOUT, MAX_MISORDER = 3000, 100
"""RFC 3550 A.1: a larger step in sequence number is a restart of the stream, or an outage."""
CLOCK_TOLERANCE, CLOCK_SLACK_S = 0.02, 2.0
"""Timestamps went on with the clock if they differ by no more than that share and time: no
network delays two packets so differently for long."""
LEAST_TALK = 0.3
"""Share of time in which a talker whose pauses are not sent still speaks."""
LONG_GAP_NS = 100_000_000_000
"""In less time no more packets are sent than numbers are there: 2.5 ms is the shortest packet."""
WRAP = 1 << 16
EXACT = 3
"""Packets by which an outage of a whole round of numbers may miss what timestamps tell."""
MIN_CONFLICTS = 3
"""Numbers used twice for different times: fewer are damage."""
ROUNDS = 8
"""Restarts below the old numbers are found one after the other; no call has more."""


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Which packets of a group belong to the stream, by position in order of arrival."""

    kept: Ints
    """Those whose number is near its neighbours'; the others are strays."""
    extended: Ints
    """The kept packets' numbers without wrap-around and restarts."""
    restart: Flags
    """The first kept packet of each new numbering."""


def extended_numbers(
    sequence: Ints, timestamp: Ints, time_ns: Ints, media: Flags, clock_rate_hz: Ints
) -> Numbers:
    """Numbers of packets in order of arrival, from both counters' fields in the header.

    A step that RFC 3550 A.1 does not allow is an outage where timestamp and clock agree with
    it; a restart if the packet after goes on from the new number; and a stray packet if it
    goes back to the old one. Numbers that come again with other timestamps are a restart too.
    """
    kept = _without_strays(sequence)
    number, stamp = sequence[kept], timestamp[kept]
    step = difference(number[1:], number[:-1], 16)
    jump = _beyond_rfc(step)
    long = np.diff(time_ns[kept]) > LONG_GAP_NS
    if (jump | (step > MAX_MISORDER) | long).any():
        gaps = _gaps(number, stamp, time_ns[kept], media[kept], clock_rate_hz[kept])
        outage = (jump & (gaps.packets > 0)) | (long & gaps.exact)
        step = np.where(outage, gaps.packets, step)
        jump = (jump & ~outage) | ((step > MAX_MISORDER) & gaps.contradicted)
    for _ in range(ROUNDS):
        extended = number[:1].sum() + np.concatenate([[0], np.cumsum(np.where(jump, 1, step))])
        renewed = _renewed(extended, stamp, media[kept], step, jump)
        if renewed is None:
            break
        jump[renewed] = True
    return Numbers(kept, extended.astype(np.int64), np.concatenate([[False], jump]))


def _beyond_rfc(step: Ints) -> Flags:
    beyond: Flags = (step > MAX_DROPOUT) | (step < -MAX_MISORDER)
    return beyond


def _without_strays(sequence: Ints) -> Ints:
    kept = np.arange(len(sequence))
    while True:
        number = sequence[kept]
        jump = _beyond_rfc(difference(number[1:], number[:-1], 16))
        if not jump.any():
            return kept
        returns = ~_beyond_rfc(difference(number[2:], number[:-2], 16))
        strays = np.flatnonzero(jump[:-1] & jump[1:] & returns) + 1
        if not len(strays):
            return kept
        # Of two that follow one another the second may be sound once the first is gone.
        alone = strays[np.diff(strays, prepend=-2) > 1]
        kept = np.delete(kept, alone)


@dataclass(frozen=True, slots=True, eq=False)
class _Gaps:
    """What the time between two successive packets says of the step in their numbers."""

    packets: Ints
    """How many packets the sender went on by if both counters kept on; 0 if they did not."""
    exact: Flags
    """That many, and they went round all numbers: the step itself shows no outage."""
    contradicted: Flags
    """The timestamps tell another step, and there was no time for so many packets."""


def _gaps(number: Ints, stamp: Ints, time_ns: Ints, media: Flags, clock_rate_hz: Ints) -> _Gaps:
    step, units = difference(number[1:], number[:-1], 16), difference(stamp[1:], stamp[:-1], 32)
    plain = media[1:] & media[:-1] & (clock_rate_hz[1:] == clock_rate_hz[:-1])
    sizes, counts = np.unique(units[plain & (step == 1) & (units > 0)], return_counts=True)
    if not len(sizes):
        never = np.zeros(len(step), bool)
        return _Gaps(np.zeros(len(step), np.int64), never, never)
    usual = int(sizes[np.argmax(counts)])
    clock_s = np.diff(time_ns) / 1e9
    differ_s = np.abs(units / clock_rate_hz[1:] - clock_s)
    agree = plain & (differ_s <= CLOCK_SLACK_S + CLOCK_TOLERANCE * clock_s)
    most = units / usual
    # The field wraps: so many rounds more as fit.
    packets = step % WRAP
    packets = packets + WRAP * np.maximum(np.round((most - packets) / WRAP), 0).astype(np.int64)
    fits = (packets <= most * (1 + CLOCK_TOLERANCE) + EXACT) & (packets >= LEAST_TALK * most)
    exact = (packets != step) & (np.abs(packets - most) <= EXACT) & (packets > MAX_DROPOUT)
    coherent = (most >= (1 - CLOCK_TOLERANCE) * step) & (LEAST_TALK * most <= step)
    hurried = step * usual / clock_rate_hz[1:] > clock_s + CLOCK_SLACK_S
    return _Gaps(np.where(agree & fits, packets, 0), agree & exact, plain & ~coherent & hurried)


def _renewed(extended: Ints, stamp: Ints, media: Flags, step: Ints, jump: Flags) -> int | None:
    """The step back that was a restart: it leads to numbers that were used for other times."""
    back = np.flatnonzero((step <= 0) & ~jump)
    if not len(back):
        return None
    first = np.unique(extended, return_index=True)[1]
    original = first[np.searchsorted(extended[first], extended)]
    other = media & media[original] & (stamp != stamp[original])
    if int(other.sum()) < MIN_CONFLICTS:
        return None
    place = back[back < int(np.flatnonzero(other)[0])]
    return int(place[-1]) if len(place) else None


def difference(later: Ints, earlier: Ints, bits: int) -> Ints:
    """Signed difference modulo 2**bits."""
    half = 1 << (bits - 1)
    signed: Ints = (later - earlier + half) % (2 * half) - half
    return signed


def unwrapped(numbers: Ints, bits: int) -> Ints:
    """Numbers that count on where the field of that many bits wraps around."""
    steps = difference(numbers[1:], numbers[:-1], bits)
    counted: Ints = numbers[:1].sum() + np.concatenate([[0], np.cumsum(steps)])
    return counted.astype(np.int64)

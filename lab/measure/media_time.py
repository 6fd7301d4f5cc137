"""Where each packet of a stream lies in the sender's media time, whatever its timestamps do.

Timestamps follow media time by the clock of each packet's codec, until the sender begins them
anew (hold and resume, a bridge that changes its source) or changes the clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.measure.capture import Floats
from lab.measure.numbering import difference, unwrapped
from lab.measure.octets import Flags
from lab.measure.pcap import Ints

LEAP_MS = 1000.0
"""Timestamps that run ahead of the clock by more, and of the fastest packet so far, have begun
anew: no packet can be so much faster than all before it."""
WINDOW = 50
"""Packets from which the fastest after a leap is taken."""
MOST_RESTARTS = 0.1
"""Of the packets: more are timestamps that keep another order, as those of video do."""
STEP_TOLERANCE_MS = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class MediaTime:
    """One entry per packet, in the order given."""

    ms: Floats
    """Since the first packet's."""
    seam: Flags
    """The first packet after a restart or a change of clock, across which only arrival tells
    how much media time went by."""
    restarts: int
    """Times the timestamps began anew although the numbers went on."""


def media_time(
    extended: Ints,
    timestamp: Ints,
    time_ns: Ints,
    media: Flags,
    clock_rate_hz: Ints,
    renumbered: Flags,
) -> MediaTime:
    """The media time of packets in order of arrival.

    `extended` are their numbers, each once; `timestamp` the 32 bits of the header;
    `renumbered` marks the first packet of each new numbering. Packets that are no media get
    the place that their arrival suggests.
    """
    arrival_ms = (time_ns - time_ns[0]) / 1e6
    order = np.argsort(extended, kind="stable")
    order = order[media[order]]
    if not len(order):
        return MediaTime(arrival_ms, renumbered, 0)
    clock, number = clock_rate_hz[order], np.diff(extended[order])
    units = difference(timestamp[order][1:], timestamp[order][:-1], 32)
    came_ms = np.diff(arrival_ms[order])
    seam = np.diff(np.cumsum(renumbered)[order]) > 0
    other_clock = (clock[1:] != clock[:-1]) & ~seam
    step_ms = units * 1000.0 / clock[1:]
    leap = _leaps(np.where(seam | other_clock, came_ms, step_ms), came_ms, number)
    if not (seam | leap | other_clock).any() and len(order) == len(extended):
        stamps = unwrapped(timestamp, 32)
        return MediaTime((stamps - stamps[0]) * 1000.0 / clock[0], renumbered, 0)
    across_ms = _across_clocks(units, clock, step_ms, number, came_ms)
    step_ms = np.where(other_clock, across_ms, step_ms)
    step_ms = np.where(seam | leap, came_ms, step_ms)
    ms = np.zeros(len(extended))
    ms[order] = np.concatenate([[0.0], np.cumsum(step_ms)])
    flags = np.zeros(len(extended), bool)
    flags[order[1:][seam | leap | other_clock]] = True
    _place_by_arrival(ms, arrival_ms, media)
    return MediaTime(ms - ms[0], flags, int(leap.sum()))


def _leaps(step_ms: Floats, came_ms: Floats, number: Ints) -> Flags:
    """Steps of the timestamps that were a new beginning although the numbers went on.

    Going back is one. So is running ahead of the clock by what the numbers do not explain,
    unless the packets before had been held up: then the leap only ends their delay.
    """
    leap = step_ms < 0
    ahead_ms = np.where(leap, 0.0, step_ms - came_ms)
    for at in np.flatnonzero(ahead_ms > LEAP_MS).tolist():
        usual_ms = float(np.median(step_ms[~leap] / number[~leap]))
        transit_ms = np.concatenate([[0.0], -np.cumsum(ahead_ms)])
        after_ms = transit_ms[at + 1 : at + 1 + WINDOW].min()
        explained = step_ms[at] <= number[at] * usual_ms + STEP_TOLERANCE_MS
        if not explained and after_ms < transit_ms[: at + 1].min() - LEAP_MS:
            leap[at], ahead_ms[at] = True, 0.0
    if leap.sum() > MOST_RESTARTS * len(leap):
        return np.zeros(len(leap), bool)
    return leap


def _across_clocks(
    units: Ints, clock: Ints, step_ms: Floats, number: Ints, came_ms: Floats
) -> Floats:
    """Steps between packets of two clocks: by the clock that makes it a step like the one before.

    Senders use either (RFC 7160, 3); where neither fits, arrival tells.
    """
    before_ms = np.concatenate([came_ms[:1], (step_ms / number)[:-1]]) * number
    by_either = np.stack([units * 1000.0 / clock[:-1], units * 1000.0 / clock[1:]])
    error = np.abs(by_either - before_ms)
    nearest = np.take_along_axis(by_either, error.argmin(axis=0)[None], axis=0)[0]
    return np.where(error.min(axis=0) <= STEP_TOLERANCE_MS, nearest, came_ms)


def _place_by_arrival(ms: Floats, arrival_ms: Floats, media: Flags) -> None:
    """Let packets that are no media be as late as the media packet before them."""
    before = np.maximum.accumulate(np.where(media, np.arange(len(ms)), -1))
    before = np.where(before < 0, int(np.argmax(media)), before)
    others = np.flatnonzero(~media)
    ms[others] = ms[before[others]] + arrival_ms[others] - arrival_ms[before[others]]

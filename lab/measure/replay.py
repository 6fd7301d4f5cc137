"""How a call's voice met a profile: what the profile wanted of every packet, and what it did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.measure.capture import Floats
from lab.measure.delay import SHARED_CLOCK, ClockFit, packet_delays
from lab.measure.pcap import Ints
from lab.measure.profile import Profile, VoiceWay
from lab.measure.rtp import Stream

LEEWAY_US = 5000
"""As in `images/delay-line/delay_line.c`: a sender's pace may be off by as much."""


@dataclass(frozen=True, slots=True, eq=False)
class ReplayedWay:
    """One direction."""

    error_ms: Floats
    """Of every packet that arrived and was to arrive."""
    loss_errors: int | None
    """Packets lost against the profile, or arrived against it; None where losses cannot be told,
    behind an exchange that numbers packets anew."""


def wanted_ms(way: VoiceWay, sent_ns: Ints) -> Floats:
    """What a delay line does to voice that is sent at these times, ascending; NaN: it is lost.

    Each packet meets what the profile's last packet did that was sent, since the first, until
    then or `LEEWAY_US` later; a shorter profile begins anew one packet after its last. None
    overtakes another.
    """
    at_us, last = np.array(way.at_us), len(way.at_us) - 1
    takes_ms = np.array([np.nan if takes is None else takes / 1000 for takes in way.takes_us])
    period_us = int(at_us[last]) + (int(at_us[last]) // last if last else 1)
    since_us = ((sent_ns - sent_ns[0]) // 1000 + LEEWAY_US) % period_us
    found = takes_ms[np.searchsorted(at_us, since_us, side="right") - 1]
    sent_ms = (sent_ns - sent_ns[0]) / 1e6
    arrival_ms = np.maximum.accumulate(np.where(np.isnan(found), -np.inf, sent_ms + found))
    return np.where(np.isnan(found), np.nan, arrival_ms - sent_ms)


def replayed(
    way: VoiceWay,
    sent: Stream,
    received: Stream,
    spoken_ms: float,
    clock: ClockFit = SHARED_CLOCK,
) -> ReplayedWay:
    """What became of a stream that was sent through a profile, in captures on these clocks.

    What was sent after `spoken_ms` of media is no part of the call.
    """
    spoken = sent.taken(sent.media_ms < spoken_ms)
    delays = packet_delays(spoken, received, clock)
    order = np.argsort(sent.time_ns, kind="stable")
    times_ns = sent.time_ns[order]
    wanted = wanted_ms(way, times_ns)
    wanted_of = wanted[np.searchsorted(times_ns, delays.sent_ns)]
    error_ms = np.abs(delays.delay_ms - wanted_of)
    loss_errors = None
    if delays.matched_by == "number":
        spoken_wanted = wanted[np.searchsorted(times_ns, spoken.time_ns)]
        arrived = np.isin(spoken.time_ns, delays.sent_ns)
        loss_errors = int(np.sum(arrived == np.isnan(spoken_wanted)))
    return ReplayedWay(error_ms[~np.isnan(error_ms)], loss_errors)


def used_in_words(profile: Profile, call_s: float) -> str:
    """How much of a profile a call of that length meets, and whether it was changed."""
    used = _used(profile, call_s)
    return f"{used}, without its bursts" if profile.without_bursts else used


def _used(profile: Profile, call_s: float) -> str:
    profile_s = profile.duration_s
    packet_s = profile.to_callee.ptime_ms / 1000
    if abs(call_s - profile_s) <= packet_s:
        return "whole"
    if call_s < profile_s:
        return f"cut: {call_s:.1f} of {profile_s:.1f} s"
    return f"repeated {call_s / profile_s:.1f} times"

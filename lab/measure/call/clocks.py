"""Which clocks stamped a call's packets at its two ends, and how they are brought together."""

from __future__ import annotations

from lab.measure.call.notes import CallNotes
from lab.measure.call.voice import VoiceStreams
from lab.measure.call.watches import HostWatch
from lab.measure.delay import MAX_SKEW_PPM, SHARED_CLOCK, ClockFit, fit_clocks
from lab.measure.host_clocks import ClockReading, OtherClock, read_clock
from lab.measure.record import CallRecord

MEASURED = "measured"
"""The basis of a fit of two hosts' clocks that were compared around the call."""
COMPARED = ("shared", MEASURED)
"""Bases on which a delay is one, and not only differs from others."""
MAX_OWD_ERROR_MS = 5.0
"""A quarter of a packet's time."""
_STILL = ClockReading(0, 0.0, 0)
_HERE = OtherClock(_STILL, _STILL)


def clock_between(notes: CallNotes, voice: VoiceStreams) -> ClockFit:
    """The callee's clock against the caller's: one, compared, or as the packets suggest it."""
    path = notes.arrived
    caller, callee = (notes.clocks.get(end.node) for end in (path.caller, path.callee))
    if caller == callee:
        return SHARED_CLOCK
    near, far = _clock(notes, caller), _clock(notes, callee)
    if near is None or far is None:
        return fit_clocks(
            (voice.from_caller, voice.at_callee), (voice.from_callee, voice.at_caller)
        )
    # One of the two may be the clock by which both are known.
    at_ns = max(near.before.at_ns, far.before.at_ns)
    return ClockFit(
        offset_ms=(_ahead_ns(far, at_ns) - _ahead_ns(near, at_ns)) / 1e6,
        skew_ppm=far.skew_ppm - near.skew_ppm,
        reference_ns=at_ns + round(_ahead_ns(near, at_ns)),
        basis=MEASURED,
    )


def owd_error_ms(notes: CallNotes) -> float | None:
    """By how much one-way delays may be wrong; None where one clock stamped both ends' packets.

    None also where the hosts' clocks were not compared.
    """
    path = notes.path
    if path is None:
        return None
    caller, callee = (notes.clocks.get(end.node) for end in (path.caller, path.callee))
    near, far = _clock(notes, caller), _clock(notes, callee)
    if caller == callee or near is None or far is None:
        return None
    return near.error_ms + far.error_ms


def note_hosts(record: CallRecord, notes: CallNotes) -> None:
    """Write the hosts of a lab that spans several into the record, and what their clocks did."""
    if not notes.hosts:
        return
    record.spans = " ".join(("here", *(watch.host for watch in notes.hosts)))
    record.owd_error_ms = owd_error_ms(notes)
    for watch in notes.hosts:
        clock = compared(watch)
        record.invalid_reasons += host_faults(watch, clock)
        if clock is not None:
            trip_ms = max(clock.before.round_trip_ns, clock.after.round_trip_ns) / 1e6
            record.host_rtt_ms[watch.host] = trip_ms
            record.host_ahead_ms[watch.host] = clock.before.ahead_ns / 1e6
            record.host_moved_ms[watch.host] = clock.moved_ms
    if record.owd_error_ms is not None and record.owd_error_ms > MAX_OWD_ERROR_MS:
        record.invalid_reasons.append(
            f"one-way delay, whose ends are on two hosts, is exact to ± {record.owd_error_ms:.4g} "
            f"ms only > {MAX_OWD_ERROR_MS:g} ms"
        )


def host_faults(watch: HostWatch, clock: OtherClock | None) -> list[str]:
    """Why a host's clock cannot be brought together with this one's; empty where it can."""
    if clock is None:
        return [f"the clock of host {watch.host} was not compared before and after the call"]
    elapsed_ms = (clock.after.at_ns - clock.before.at_ns) / 1e6
    doubt_ms = (clock.before.error_ns + clock.after.error_ns) / 1e6
    if abs(clock.moved_ms) <= MAX_SKEW_PPM * 1e-6 * elapsed_ms + doubt_ms:
        return []
    return [
        f"the clock of host {watch.host} was set during the call: by {clock.moved_ms:+.4g} ms "
        f"against this host's"
    ]


def compared(watch: HostWatch) -> OtherClock | None:
    """The clock of a host during the call; None where it was not compared before and after it."""
    before, after = read_clock(watch.before), read_clock(watch.after)
    return None if before is None or after is None else OtherClock(before, after)


def _clock(notes: CallNotes, name: str | None) -> OtherClock | None:
    """A clock against this host's, by its name; None where that is not known."""
    for watch in notes.hosts:
        if watch.clock == name:
            return compared(watch)
    return _HERE if notes.hosts and name is not None else None


def _ahead_ns(clock: OtherClock, at_ns: int) -> float:
    return clock.before.ahead_ns + clock.skew_ppm * 1e-6 * (at_ns - clock.before.at_ns)

"""What baresip 1.0 prints for its command `audio_debug`: a call's media and its counters."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENCODER = re.compile(r"encode: (\S+) (\d+)Hz/\d+ch ptime=(\d+)ms")
_PLAYOUT = re.compile(r" rx: .*?\(cur ([\d.]+)ms, max [\d.]+ms, or (\d+), ur (\d+)\)", re.DOTALL)
_DISCARDED = re.compile(r"n_discard:(\d+)")
_STREAM = re.compile(r"pt_enc=(-?\d+)\n local: \S+, remote: ([\d.]+:\d+)/")
_SENT = re.compile(r"TX: packets=(\d+)")
_LOST = re.compile(r"lost=(-?\d+) Jitter")
_RECEIVED = re.compile(r"rcvd=(\d+)")


@dataclass(frozen=True, slots=True)
class Figures:
    """One answer to `audio_debug`."""

    codec: str
    sample_rate_hz: int
    ptime_ms: int
    payload_type: int
    remote_rtp: str
    """`address:port` the voice is sent to."""
    waiting_ms: float
    """The voice that waits to be played."""
    playout_overruns: int
    playout_underruns: int
    """Times the player asked and there was not enough to play."""
    discarded: int
    """Packets that came after a later one had been decoded."""
    tx_packets: int
    rx_packets: int
    rx_lost: int


def read_figures(text: str) -> Figures | None:
    """The figures in an answer; None before there are media."""
    encoder, playout, stream = (p.search(text) for p in (_ENCODER, _PLAYOUT, _STREAM))
    if encoder is None or playout is None or stream is None or int(stream[1]) < 0:
        return None
    return Figures(
        codec=encoder[1],
        sample_rate_hz=int(encoder[2]),
        ptime_ms=int(encoder[3]),
        payload_type=int(stream[1]),
        remote_rtp=stream[2],
        waiting_ms=float(playout[1]),
        playout_overruns=int(playout[2]),
        playout_underruns=int(playout[3]),
        discarded=_number(_DISCARDED, text),
        tx_packets=_number(_SENT, text),
        rx_packets=_number(_RECEIVED, text),
        # RTCP counts duplicates as well, which can make it negative (RFC 3550, A.3).
        rx_lost=max(0, _number(_LOST, text)),
    )


def _number(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(found[1]) if found else 0

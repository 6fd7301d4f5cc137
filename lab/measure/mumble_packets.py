"""Mumble's voice packets, from the logs its clients keep: inside TLS no capture shows them.

A log has one line per packet; its times are Unix times in ns, taken when the packet was handed
to TLS, or had come out of it. A packet's delay therefore holds all that the transport adds: its
encryption, the wait in the sender's socket, retransmissions, and the head of line.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from lab.measure.made_stream import made_stream
from lab.measure.rtp import Stream
from lab.measure.voice_log import CODEC, read_voice_log

SEQUENCE_MS = 10
"""What Mumble's sequence numbers count."""


def read_mumble_log(
    path: Path, source: IPv4Address, destination: IPv4Address, ptime_ms: int
) -> Stream:
    """The packets of a log in its order, as a stream like those of RTP.

    Sequence numbers are made to count packets of `ptime_ms`, timestamps 48 kHz samples; what
    Mumble has not (ports, SSRC, payload type, marker) is 0. LabError where the log cannot be
    read or holds next to nothing.
    """
    frames, time_ns, sizes = read_voice_log(path, "sequence", "time_ns", "bytes").T
    media_ms = (frames - frames[0]) * float(SEQUENCE_MS)
    made = made_stream(CODEC, time_ns, frames * SEQUENCE_MS // ptime_ms, media_ms)
    return replace(
        made,
        source=source,
        destination=destination,
        timestamp=frames * SEQUENCE_MS * CODEC.clock_rate_hz // 1000,
        payload_bytes=sizes,
    )

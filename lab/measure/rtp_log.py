"""RTP as a phone logged its headers at both ends of a call: encrypted, no capture tells it apart.

A log has one line per packet; its times are Unix times in ns, taken just before the packet was
encrypted, or just after it was decrypted. A packet's delay therefore holds all that the transport
adds: encryption, the wait in the sender's socket, retransmissions, the relay, and the head of line.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from lab.measure.made_stream import made_stream
from lab.measure.pcap import Ints
from lab.measure.rtp import Stream
from lab.measure.voice_log import CODEC, read_voice_log

COLUMNS = ("timestamp", "time_ns", "bytes")
_TURN = 1 << 32
"""After so many ticks timestamps begin anew."""


def read_rtp_logs(
    sent: Path, received: Path, source: IPv4Address, destination: IPv4Address, ptime_ms: int
) -> tuple[Stream, Stream]:
    """What one end sent and the other received, as streams like those of RTP.

    Sequence numbers are made to count packets of `ptime_ms` from the first that was sent, which
    RTP's timestamps tell at either end; what a log has not (ports, SSRC, marker) is 0. LabError
    where a log cannot be read or holds next to nothing.
    """
    said, heard = (read_voice_log(log, *COLUMNS) for log in (sent, received))
    first = int(said[0, 0])
    return (
        _stream(said, first, source, destination, ptime_ms),
        _stream(heard, first, source, destination, ptime_ms),
    )


def _stream(
    rows: Ints, first: int, source: IPv4Address, destination: IPv4Address, ptime_ms: int
) -> Stream:
    timestamps, time_ns, sizes = rows.T
    ticks = (timestamps - first + _TURN // 2) % _TURN - _TURN // 2
    media_ms = ticks * 1000 / CODEC.clock_rate_hz
    made = made_stream(CODEC, time_ns, np.rint(media_ms / ptime_ms).astype(np.int64), media_ms)
    return replace(
        made,
        source=source,
        destination=destination,
        timestamp=timestamps,
        payload_bytes=sizes,
    )

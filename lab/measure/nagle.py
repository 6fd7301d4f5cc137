"""What Nagle's algorithm (RFC 896) makes of a stream of small packets, in closed form.

A sender without TCP_NODELAY holds what is less than a full segment until all it sent before is
acknowledged, a round trip later: packets that come every T leave together, as many as a round trip
takes, and at most as many as fill a segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

SEGMENT_BYTES = 1448
"""A full TCP segment on Ethernet, with timestamps (RFC 6691)."""
CELL_BYTES = 514 + 29
"""A cell of Tor's with what TLS 1.3 adds to a record, and its header."""
CELL_PAYLOAD_BYTES = 498
"""What a relay cell carries of a stream (tor-spec 6.1)."""
TUNNEL_BYTES = 26
"""What OpenVPN with AES-256-GCM adds to an IP packet in a TCP stream."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One sending socket on the way."""

    rtt_ms: float
    """Of the connection."""
    segment_packets: float
    """How many of the stream's packets fill a segment there."""
    holds: bool
    """Whether Nagle's algorithm is on."""


def segment_of_cells(packet_bytes: float) -> float:
    """How many packets of a stream fill a segment between relays: each takes whole cells."""
    return SEGMENT_BYTES / (ceil(packet_bytes / CELL_PAYLOAD_BYTES) * CELL_BYTES)


def burst_of(senders: Sequence[Sender], ptime_ms: float) -> float:
    """Packets per burst behind some senders: the largest that any of them makes, 1 of none."""
    made = [
        min(sender.rtt_ms / ptime_ms, sender.segment_packets) for sender in senders if sender.holds
    ]
    return max([1.0, *made])

"""Streams of packets that no capture showed, like those of RTP, for what works on streams."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

import numpy as np

from lab.measure.capture import Floats
from lab.measure.codecs import Codec
from lab.measure.pcap import Ints
from lab.measure.rtp import Stream

NOWHERE = IPv4Address(0)


def made_stream(
    codec: Codec,
    time_ns: Ints,
    sequence: Ints,
    media_ms: Floats,
    payloads: Sequence[bytes] = (),
) -> Stream:
    """The packets in order of arrival, one entry each; without payloads they are empty.

    Addresses, ports, SSRC and payload type are 0.
    """
    none = np.zeros(len(time_ns), np.int64)
    never = none.astype(bool)
    sizes = np.array([len(payload) for payload in payloads], np.int64) if payloads else none
    return Stream(
        ssrc=0,
        source=NOWHERE,
        source_port=0,
        destination=NOWHERE,
        destination_port=0,
        payload_type=0,
        codec=codec,
        codecs={0: codec},
        data=np.frombuffer(b"".join(payloads), np.uint8),
        time_ns=time_ns,
        sequence=sequence,
        timestamp=np.round(media_ms * codec.clock_rate_hz / 1000).astype(np.int64),
        media_ms=media_ms,
        media=~never,
        comfort_noise=never,
        marker=never,
        payload_types=none,
        payload_start=np.cumsum(sizes) - sizes,
        payload_bytes=sizes,
        payload_captured_bytes=sizes,
        ip_bytes=none,
        restart=never,
        renumberings=0,
        retimings=0,
        duplicates=0,
        strays=0,
    )
